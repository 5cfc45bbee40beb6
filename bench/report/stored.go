package report

import (
	"encoding/json"
	"fmt"
	"os"
)

// Read returns the report that Write or WriteMarkdown stored in a file of results.
func Read(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: not the results of a run: %w", path, err)
	}
	if len(r.Results) == 0 {
		return nil, fmt.Errorf("%s: no results (name a results.json that -out or -report wrote)", path)
	}
	return r, nil
}

// store writes the report as JSON.
func (r *Report) store(path string) error {
	raw, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}
