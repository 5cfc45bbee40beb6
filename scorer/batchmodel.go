package scorer

// modelScorer scores the rows of a batch by a model. Where the order of additions is the library's and there is one output, each
// addition waits for the one before it; then the leaves of several rows are found first and added up side by side, in the same order
// for each row.
type modelScorer struct {
	model   *Model
	rows    batchRows
	predict bool
	found   [rowsAbreast][]uint32 // leaves of rows; nil if they are added up as they are found
}

// rowsAbreast are as many as keep the adders of the processor busy: an addition takes three or four cycles, and finding what to add
// one.
const rowsAbreast = 4

// mostAbreast is the number of trees above which the leaves of several rows would not stay in the cache.
const mostAbreast = 1 << 14

func newModelScorer(m *Model, b *Batch, predict bool) batchScorer {
	s := &modelScorer{model: m, rows: newBatchRows(b, len(m.features), m.NewRow()), predict: predict}
	if m.sumsAbreast() {
		room := m.leafRoom()
		all := make([]uint32, rowsAbreast*room)
		for i := range s.found {
			s.found[i] = all[i*room:][:room]
		}
	}
	return s.score
}

// sumsAbreast reports whether adding up several rows side by side saves time. Fast mode does not wait, several outputs wait less,
// and pure Go adds up symmetric trees while it finds their leaves.
func (m *Model) sumsAbreast() bool {
	switch {
	case m.outputs > 1 || !m.Exact() || len(m.depths) > mostAbreast:
		return false
	case m.binary != nil:
		return m.binary.linear == nil
	}
	return m.oblivious != nil && m.oblivious.blocks != nil
}

func (s *modelScorer) score(dst []float64, first, end int) {
	m := s.model
	if s.found[0] != nil {
		for ; end-first >= rowsAbreast; first += rowsAbreast {
			s.scoreAbreast((*[rowsAbreast]float64)(dst[first:]), first)
		}
	}
	for i := first; i < end; i++ {
		out := dst[i*m.outputs:][:m.outputs]
		m.evaluate(s.rows.row, s.rows.values(i), out)
		if s.predict {
			m.objective.apply(out)
		}
	}
}

// scoreAbreast scores rowsAbreast rows by a model of one output.
func (s *modelScorer) scoreAbreast(dst *[rowsAbreast]float64, first int) {
	m := s.model
	for i, at := range s.found {
		m.findLeaves(s.rows.row, s.rows.values(first+i), at)
	}
	trees := len(m.depths)
	switch {
	case m.binary == nil:
		*dst = [rowsAbreast]float64{}
		addAbreast(dst, &s.found, trees, m.oblivious.leaves)
		for i := range dst {
			m.oblivious.rescale(dst[i : i+1])
		}
	case m.binary.single:
		base := float32(m.binary.base[0])
		sums := [rowsAbreast]float32{base, base, base, base}
		addSinglesAbreast(&sums, &s.found, trees, m.binary.leaves)
		for i, sum := range sums {
			dst[i] = float64(sum)
		}
	default:
		base := m.binary.base[0]
		*dst = [rowsAbreast]float64{base, base, base, base}
		addAbreast(dst, &s.found, trees, m.binary.leaves)
	}
	if s.predict {
		for i := range dst {
			m.objective.apply(dst[i : i+1])
		}
	}
}

// addAbreast adds the leaves of each row to its sum, in the order of the trees.
func addAbreast(sums *[rowsAbreast]float64, found *[rowsAbreast][]uint32, trees int, leaves []float64) {
	f0, f1, f2, f3 := found[0][:trees], found[1][:trees], found[2][:trees], found[3][:trees]
	s0, s1, s2, s3 := sums[0], sums[1], sums[2], sums[3]
	for i := range f0 {
		s0 += leaves[f0[i]]
		s1 += leaves[f1[i]]
		s2 += leaves[f2[i]]
		s3 += leaves[f3[i]]
	}
	*sums = [rowsAbreast]float64{s0, s1, s2, s3}
}

// addSinglesAbreast does the same in float32.
func addSinglesAbreast(sums *[rowsAbreast]float32, found *[rowsAbreast][]uint32, trees int, leaves []float64) {
	f0, f1, f2, f3 := found[0][:trees], found[1][:trees], found[2][:trees], found[3][:trees]
	s0, s1, s2, s3 := sums[0], sums[1], sums[2], sums[3]
	for i := range f0 {
		s0 += float32(leaves[f0[i]])
		s1 += float32(leaves[f1[i]])
		s2 += float32(leaves[f2[i]])
		s3 += float32(leaves[f3[i]])
	}
	*sums = [rowsAbreast]float32{s0, s1, s2, s3}
}
