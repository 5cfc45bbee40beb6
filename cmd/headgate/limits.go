package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/headgate/headgate/internal/base/opfile"
	"github.com/headgate/headgate/internal/host/hostlimits"
)

// limitsCommand is headgate limits.
type limitsCommand struct {
	Check limitsCheckCommand `cmd:"" help:"Check a file for headgate run --limits, and show its keys in the form that requests have."`
}

// limitsCheckCommand is headgate limits check.
type limitsCheckCommand struct {
	File string `arg:"" help:"Policy of connection limits (JSON)." type:"path"`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Help is shown by headgate limits check --help.
func (limitsCheckCommand) Help() string {
	return `Reads the file as the daemon and the proxies do. Prints every override with the key that requests have: in lower case, without
the host's port, with single blanks. Warns of overrides that match nothing, or not what they seem to. The status is
0 even if there are warnings, and 1 if the file would be rejected.

Examples:
  headgate limits check limits.json
  headgate limits check limits.json --json | jq -e '.warnings == []'`
}

// checkedLimits is the output of limits check.
type checkedLimits struct {
	Error     string                `json:"error,omitempty"` // why the file would be rejected
	Policy    hostlimits.Policy     `json:"policy"`
	Overrides []hostlimits.Override `json:"overrides"` // by the keys of requests
	Warnings  []hostlimits.Warning  `json:"warnings"`
}

// Run checks a file.
func (c *limitsCheckCommand) Run(t *terminal) error {
	checked, err := checkLimits(c.File)
	switch {
	case c.JSON:
		if encoding := json.NewEncoder(t.out).Encode(checked); encoding != nil {
			return encoding
		}
	case err == nil:
		checked.print(t.out)
	}
	return err
}

func checkLimits(path string) (checkedLimits, error) {
	checked := checkedLimits{Overrides: []hostlimits.Override{}, Warnings: []hostlimits.Warning{}}
	text, err := opfile.Read(path, hostlimits.MaxPolicy)
	if err == nil {
		var warnings []hostlimits.Warning
		if checked.Policy, warnings, err = hostlimits.CheckPolicy(text); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		checked.Warnings = append(checked.Warnings, warnings...)
	}
	if err != nil {
		checked.Error = err.Error()
		return checked, err
	}
	checked.Overrides = checked.Policy.SortedOverrides()
	checked.Policy.Overrides = nil
	return checked, nil
}

func (c *checkedLimits) print(w io.Writer) {
	p := &c.Policy
	fmt.Fprintf(w, "a key is made of %s\n", p.KeyText())
	if p.Threshold == 0 {
		fmt.Fprintln(w, "threshold: none, but for the overrides")
	} else {
		fmt.Fprintf(w, "threshold: %d\n", p.Threshold)
	}
	if p.RetryAfter != 0 {
		fmt.Fprintf(w, "retry after: %v\n", time.Duration(p.RetryAfter))
	}
	if p.ShedFrom != 0 {
		fmt.Fprintf(w, "low scores are refused from %g of a threshold on\n", p.ShedFrom)
	}
	if a := p.Adaptive; a != nil {
		fmt.Fprintf(w, "thresholds follow the origin's latency: %v, down to %d\n", time.Duration(a.Latency), max(a.Floor, 1))
	}
	fmt.Fprintf(w, "%d overrides\n", len(c.Overrides))
	for _, o := range c.Overrides {
		fmt.Fprintf(w, "%10d  %q\n", o.Threshold, o.Key)
	}
	fmt.Fprintf(w, "%d warnings\n", len(c.Warnings))
	for _, warning := range c.Warnings {
		fmt.Fprintf(w, "  %v\n", warning)
	}
}
