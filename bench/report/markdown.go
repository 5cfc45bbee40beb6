package report

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/headgate/headgate/bench/harness"
)

// resultsFile holds the report itself, beside the plots.
const resultsFile = "results.json"

// WriteMarkdown writes all tables to a Markdown file, and one plot for each suite and the results to a folder beside
// it that has the file's name in lower case, without the extension. known are all suites that there are.
func (r *Report) WriteMarkdown(path string, known []harness.Suite) error {
	folder := strings.ToLower(strings.TrimSuffix(path[len(filepath.Dir(path)):], filepath.Ext(path)))
	folder = filepath.Join(filepath.Dir(path), folder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, s := range suites(groups(r.Results)) {
		if !s.hasPlot() {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, s.name+".svg"), suitePlot(s), 0o644); err != nil {
			return err
		}
	}
	if err := r.store(filepath.Join(folder, resultsFile)); err != nil {
		return err
	}
	var b strings.Builder
	r.markdown(&b, filepath.Base(folder), known)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

func (r *Report) markdown(w io.Writer, folder string, known []harness.Suite) {
	measured := suites(groups(r.Results))
	fmt.Fprintf(w, "# Results\n\n%s\n\n%s\n\n", wrap(r.origin()), wrap(howToRead))
	if r.Note != "" {
		fmt.Fprintf(w, "%s\n\n", wrap(r.Note))
	}
	if missing := r.missing(measured, known); missing != "" {
		fmt.Fprintf(w, "%s\n\n", wrap(missing))
	}
	io.WriteString(w, "## Where headgate is behind\n\n")
	writeLosses(w, measured)
	for _, s := range measured {
		fmt.Fprintf(w, "\n## %s\n\n", s.name)
		for _, k := range known {
			if k.Name == s.name {
				fmt.Fprintf(w, "%s\n\n", wrap(strings.ToUpper(k.About[:1])+k.About[1:]+"."))
			}
		}
		if s.hasPlot() {
			fmt.Fprintf(w, "![%s: medians of all implementations](%s/%s.svg)\n\n", s.name, folder, s.name)
		}
		writeTable(w, s)
	}
}

const howToRead = "Figures are medians of rounds in which the implementations took turns. \"Times faster\" is the peer's value " +
	"divided by headgate's (headgate's by the peer's where more is better): above 1 headgate is ahead; **bold** figures are " +
	"losses. Where memory is compared, read \"times smaller\". Variants of headgate (\"headgate, …\") are rows of ours and have " +
	"no ratio. What makes a comparison fair, and what it does not show, is in [README.md](README.md)."

// origin says which run the figures are of.
func (r *Report) origin() string {
	m := r.Machine
	return fmt.Sprintf("Printed by `%s` on %s at %s: %s, %d cores, %s, Linux %s.", r.Command, r.Started.UTC().Format("2 January 2006"),
		m.Commit, m.CPU, m.Cores, m.Go, m.Kernel)
}

// missing names the suites and peers that the run did not have.
func (r *Report) missing(measured []suite, known []harness.Suite) string {
	var names []string
	for _, k := range known {
		has := false
		for _, s := range measured {
			has = has || s.name == k.Name
		}
		if !has {
			names = append(names, "suite "+k.Name)
		}
	}
	for _, m := range r.Missing {
		names = append(names, m.Name+" in suite "+m.Suite)
	}
	if len(names) == 0 {
		return ""
	}
	return "This run did not have: " + strings.Join(names, ", ") + "."
}

func writeLosses(w io.Writer, measured []suite) {
	var rows []string
	compared := 0
	for _, s := range measured {
		for _, g := range s.groups {
			ours, ok := g.ours()
			best, hasPeer := g.bestPeer()
			if !ok || !hasPeer {
				continue
			}
			compared++
			if *best.TimesFaster < 1 {
				rows = append(rows, fmt.Sprintf("| %s | %s, %s | %s | %s %s | %s |\n", s.name, g.name, g.metric,
					quantity(ours.Value, ours.Unit), best.Impl, quantity(best.Value, best.Unit), marked(best.TimesFaster)))
			}
		}
	}
	fmt.Fprintf(w, "In %d of %d comparisons the best peer is faster.", len(rows), compared)
	if len(rows) > 0 {
		io.WriteString(w, "\n\n| suite | case, metric | headgate | best peer | times faster |\n|---|---|---|---|---|\n"+strings.Join(rows, ""))
		return
	}
	io.WriteString(w, "\n")
}

// writeTable writes a row for each implementation of each comparison. Comparisons in which all is zero, as
// allocations are, share one row.
func writeTable(w io.Writer, s suite) {
	io.WriteString(w, "| case | metric | implementation | median | rounds | times faster |\n|---|---|---|---|---|---|\n")
	var zeros []string
	for _, g := range s.groups {
		if g.isZero() && len(g.results) == 1 {
			zeros = append(zeros, g.name)
			continue
		}
		name, metric := g.name, g.metric
		for _, x := range g.results {
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", name, metric, x.Impl, quantity(x.Value, x.Unit), spread(x), versus(x))
			name, metric = "", ""
		}
	}
	if len(zeros) > 0 {
		g := s.groups[0]
		fmt.Fprintf(w, "| %s | %s | %s | %s | | |\n", strings.Join(zeros, "; "), g.metric, harness.Headgate, quantity(0, g.unit))
	}
}

// spread returns the least and the greatest round, if they were kept.
func spread(x harness.Result) string {
	if x.N == 0 {
		return ""
	}
	return quantity(x.Low, x.Unit) + " to " + quantity(x.High, x.Unit)
}

// versus returns how many times faster headgate is than a peer.
func versus(x harness.Result) string {
	if x.Ours() {
		return ""
	}
	return marked(x.TimesFaster)
}

// marked returns a ratio, in bold where it is a loss.
func marked(timesFaster *float64) string {
	if timesFaster == nil {
		return ""
	}
	text := significant(*timesFaster)
	if *timesFaster < 1 {
		return "**" + text + "**"
	}
	return text
}

// wrap breaks a paragraph into lines of at most 100 columns.
func wrap(text string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		width := len([]rune(word))
		if column > 0 && column+1+width > 100 {
			b.WriteByte('\n')
			column = 0
		}
		if column > 0 {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += width
	}
	return cmp.Or(b.String(), text)
}
