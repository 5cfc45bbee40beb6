// Package report shows what a run of the benchmarks has measured: as a page, as Markdown with plots, as the headlines of
// the README, as lines on a terminal.
package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/headgate/headgate/bench/harness"
)

// Report is a finished run.
type Report struct {
	Started   time.Time             `json:"started"`
	Took      time.Duration         `json:"took_ns"`
	Command   string                `json:"command"`
	Quick     bool                  `json:"quick"`
	ClockCost time.Duration         `json:"clock_cost_ns"` // included in every latency
	Machine   Machine               `json:"machine"`
	Missing   []harness.MissingPeer `json:"missing"`
	Results   []harness.Result      `json:"results"`
	Note      string                `json:"note,omitempty"` // what a reader of stored results has to know
}

// New makes the report of a run that was started at the given time with the given arguments.
func New(r *harness.Run, started time.Time, args []string) *Report {
	versions, _ := os.ReadFile(filepath.Join(harness.PeerDir(), "versions"))
	return &Report{
		Started: started, Took: time.Since(started), Command: strings.TrimSpace("go run ./bench " + strings.Join(args, " ")), Quick: r.Quick,
		ClockCost: harness.ClockCost(), Machine: describeMachine(versions), Missing: r.Missing, Results: r.Results,
	}
}

// Write puts index.html and results.json into a folder, which it makes.
func (r *Report) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := r.store(filepath.Join(dir, resultsFile)); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "index.html"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := r.HTML(f); err != nil {
		return err
	}
	return f.Close()
}

// Text writes the results as aligned columns.
func (r *Report) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "suite\tcase\timplementation\tmetric\tmedian\tleast\tgreatest\ttimes faster")
	for _, x := range r.Results {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.Suite, x.Case, x.Impl, x.Metric,
			quantity(x.Value, x.Unit), quantity(x.Low, x.Unit), quantity(x.High, x.Unit), ratioText(x.TimesFaster))
	}
	return t.Flush()
}

func ratioText(ratio *float64) string {
	if ratio == nil {
		return "-"
	}
	return fmt.Sprintf("%s x", significant(*ratio))
}
