package limits_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/limits"
)

var (
	update      = flag.Bool("update", false, "write docs/limits-error.md and its plot anew")
	collideKeys = flag.Int("collide", 1_000_000,
		"keys in TestKeysThatShareAllRows; 10000000 takes 80 MB and some seconds")
)

// pairs counts the pairs of n random keys whose cells are the same in every row of a sketch of rows
// × 2^width cells.
func pairs(n int, rows, width uint) (count int) {
	used := uint64(1)<<(rows*width) - 1 // each row takes its own bits of the hash
	hashes := make([]uint64, n)
	for i := range hashes {
		hashes[i] = limits.Hash(keyOf(uint32(i))) & used
	}
	slices.Sort(hashes)
	for i, run := 1, 0; i < n; i++ {
		if run++; hashes[i] != hashes[i-1] {
			run = 0
		}
		count += run
	}
	return count
}

// Two keys share all cells with probability 2^-(rows × log2 columns). For the default sketch that
// is 2^-52: among ten million keys 0.011 pairs are to be expected. Where the same hash is used in
// fewer bits, so that there is something to count, their number is what it should be.
func TestKeysThatShareAllRows(t *testing.T) {
	n := *collideKeys
	expected := func(n int, bits uint) float64 { return float64(n) * float64(n-1) / 2 / math.Exp2(float64(bits)) }
	got := pairs(n, 4, 13)
	t.Logf("%d keys: %d pairs in all rows of 4 x 8192, %.2g expected", n, got, expected(n, 52))
	if got > 1 { // two have a probability below 1e-4 for ten million
		t.Errorf("%d pairs", got)
	}
	for _, c := range []struct{ rows, width uint }{{4, 7}, {3, 10}, {2, 15}, {1, 24}} {
		want := expected(200_000, c.rows*c.width)
		if got := float64(pairs(200_000, c.rows, c.width)); math.Abs(got-want) > 5*math.Sqrt(want) {
			t.Errorf("%d rows of 2^%d: %.0f pairs, expected %.0f", c.rows, c.width, got, want)
		}
	}
}

// overestimate is what keys that were never counted read, at one load.
type overestimate struct {
	load         float64 // units counted for each column
	plain, grown [4]uint64
	touched      float64 // part of the keys that read more than 0
}

var (
	overLoads     = []float64{0.1, 0.3, 1, 3, 10, 30, 100}
	overQuantiles = [4]float64{0.5, 0.9, 0.99, 0.999}
)

func measureOverestimates() (all []overestimate) {
	const columns, probes = 1024, 20_000
	for _, load := range overLoads {
		config := limits.SketchConfig{Rows: 4, Columns: columns}
		plain, grown := must(limits.NewEstimator(config)), must(limits.NewGrowOnly(config))
		random := rand.New(rand.NewPCG(1, math.Float64bits(load)))
		for range int(load * columns) {
			hash := random.Uint64()
			plain.AddHash(hash, 1)
			grown.AddHash(hash, 1)
		}
		o := overestimate{load: load}
		var p, g []uint64
		for range probes {
			hash := random.Uint64()
			p, g = append(p, plain.CountHash(hash)), append(g, grown.CountHash(hash))
			if p[len(p)-1] > 0 {
				o.touched += 1.0 / probes
			}
		}
		slices.Sort(p)
		slices.Sort(g)
		for i, q := range overQuantiles {
			o.plain[i], o.grown[i] = p[int(q*probes)], g[int(q*probes)]
		}
		all = append(all, o)
	}
	return all
}

// How far estimates are above the truth is in docs/limits-error.md, as a table and a plot, which
// this test checks and makes:
//
//	go test -run TestOverestimates -update ./limits
func TestOverestimates(t *testing.T) {
	all := measureOverestimates()
	for _, o := range all {
		// A cell holds something with probability 1 - e^-load, all four of a key with the fourth
		// power of that.
		if want := math.Pow(1-math.Exp(-o.load), 4); math.Abs(o.touched-want) > 0.03 {
			t.Errorf("load %v: %.3f of unknown keys read more than 0, expected %.3f", o.load,
				o.touched, want)
		}
		// The bound of the sketch's authors: more than 2·N/columns too high with probability at
		// most 2^-rows.
		if bound := 2 * o.load; float64(o.plain[1]) > bound && bound >= 1 { // 0.9 is below 1 - 1/16
			t.Errorf("load %v: a tenth reads more than %v: %d", o.load, bound, o.plain[1])
		}
		for i := range o.plain {
			if o.grown[i] > o.plain[i] {
				t.Errorf("load %v: conservative update gives %d for %d", o.load, o.grown[i],
					o.plain[i])
			}
		}
	}
	compareOrUpdate(t, "limits-error.md", overestimatePage(all))
	compareOrUpdate(t, "limits-error.svg", overestimatePlot(all))
}

