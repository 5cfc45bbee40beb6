package featurestore

import (
	"math"
	"slices"
	"time"
)

// pick is what is read from one dimension. Kernels know its fields.
type pick struct {
	part    part
	key     int      // place among the caller's keys
	reach   int      // bytes of a row up to the last picked column's end
	columns []column // all, in the order of the names
	all     []run    // the same as runs

	decays int                 // number of time constants
	rates  [maxDecays]fadeRate // of each
	blocks []block             // what a kernel copies and fades
	runs   []run               // what Go copies
	single []column            // what Go copies one by one
	fading []column            // those of runs and single that fade
}

// column is one column, by its place in the row, its place in the order of the names, and that of its time constant; -1:
// none.
type column struct{ from, to, by int }

// run is a number of columns that stand side by side in the row and in the order of the names too.
type run struct{ from, to, n int }

// factors are what the columns of each time constant are multiplied with.
type factors [maxDecays]float32

// blockColumns is the number of float32 in a vector.
const blockColumns = 8

// block is a vector of columns that stand side by side. Two may overlap.
type block struct {
	from, to uint32               // bytes into the row and into the values
	by       [blockColumns]uint32 // places of time constants, with fades set; 0: none
}

// fades is the sign of a block's lane: that is what chooses in vectors.
const fades = 1 << 31

// add picks one column more.
func (p *pick) add(from, to int, tau time.Duration) {
	by := -1
	if tau > 0 {
		if by = slices.Index(p.rates[:p.decays], rateOf(tau)); by < 0 {
			by = p.decays
			p.rates[by] = rateOf(tau)
			p.decays++
		}
	}
	p.columns = append(p.columns, column{from, to, by})
	p.reach = max(p.reach, offValues+4*(from+1))
}

// plan arranges the columns for copy, once all are picked.
func (p *pick) plan() {
	for rest := p.columns; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].from == rest[0].from+n && rest[n].to == rest[0].to+n {
			n++
		}
		r := run{rest[0].from, rest[0].to, n}
		p.all = append(p.all, r)
		if hasKernels && n >= blockColumns {
			p.planBlocks(rest[:n])
		} else {
			p.planRun(r, rest[:n])
		}
		rest = rest[n:]
	}
}

// shortRun is how many columns are copied sooner one by one than by a call.
const shortRun = 4

func (p *pick) planRun(r run, columns []column) {
	if r.n <= shortRun {
		p.single = append(p.single, columns...)
	} else {
		p.runs = append(p.runs, r)
	}
	for _, c := range columns {
		if c.by >= 0 {
			p.fading = append(p.fading, c)
		}
	}
}

// planBlocks covers a run with blocks, of which the last one reaches back.
func (p *pick) planBlocks(run []column) {
	for at := 0; at < len(run); at += blockColumns {
		columns := run[min(at, len(run)-blockColumns):]
		b := block{from: uint32(offValues + 4*columns[0].from), to: uint32(4 * columns[0].to)}
		for i := range b.by {
			if by := columns[i].by; by >= 0 {
				b.by[i] = fades | uint32(by)
			}
		}
		p.blocks = append(p.blocks, b)
	}
}

// copyRuns takes the picked columns of a row that are in no block, faded. dst has a value for each name.
func (p *pick) copyRuns(dst []float32, row []byte, by *factors) {
	for _, r := range p.runs {
		getFloats(dst[r.to:r.to+r.n], row[offValues+4*r.from:])
	}
	values := row[offValues:]
	for _, c := range p.single {
		dst[c.to] = math.Float32frombits(le.Uint32(values[4*c.from:]))
	}
	for _, c := range p.fading {
		dst[c.to] *= by[uint(c.by)%maxDecays]
	}
}

// blank gives what is picked of no row.
func (p *pick) blank(dst []float32) {
	for i := range p.all {
		r := &p.all[i]
		if r.n < blockColumns {
			fillNaN(dst[r.to : r.to+r.n])
		} else {
			copy(dst[r.to:r.to+r.n], nans[:])
		}
	}
}

// nans are as many as a row has columns at most. To copy many of them is five times quicker than to store them one by one.
var nans = func() (all [MaxColumns]float32) {
	fillNaN(all[:])
	return all
}()
