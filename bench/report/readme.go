package report

import (
	"fmt"
	"os"
	"strings"
)

// The marks in a Markdown file between which the table of headlines goes.
const (
	beginMark = "<!-- bench:begin -->"
	endMark   = "<!-- bench:end -->"
)

// headline is a question that the operator of a proxy has, and the comparison that answers it. Cases are named by how
// they begin and end, since their sizes differ between quick and full runs.
type headline struct {
	question                  string
	suite, begin, end, metric string
}

// headlines are at most eight. Each is among the first that a user would ask, also where the answer is a loss.
var headlines = []headline{
	{"Read features, p50", "features", "", "keys, back to back", "p50"},
	{"Read features, p99", "features", "", "a busy process per core", "p99"},
	{"Publish a table", "publish", "", "keys x 32, 1 % changed", "time"},
	{"Acquire a snapshot", "mmapsync", "read 36 B", "", "time"},
	{"Count a request", "limits", "add, 1 thread", "", "time"},
	{"Count a request", "limits", "in flight", "", "time"},
	{"Score a row", "inference", "CatBoost, 300 trees of depth 6", "", "time"},
	{"Whole proxy", "proxy", "", "closed loop", "throughput"},
}

// UpdateReadme replaces what is between the marks of a Markdown file with the headlines.
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
	table, err := r.headlines()
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(before+beginMark+"\n"+table+endMark+after), 0o644)
}

func (r *Report) headlines() (string, error) {
	all := groups(r.Results)
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n\n| question | headgate | best peer | times faster |\n|---|---|---|---|\n", wrap(r.origin()+" Above 1 headgate is ahead; **bold** figures are losses."))
	for _, h := range headlines {
		row, ok := h.row(all)
		if !ok {
			return "", fmt.Errorf("no result for %q: suite %s has to be in the run, with its peers", h.question, h.suite)
		}
		b.WriteString(row)
	}
	b.WriteString("\n")
	return b.String(), nil
}

// row returns the headline's row of the table: of the largest case that fits, which is the last one that has a peer.
func (h headline) row(all []group) (row string, ok bool) {
	for _, g := range all {
		if g.suite != h.suite || g.metric != h.metric || !strings.HasPrefix(g.name, h.begin) || !strings.HasSuffix(g.name, h.end) {
			continue
		}
		ours, has := g.ours()
		best, hasPeer := g.bestPeer()
		if !has || !hasPeer {
			continue
		}
		row = fmt.Sprintf("| %s (%s) | %s | %s: %s | %s |\n", h.question, g.name, quantity(ours.Value, ours.Unit), best.Impl,
			quantity(best.Value, best.Unit), marked(best.TimesFaster))
		ok = true
	}
	return row, ok
}
