package report

import (
	_ "embed"
	"html/template"
	"io"
	"time"

	"github.com/headgate/headgate/bench/harness"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"quantity": quantity,
	"ratio":    ratioText,
	"ours":     harness.Result.Ours,
	"round":    func(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) },
}).Parse(pageText))

// section is one suite of the page.
type section struct {
	Suite   string
	Figures []figure
}

// figure is one comparison, as a plot and as a table.
type figure struct {
	Case, Metric string
	Plot         template.HTML
	Results      []harness.Result
}

// HTML writes the page: plots, tables, machine, versions and the command, in one file that loads nothing.
func (r *Report) HTML(w io.Writer) error {
	var sections []section
	for _, s := range suites(groups(r.Results)) {
		figures := make([]figure, len(s.groups))
		for i, g := range s.groups {
			figures[i] = figure{Case: g.name, Metric: g.metric, Plot: plot(g), Results: g.results}
		}
		sections = append(sections, section{Suite: s.name, Figures: figures})
	}
	return page.Execute(w, struct {
		*Report
		Sections []section
	}{r, sections})
}
