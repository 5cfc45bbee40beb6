package report

import (
	_ "embed"
	"html/template"
	"io"
	"slices"
	"time"

	"github.com/headgate/headgate/bench/harness"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"quantity": quantity,
	"ratio":    ratioText,
	"ours":     isHeadgate,
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
	for _, g := range groups(r.Results) {
		at := slices.IndexFunc(sections, func(s section) bool { return s.Suite == g.suite })
		if at < 0 {
			at = len(sections)
			sections = append(sections, section{Suite: g.suite})
		}
		sections[at].Figures = append(sections[at].Figures, figure{Case: g.name, Metric: g.metric, Plot: plot(g), Results: g.results})
	}
	return page.Execute(w, struct {
		*Report
		Sections []section
	}{r, sections})
}
