package scorer

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/scorer/internal/city"
	"github.com/headgate/headgate/scorer/internal/forest"
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
	// Row.SetString takes; an empty one that the feature does not take is a missing value. A
	// LightGBM or XGBoost model that has an empty category takes it for that one.
	Texts map[int][]string

	// Threads is the most goroutines that score at a time. Default: GOMAXPROCS, and fewer for few
	// rows.
	Threads int
}

// batchChunk is the number of rows that a goroutine takes at a time: some 20 microseconds for a
// small model.
const batchChunk = 128

// AppendRawBatch appends to dst what AppendRaw gives for each row of b: Outputs numbers for each,
// row after row. It allocates what dst is too short for, and memory for each thread but not for each
// row: some 30 KiB, and up to 1 MiB if the model has thousands of trees.
//
// A batch that does not fit the model is an error that wraps ErrMismatch. An error of Raw for one of
// the rows is returned with the number of the first such row. An error appends nothing.
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
// i*outputs. It stops at a row that cannot be scored. It belongs to a goroutine.
type batchScorer func(dst []float64, first, end int) *rowError

// rowError says why a row of a batch cannot be scored.
type rowError struct {
	row int
	err error
}

// appendTo scores all rows, each of which is answered with so many outputs.
func (b *Batch) appendTo(dst []float64, features []Feature, outputs int, newScorer func() batchScorer) ([]float64, error) {
	if err := b.check(features); err != nil {
		return dst, fmt.Errorf("scorer: score a batch: %w: %w", err, ErrMismatch)
	}
	n := len(dst)
	dst = slices.Grow(dst, b.Rows*outputs)[:n+b.Rows*outputs]
	if failed := b.run(dst[n:], newScorer); failed != nil {
		return dst[:n], fmt.Errorf("scorer: score a batch: row %d: %w", failed.row, failed.err)
	}
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

// checkTexts makes sure that texts are of features, one for each row.
func (b *Batch) checkTexts(features []Feature) error {
	for at, texts := range b.Texts {
		switch {
		case at < 0 || at >= len(features):
			return fmt.Errorf("there are texts for feature %d of %d", at, len(features))
		case len(texts) != b.Rows:
			return fmt.Errorf("there are %d texts for feature %d, %q, and %d rows", len(texts), at, forest.Clipped(features[at].Name), b.Rows)
		}
	}
	return nil
}

// run shares the rows out among goroutines, chunk by chunk. The caller's own is one of them. Of the
// rows that cannot be scored it returns the first: chunks that begin before it are finished.
func (b *Batch) run(dst []float64, newScorer func() batchScorer) (failed *rowError) {
	threads := b.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var failing sync.Mutex
	fail := func(e *rowError) {
		failing.Lock()
		defer failing.Unlock()
		if failed == nil || e.row < failed.row {
			failed = e
		}
		next.Store(int64(b.Rows)) // those that were taken are all before any that were not
	}
	work := func() {
		for score := batchScorer(nil); ; {
			first := int(next.Add(batchChunk)) - batchChunk
			if first >= b.Rows {
				return
			}
			if score == nil {
				score = newScorer()
			}
			if e := score(dst, first, min(first+batchChunk, b.Rows)); e != nil {
				fail(e)
			}
		}
	}
	var others sync.WaitGroup
	for range min(threads, (b.Rows+batchChunk-1)/batchChunk) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return failed
}

// batchRows reads the rows of a batch for one goroutine.
type batchRows struct {
	batch  *Batch
	inputs *inputs
	row    *Row
	texts  []batchTexts
}

// batchTexts are the values of a categorical feature.
type batchTexts struct {
	position     int
	values       []string
	emptyMissing bool // an empty text is a missing value
}

// newBatchRows reads for a row that NewRow of the model or set made.
func newBatchRows(b *Batch, row *Row) batchRows {
	r := batchRows{batch: b, inputs: row.inputs, row: row}
	empty := value{kind: isText, number: math.NaN(), hash: city.Hash64(nil)}
	for at, values := range b.Texts {
		r.texts = append(r.texts, batchTexts{position: at, values: values, emptyMissing: !r.inputs.accepts(at, &empty)})
	}
	return r
}

// values sets the texts of a row of the batch and returns its numbers.
func (r *batchRows) values(i int) ([]float32, *rowError) {
	for _, t := range r.texts {
		if text := t.values[i]; text != "" || !t.emptyMissing {
			r.row.SetString(t.position, text)
		} else {
			r.row.SetFloat(t.position, math.NaN())
		}
	}
	var x []float32
	if r.batch.Values != nil {
		x = r.batch.Values[i*r.batch.Stride:][:len(r.inputs.features)]
	}
	if err := r.inputs.check(r.row, x); err != nil {
		return nil, &rowError{row: i, err: err}
	}
	return x, nil
}

// newSetScorer scores by a set, one row after the other.
func newSetScorer(s *Set, b *Batch, predict bool) batchScorer {
	rows := newBatchRows(b, s.NewRow())
	return func(dst []float64, first, end int) *rowError {
		for i := first; i < end; i++ {
			x, failed := rows.values(i)
			if failed != nil {
				return failed
			}
			_, _ = s.appendAll(dst[:i*s.outputs], rows.row, x, predict) // values has checked the row
		}
		return nil
	}
}
