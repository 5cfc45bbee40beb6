package report

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/headgate/headgate/bench/harness"
)

// The plot's measures, in CSS pixels.
const (
	labelWidth = 230
	barsWidth  = 420
	valueWidth = 230
	plotWidth  = labelWidth + barsWidth + valueWidth

	rowHeight   = 24
	axisHeight  = 22
	titleHeight = 28
	plotMargin  = 4
)

// plot draws one comparison, for the page, which has the styles.
func plot(g group) template.HTML {
	var b strings.Builder
	height := g.height()
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, plotWidth, height, html.EscapeString(g.name+", "+g.metric))
	g.drawBars(&b, 0)
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// plotStyle is that of the page, for an image that stands alone, on light and on dark ground.
const plotStyle = `svg{font:13px system-ui,sans-serif}rect.ground{fill:#fdfdfb}text{fill:#1d2330}.title{font-weight:600}` +
	`.label{text-anchor:end}.axis{fill:#667;font-size:11px}.ours{fill:#1f7a6d}.variant{fill:#8fbdb6}.peer{fill:#b9c2d0}line{stroke:#333;stroke-width:1.5}`

// suitePlot draws all comparisons of a suite, one below the other, but for those that leftOut names.
func suitePlot(s suite) []byte {
	var b strings.Builder
	height := plotMargin
	for _, g := range s.groups {
		if !slices.Contains(leftOut, g.metric) {
			height += titleHeight + g.height()
		}
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`,
		plotWidth, height, plotWidth, height, html.EscapeString("suite "+s.name))
	fmt.Fprintf(&b, "\n<style>%s</style>\n<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n", plotStyle, plotWidth, height)
	y := plotMargin
	for _, g := range s.groups {
		if slices.Contains(leftOut, g.metric) {
			continue
		}
		fmt.Fprintf(&b, `<text class="title" x="8" y="%d">%s</text>`+"\n", y+titleHeight-8, html.EscapeString(g.name+": "+g.metric))
		y += titleHeight
		g.drawBars(&b, y)
		b.WriteByte('\n')
		y += g.height()
	}
	b.WriteString("</svg>\n")
	return []byte(b.String())
}

// leftOut are metrics that the plots of a suite do not show: the tables and the page have them.
var leftOut = []string{"p99.9", "closed-loop p50", "closed-loop p99"}

// hasPlot reports whether there is something to draw: allocations are all zero.
func (s suite) hasPlot() bool {
	return slices.ContainsFunc(s.groups, func(g group) bool { return !g.isZero() && !slices.Contains(leftOut, g.metric) })
}

func (g group) height() int { return rowHeight*len(g.results) + axisHeight }

// drawBars draws horizontal bars with the spread of the rounds as a line, from y downwards. Where the values differ by
// more than a factor of 30 the axis is logarithmic, and says so.
func (g group) drawBars(b *strings.Builder, y int) {
	axis := axisFor(g)
	for _, x := range g.results {
		end := axis.at(x.Value)
		fmt.Fprintf(b, `<text class="label" x="%d" y="%d">%s</text>`, labelWidth-8, y+16, html.EscapeString(x.Impl))
		fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"/>`, barClass(x), labelWidth, y+3, end, rowHeight-8)
		if x.N > 0 {
			fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, labelWidth+axis.at(x.Low), labelWidth+axis.at(x.High), y+11, y+11)
		}
		text := quantity(x.Value, x.Unit)
		if x.TimesFaster != nil && !x.Ours() {
			text += "  (" + ratioText(x.TimesFaster) + ")"
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`, labelWidth+max(end, axis.at(x.High))+6, y+16, html.EscapeString(text))
		y += rowHeight
	}
	fmt.Fprintf(b, `<text class="axis" x="%d" y="%d">%s</text>`, labelWidth, y+axisHeight-5, axis.caption())
}

func barClass(x harness.Result) string {
	switch {
	case x.Impl == harness.Headgate:
		return "ours"
	case x.Ours():
		return "variant"
	}
	return "peer"
}

// axis maps values to pixels.
type axis struct {
	least, greatest float64
	logarithmic     bool
}

func axisFor(g group) axis {
	a := axis{least: math.Inf(1)}
	for _, x := range g.results {
		if least := cmp.Or(x.Low, x.Value); least > 0 {
			a.least = min(a.least, least)
		}
		a.greatest = max(a.greatest, x.High, x.Value)
	}
	a.logarithmic = a.greatest > 30*a.least
	return a
}

func (a axis) at(value float64) float64 {
	if value <= 0 || a.greatest <= 0 {
		return 0
	}
	if !a.logarithmic {
		return barsWidth * value / a.greatest
	}
	bottom := math.Log10(a.least) - 0.5 // so that the least is a bar, too
	return max(barsWidth*(math.Log10(value)-bottom)/(math.Log10(a.greatest)-bottom), 0)
}

func (a axis) caption() string {
	if a.logarithmic {
		return "logarithmic; the line is the spread of the rounds"
	}
	return "from zero; the line is the spread of the rounds"
}