func compareOrUpdate(t *testing.T, name string, content []byte) {
	t.Helper()
	path := filepath.Join("..", "docs", name)
	if *update {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := os.ReadFile(path); err != nil || !bytes.Equal(found, content) {
		t.Errorf("%s is not what this test gives (%v): run it with -update", path, err)
	}
}

func overestimatePage(all []overestimate) []byte {
	var b bytes.Buffer
	b.WriteString(`# How far estimates are above the truth

Written by ` + "`go test -run TestOverestimates -update ./limits`" + `. A count-min sketch of 4 rows counts
events of random keys, one each; the load is the number of events for each column (1024 here; the
distribution depends on the load alone). What keys read that were never counted, 20,000 of them, is
the error that any key's estimate has. "Conservative" is ` + "`limits.GrowOnly`" + `, which cannot count
down.

![Overestimates by load](limits-error.svg)

| load | read more than 0 | median | 90 % | 99 % | 99.9 % | conservative: median | 99.9 % |
|---|---|---|---|---|---|---|---|
`)
	for _, o := range all {
		fmt.Fprintf(&b, "| %v | %.2f %% | %d | %d | %d | %d | %d | %d |\n", o.load, 100*o.touched,
			o.plain[0], o.plain[1], o.plain[2], o.plain[3], o.grown[0], o.grown[3])
	}
	b.WriteString(`
The default sketch has 8,192 columns: a load of 0.1 is 819 requests in flight that have no exact
counter. Up to there an unknown key reads more than 0 in about one of ten thousand cases.
`)
	return b.Bytes()
}

// overestimatePlot draws the quantiles over the load, both axes logarithmic, and 0 on the lower
// edge.
func overestimatePlot(all []overestimate) []byte {
	const width, height, left, bottom = 720, 420, 60, 50
	x := func(load float64) float64 { return left + (math.Log10(load)+1)/3*(width-left-130) }
	y := func(n uint64) float64 {
		return height - bottom - math.Log10(float64(n)+1)/math.Log10(200)*(height-bottom-30)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
<rect width="%d" height="%d" fill="white"/>
`, width, height, width, height)
	for _, load := range []float64{0.1, 1, 10, 100} {
		fmt.Fprintf(&b, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"30\" y2=\"%d\" stroke=\"#ddd\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%v</text>\n",
			x(load), x(load), height-bottom, x(load), height-bottom+18, load)
	}
	for _, n := range []uint64{0, 1, 3, 10, 30, 100} {
		fmt.Fprintf(&b, "<line x1=\"%d\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n",
			left, x(100), y(n), y(n), left-8, y(n)+4, n)
	}
	fmt.Fprintf(&b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">events for each column</text>\n<text x=\"14\" y=\"20\">estimate of a key that was never counted</text>\n",
		(left+x(100))/2, height-10)
	line := func(name, style string, value func(o *overestimate) uint64) {
		var points []string
		for i := range all {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(all[i].load), y(value(&all[i]))))
		}
		fmt.Fprintf(&b, "<polyline points=\"%s\" fill=\"none\" stroke-width=\"2\" %s/>\n<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
			strings.Join(points, " "), style, x(100)+8, y(value(&all[len(all)-1]))+4, name)
	}
	line("99.9 %", `stroke="#b2182b"`, func(o *overestimate) uint64 { return o.plain[3] })
	line("median", `stroke="#2166ac"`, func(o *overestimate) uint64 { return o.plain[0] })
	line("conservative, median", `stroke="#4d9221" stroke-dasharray="5 3"`,
		func(o *overestimate) uint64 { return o.grown[0] })
	b.WriteString("</svg>\n")
	return b.Bytes()
}
