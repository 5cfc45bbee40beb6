package report

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/headgate/headgate/bench/harness"
)

// The marks in a Markdown file between which the table of figures goes.
const (
	beginMark = "<!-- bench:begin -->"
	endMark   = "<!-- bench:end -->"
)

// UpdateReadme replaces what stands between the marks of a Markdown file.
func (r *Report) UpdateReadme(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table: put %s and %s into it, on lines of their own", path, beginMark, endMark)
	}
	updated := before + beginMark + "\n" + r.Markdown() + endMark + after
	return os.WriteFile(path, []byte(updated), 0o644)
}

// leftOut are metrics that the README does not show: the page has them.
var leftOut = []string{"p99.9", "closed-loop p50", "closed-loop p99"}

// Markdown is the table of figures: one row for each case and metric, headgate first, then every peer with its ratio. Counts that are zero, as
// those of allocations are, share one row for each suite.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nPrinted on %s by `%s` at %s: %s, %d cores, %s, Linux %s. Medians of rounds in which the implementations took turns; in\nbrackets the peer's value divided by headgate's.\n\n",
		r.Started.UTC().Format("2 January 2006"), r.Command, r.Machine.Commit, r.Machine.CPU, r.Machine.Cores, r.Machine.Go, r.Machine.Kernel)
	b.WriteString("| suite | case | metric | headgate | peers |\n|---|---|---|---|---|\n")
	zeros := map[string]bool{}
	for _, g := range groups(r.Results) {
		if slices.Contains(leftOut, g.metric) || zeros[g.suite+g.metric] {
			continue
		}
		if g.isZero() {
			zeros[g.suite+g.metric] = true
			g.name = zeroCases(r.Results, g.suite, g.metric)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", g.suite, g.name, g.metric, g.ours(), g.theirs())
	}
	b.WriteString("\n")
	return b.String()
}

// isZero tells whether all that was measured is 0.
func (g group) isZero() bool {
	return !slices.ContainsFunc(g.results, func(x harness.Result) bool { return x.High != 0 })
}

// zeroCases lists the cases of a suite whose metric is 0.
func zeroCases(results []harness.Result, suite, metric string) string {
	var names []string
	for _, g := range groups(results) {
		if g.suite == suite && g.metric == metric && g.isZero() {
			names = append(names, g.name)
		}
	}
	return strings.Join(names, "; ")
}

func (g group) ours() string {
	for _, x := range g.results {
		if isHeadgate(x) {
			return quantity(x.Value, x.Unit)
		}
	}
	return "-"
}

func (g group) theirs() string {
	var peers []string
	for _, x := range g.results {
		if isHeadgate(x) {
			continue
		}
		text := x.Impl + " " + quantity(x.Value, x.Unit)
		if x.Ratio != nil {
			text += fmt.Sprintf(" (%s)", ratioText(x.Ratio))
		}
		peers = append(peers, text)
	}
	if len(peers) == 0 {
		return "-"
	}
	return strings.Join(peers, "; ")
}
