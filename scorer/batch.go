package scorer

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Batch is a matrix of rows to score in one call, on several processors: offline, or wherever rows
// come many at a time. Each row's answer has the bits that it has alone, and stands at the row's
// place.
type Batch struct {
	// Rows is how many rows there are.
	Rows int

	// Values holds the rows one after the other, each with one value for each of Features in their
	// order; NaN is a missing value. It may be nil if Texts has values: then all others are
	// missing.
	Values []float32

	// Stride is the distance from the start of one row to that of the next in Values, for rows that
	// have something else behind their features. Default: the number of features.
	Stride int

	// Texts holds the values of categorical features that are texts, by the position of the
	// feature: one for each row. They take the place of what Values has there. A text is what
	// Row.SetString takes.
	Texts map[int][]string

	// Threads is the most goroutines that score at a time. Default: GOMAXPROCS, and fewer for few
	// rows.
	Threads int
}

// batchChunk is the number of rows that a goroutine takes at a time: some 20 microseconds for a
// small model.
const batchChunk = 128

// AppendRawBatch appends to dst what AppendRaw gives for each row of b: Outputs numbers for each,
// row after row. It allocates some 10 KiB for each thread, and what dst is too short for. A batch
// that does not fit the model is an error that wraps ErrMismatch, and appends nothing.
func (m *Model) AppendRawBatch(dst []float64, b Batch) ([]float64, error) {
	return b.appendTo(dst, m.features, m.outputs, func() batchScorer { return newModelScorer(m, &b, false) })
}

// AppendPredictionBatch is AppendRawBatch for what AppendPrediction gives.
func (m *Model) AppendPredictionBatch(dst []float64, b Batch) ([]float64, error) {
	return b.appendTo(dst, m.features, m.outputs, func() batchScorer { return newModelScorer(m, &b, true) })
}

// AppendRawBatch is AppendRawBatch of a Model, for what AppendRaw of the set gives.
func (s *Set) AppendRawBatch(dst []float64, b Batch) ([]float64, error) {
	return b.appendTo(dst, s.features, s.outputs, func() batchScorer { return newSetScorer(s, &b, false) })
}

// AppendPredictionBatch is AppendPredictionBatch of a Model, for what AppendPrediction of the set
// gives.
func (s *Set) AppendPredictionBatch(dst []float64, b Batch) ([]float64, error) {
	return b.appendTo(dst, s.features, s.outputs, func() batchScorer { return newSetScorer(s, &b, true) })
}

// batchScorer scores the rows from first to end and writes the outputs of row i of the batch at
// i*outputs. It belongs to a goroutine.
type batchScorer func(dst []float64, first, end int)

// appendTo scores all rows, each of which is answered with so many outputs.
func (b *Batch) appendTo(dst []float64, features []Feature, outputs int, newScorer func() batchScorer) ([]float64, error) {
	if err := b.check(features); err != nil {
		return dst, fmt.Errorf("scorer: score a batch: %w: %w", err, ErrMismatch)
	}
	n := len(dst)
	dst = slices.Grow(dst, b.Rows*outputs)[:n+b.Rows*outputs]
	b.run(dst[n:], newScorer)
	return dst, nil
}

// check makes sure that all rows are there. It fills in the stride.
func (b *Batch) check(features []Feature) error {
	n := len(features)
	if b.Stride == 0 {
		b.Stride = n
	}
	switch {
	case b.Rows < 0 || b.Threads < 0:
		return fmt.Errorf("%d rows, %d threads, expected 0 or more", b.Rows, b.Threads)
	case b.Rows > math.MaxInt32:
		return fmt.Errorf("%d rows, at most %d are accepted", b.Rows, math.MaxInt32)
	case b.Stride < n:
		return fmt.Errorf("the stride is %d, the model takes %d values (one for each of Features)", b.Stride, n)
	}
	if err := b.checkTexts(features); err != nil {
		return err
	}
	if b.Values == nil && len(b.Texts) > 0 {
		return nil
	}
	// Without overflow: all rows but the last are full, and behind the last row something may be
	// left out.
	full, rest := 0, len(b.Values)
	if b.Stride > 0 {
		full, rest = len(b.Values)/b.Stride, len(b.Values)%b.Stride
	}
	whole := full == b.Rows && rest == 0 || full == b.Rows-1 && rest >= n
	if b.Stride > 0 && !whole || b.Stride == 0 && rest > 0 {
		return fmt.Errorf("there are %d values for %d rows of %d", len(b.Values), b.Rows, b.Stride)
	}
	return nil
}

// checkTexts makes sure that texts are of features that take them.
func (b *Batch) checkTexts(features []Feature) error {
	for at, texts := range b.Texts {
		switch {
		case at < 0 || at >= len(features):
			return fmt.Errorf("there are texts for feature %d of %d", at, len(features))
		case features[at].Kind == Numeric && features[at].Borders > 0:
			return fmt.Errorf("there are texts for feature %d, %q, which is numeric", at, clipped(features[at].Name))
		case len(texts) != b.Rows:
			return fmt.Errorf("there are %d texts for feature %d, %q, and %d rows", len(texts), at, clipped(features[at].Name), b.Rows)
		}
	}
	return nil
}

// run shares the rows out among goroutines, chunk by chunk. The caller's own is one of them.
func (b *Batch) run(dst []float64, newScorer func() batchScorer) {
	threads := b.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	work := func() {
		for score := batchScorer(nil); ; {
			first := int(next.Add(batchChunk)) - batchChunk
			if first >= b.Rows {
				return
			}
			if score == nil {
				score = newScorer()
			}
			score(dst, first, min(first+batchChunk, b.Rows))
		}
	}
	var others sync.WaitGroup
	for range min(threads, (b.Rows+batchChunk-1)/batchChunk) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}

// batchRows reads the rows of a batch for one goroutine.
type batchRows struct {
	batch    *Batch
	features int
	row      *Row
	texts    []batchTexts
}

// batchTexts are the values of a categorical feature.
type batchTexts struct {
	position int
	values   []string
}

func newBatchRows(b *Batch, features int, row *Row) batchRows {
	r := batchRows{batch: b, features: features, row: row}
	for at, values := range b.Texts {
		r.texts = append(r.texts, batchTexts{position: at, values: values})
	}
	return r
}

// values sets the texts of a row of the batch and returns its numbers.
func (r *batchRows) values(i int) []float32 {
	for _, t := range r.texts {
		r.row.SetString(t.position, t.values[i])
	}
	if r.batch.Values == nil {
		return nil
	}
	return r.batch.Values[i*r.batch.Stride:][:r.features]
}

// newSetScorer scores by a set, one row after the other.
func newSetScorer(s *Set, b *Batch, predict bool) batchScorer {
	rows := newBatchRows(b, len(s.features), s.NewRow())
	return func(dst []float64, first, end int) {
		for i := first; i < end; i++ {
			_, _ = s.appendAll(dst[:i*s.outputs], rows.row, rows.values(i), predict) // of the right length: check
		}
	}
}
