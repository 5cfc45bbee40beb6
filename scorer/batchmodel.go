package scorer

import "slices"

// modelScorer scores the rows of a batch by a model. If leaves are added in the library's order and
// there is one output, each addition waits for the previous one and, in a large model, for a leaf
// that is not in a near cache. Then the leaves of several rows are found first, and added up side
// by side, a few trees at a time; the order within a row stays that of the trees.
type modelScorer struct {
	model   *Model
	rows    batchRows
	predict bool
	leaves  [][]uint32 // leaves of heldRows rows; nil if they are added up as they are found
	keys    [][]uint32 // of heldRows rows, for binary trees; nil if they are walked row by row
}

const (
	// rowsAbreast keeps the adders of the processor busy: an addition takes three or four cycles,
	// loading its operand one.
	rowsAbreast = 4
	// heldRows is a multiple of it. The leaves of heldRows rows are found, and then added up.
	heldRows = 16
	// heldTrees have at most 32 KiB of leaves, if they have up to 64 each: most of these stay in
	// the first cache while all held rows are added up.
	heldTrees = 64
	// mostHeld is the number of trees above which the leaves of the held rows would fall out of the
	// second cache.
	mostHeld = 1 << 13
	// mostKeys is the number of keys above which the keys of the held rows would.
	mostKeys = 1 << 10
)

func newModelScorer(m *Model, b *Batch, predict bool) batchScorer {
	s := &modelScorer{model: m, rows: newBatchRows(b, m.NewScratch()), predict: predict}
	if m.sumsAbreast() {
		s.leaves = matrix(m.leafRoom())
		if m.binary != nil && m.binary.columns.count < mostKeys {
			s.keys = matrix(max(m.binary.columns.count+1, narrow))
		}
	}
	return s.score
}

// matrix allocates heldRows rows of numbers.
func matrix(width int) (rows [][]uint32) {
	for row := range slices.Chunk(make([]uint32, heldRows*width), width) {
		rows = append(rows, row)
	}
	return rows
}

// sumsAbreast reports whether adding up several rows side by side saves time. Fast mode does not
// wait, several outputs wait less, and pure Go adds up symmetric trees while it finds their leaves.
func (m *Model) sumsAbreast() bool {
	switch {
	case m.outputs > 1 || !m.Exact() || len(m.depths) > mostHeld:
		return false
	case m.binary != nil:
		return m.binary.linear == nil
	}
	return m.oblivious != nil && m.oblivious.blocks != nil
}

func (s *modelScorer) score(dst []float64, first, end int) *rowError {
	m := s.model
	for s.leaves != nil && end-first >= rowsAbreast {
		n := min(end-first, heldRows) / rowsAbreast * rowsAbreast
		if failed := s.scoreHeld(dst[first:first+n], first); failed != nil {
			return failed
		}
		first += n
	}
	for i := first; i < end; i++ {
		x, failed := s.rows.values(i)
		if failed != nil {
			return failed
		}
		out := dst[i*m.outputs:][:m.outputs]
		m.evaluate(s.rows.scratch, x, out)
		if s.predict {
			m.objective.apply(out)
		}
	}
	return nil
}

// scoreHeld scores up to heldRows rows by a model of one output.
func (s *modelScorer) scoreHeld(dst []float64, first int) *rowError {
	m, find := s.model, s.find
	if s.keys != nil {
		find = s.walk
	}
	if failed := find(len(dst), first); failed != nil {
		return failed
	}
	if m.binary != nil {
		s.addUp(dst, m.binary.base[0], m.binary.leaves, m.binary.single)
	} else {
		s.addUp(dst, 0, m.oblivious.leaves, false)
	}
	for i := range dst {
		if m.oblivious != nil {
			m.oblivious.rescale(dst[i : i+1])
		}
		if s.predict {
			m.objective.apply(dst[i : i+1])
		}
	}
	return nil
}

// find finds the leaves of n rows, row by row.
func (s *modelScorer) find(n, first int) *rowError {
	for i := range n {
		x, failed := s.rows.values(first + i)
		if failed != nil {
			return failed
		}
		s.model.findLeaves(s.rows.scratch, x, s.leaves[i])
	}
	return nil
}

// walk finds them in binary trees: a few trees for all rows before the next few, so that their
// nodes stay in the first cache.
func (s *modelScorer) walk(n, first int) *rowError {
	f, scratch := s.model.binary, s.rows.scratch
	f.grow(scratch)
	w := &f.walker
	for i, keys := range s.keys[:n] {
		x, failed := s.rows.values(first + i)
		if failed != nil {
			return failed
		}
		f.columns.fill(keys, f.overlay(scratch, x))
		if f.exits != nil {
			f.exits.find(scratch, keys[:f.columns.count], s.leaves[i])
			w = &f.exits.rest
		}
	}
	for b := range w.blocks {
		for i, keys := range s.keys[:n] {
			w.findBlock(b, keys, s.leaves[i])
		}
	}
	return nil
}

// addUp adds the leaves that were found to a base, for each row in the order of the trees.
func (s *modelScorer) addUp(dst []float64, base float64, leaves []float64, single bool) {
	for i := range dst {
		dst[i] = base
	}
	trees := len(s.model.depths)
	for from := 0; from < trees; from += heldTrees {
		to := min(from+heldTrees, trees)
		for i := 0; i < len(dst); i += rowsAbreast {
			sums, found := (*[rowsAbreast]float64)(dst[i:]), (*[rowsAbreast][]uint32)(s.leaves[i:])
			if single {
				addSinglesAbreast(sums, found, from, to, leaves)
			} else {
				addAbreast(sums, found, from, to, leaves)
			}
		}
	}
}

// addAbreast adds the leaves of some trees to the sum of each row.
func addAbreast(sums *[rowsAbreast]float64, found *[rowsAbreast][]uint32, from, to int,
	leaves []float64) {
	f0, f1, f2, f3 := found[0][from:to], found[1][from:to], found[2][from:to], found[3][from:to]
	s0, s1, s2, s3 := sums[0], sums[1], sums[2], sums[3]
	for i := range f0 {
		s0 += leaves[f0[i]]
		s1 += leaves[f1[i]]
		s2 += leaves[f2[i]]
		s3 += leaves[f3[i]]
	}
	*sums = [rowsAbreast]float64{s0, s1, s2, s3}
}

// addSinglesAbreast is addAbreast in float32.
func addSinglesAbreast(sums *[rowsAbreast]float64, found *[rowsAbreast][]uint32, from, to int,
	leaves []float64) {
	f0, f1, f2, f3 := found[0][from:to], found[1][from:to], found[2][from:to], found[3][from:to]
	s0, s1, s2, s3 := float32(sums[0]), float32(sums[1]), float32(sums[2]), float32(sums[3])
	for i := range f0 {
		s0 += float32(leaves[f0[i]])
		s1 += float32(leaves[f1[i]])
		s2 += float32(leaves[f2[i]])
		s3 += float32(leaves[f3[i]])
	}
	*sums = [rowsAbreast]float64{float64(s0), float64(s1), float64(s2), float64(s3)}
}
