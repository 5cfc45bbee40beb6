package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// The plot's measures, in CSS pixels.
const (
	labelWidth = 230
	barsWidth  = 420
	valueWidth = 230
	rowHeight  = 24
)

// plot draws a group as horizontal bars with the spread of the rounds as a line. Where the values differ by more than a factor of 30 the
// axis is logarithmic, and says so.
func plot(g group) template.HTML {
	axis := axisFor(g)
	var b strings.Builder
	height := rowHeight*len(g.results) + 22
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, labelWidth+barsWidth+valueWidth, height, html.EscapeString(g.name+", "+g.metric))
	for i, x := range g.results {
		y := i * rowHeight
		class := "peer"
		if isHeadgate(x) {
			class = "ours"
		}
		end := axis.at(x.Value)
		fmt.Fprintf(&b, `<text class="label" x="%d" y="%d">%s</text>`, labelWidth-8, y+16, html.EscapeString(x.Impl))
		fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"/>`, class, labelWidth, y+3, end, rowHeight-8)
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`, labelWidth+axis.at(x.Low), labelWidth+axis.at(x.High), y+11, y+11)
		text := quantity(x.Value, x.Unit)
		if x.Ratio != nil && !isHeadgate(x) {
			text += "  (" + ratioText(x.Ratio) + ")"
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s</text>`, labelWidth+max(end, axis.at(x.High))+6, y+16, html.EscapeString(text))
	}
	fmt.Fprintf(&b, `<text class="axis" x="%d" y="%d">%s</text></svg>`, labelWidth, height-5, axis.caption())
	return template.HTML(b.String())
}

// axis maps values to pixels.
type axis struct {
	least, greatest float64
	logarithmic     bool
}

func axisFor(g group) axis {
	a := axis{least: math.Inf(1)}
	for _, x := range g.results {
		if x.Low > 0 {
			a.least = min(a.least, x.Low)
		}
		a.greatest = max(a.greatest, x.High)
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
