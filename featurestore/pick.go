package featurestore

import (
	"math"
	"slices"
	"time"
)

// pick is what is read from one dimension. Kernels know its fields.
type pick struct {
	part    part
	key     int      // index into the caller's keys
	reach   int      // bytes of a row up to the end of the last picked column
	columns []column // all, in the order of the names
	all     []run    // all columns as runs

	decays int                 // number of time constants
	rates  [maxDecays]fadeRate // of each time constant
	blocks []block             // copied and faded by a kernel
	runs   []run               // copied by Go
	single []column            // copied by Go one by one
	fading []column            // the columns of runs and single that fade
}

// column is one column: its index in the row, its index in the order of the names, and the index of
// its time constant, or -1.
type column struct{ from, to, by int }

// run is a number of columns that are adjacent both in the row and in the order of the names.
type run struct{ from, to, n int }

// factors holds the factor of each time constant.
type factors [maxDecays]float32

// blockColumns is the number of float32 in a vector.
const blockColumns = 8

// block is a vector of adjacent columns. Two may overlap.
type block struct {
	from, to uint32               // byte offsets in the row and in the values
	by       [blockColumns]uint32 // indices of time constants, with fades set; 0: does not fade
}

// fades is the sign bit of a block's lane: vector instructions select by it.
const fades = 1 << 31

// add picks one more column.
func (p *pick) add(from, to int, tau time.Duration) {
	by := -1
	if tau > 0 {
		if by = slices.Index(p.rates[:p.decays], newFadeRate(tau)); by < 0 {
			by = p.decays
			p.rates[by] = newFadeRate(tau)
			p.decays++
		}
	}
	p.columns = append(p.columns, column{from, to, by})
	p.reach = max(p.reach, offValues+4*(from+1))
}

// plan arranges the columns for copying, after all have been picked.
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

// shortRun is the length up to which a run is copied faster column by column than by a call.
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

// planBlocks covers a run with blocks. The last block may overlap its predecessor.
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

// copyRuns copies the picked columns of a row that are in no block, and fades them. dst has a value
// for each name.
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

// blank sets the picked columns of a missing row to NaN.
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

// nans has as many values as a row has columns at most. Copying many of them is five times faster
// than storing them one by one.
var nans = func() (all [MaxColumns]float32) {
	fillNaN(all[:])
	return all
}()
