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

// Batch is a matrix of rows to score in one call, on several processors: offline, or whenever there
// are many rows at a time. The outputs of a row have the same bits as when it is scored singly, and
// are in the order of the rows.
type Batch struct {
	// Rows is how many rows there are.
	Rows int

	// Values holds the rows one after the other, each with one value for each of Features in their
	// order; NaN is a missing value. It may be nil if Texts has values: then all others are
	// missing.
	Values []float32

	// Stride is the distance from the start of one row to that of the next in Values, for rows that
	// are followed by other data. Default: the number of features.
	Stride int

	// Texts holds the values of categorical features that are texts, by the position of the
	// feature: one for each row. They override Values at that position. A text is what
	// Scratch.SetString takes; an empty one that the feature does not take is a missing value. A
	// LightGBM or XGBoost model that knows an empty category takes it as that category.
	Texts map[int][]string

	// Threads is the most goroutines that score at a time. Default: GOMAXPROCS, and fewer for few
	// rows.
	Threads int
}

// batchChunk is the number of rows that a goroutine takes at a time: some 20 microseconds for a
// small model.
const batchChunk = 128

// AppendRawBatch appends to dst what AppendRaw returns for each row of b: Outputs numbers for each,
// row after row. It grows dst if it is too short, and allocates memory for each thread, not for
// each row: some 30 KiB, and up to 1 MiB if the model has thousands of trees.
//
// A batch that does not fit the model is an error that wraps ErrMismatch. If Raw fails for some
// rows, the error of the first of them is returned with its number. An error appends nothing.
func (m *Model) AppendRawBatch(dst []float64, b Batch) ([]float64, error) {
	return b.appendTo(dst, m.features, m.outputs,
		func() batchScorer { return newModelScorer(m, &b, false) })
}

// AppendPredictionBatch is AppendRawBatch with the results of AppendPrediction.
func (m *Model) AppendPredictionBatch(dst []float64, b Batch) ([]float64, error) {
	return b.appendTo(dst, m.features, m.outputs,
		func() batchScorer { return newModelScorer(m, &b, true) })
}

// AppendRawBatch is AppendRawBatch of a Model, with the results of AppendRaw of the set.
func (s *Set) AppendRawBatch(dst []float64, b Batch) ([]float64, error) {
	return b.appendTo(dst, s.features, s.outputs,
		func() batchScorer { return newSetScorer(s, &b, false) })
}

// AppendPredictionBatch is AppendPredictionBatch of a Model, with the results of AppendPrediction
// of the set.
func (s *Set) AppendPredictionBatch(dst []float64, b Batch) ([]float64, error) {
	return b.appendTo(dst, s.features, s.outputs,
		func() batchScorer { return newSetScorer(s, &b, true) })
}

// batchScorer scores the rows from first to end and writes the outputs of row i of the batch at
// i*outputs. It stops at a row that cannot be scored. One goroutine uses it.
type batchScorer func(dst []float64, first, end int) *rowError

// rowError is the reason why a row of a batch cannot be scored.
type rowError struct {
	row int
	err error
}

// appendTo scores all rows; outputs is the number of outputs of each.
func (b *Batch) appendTo(dst []float64, features []Feature, outputs int,
	newScorer func() batchScorer) ([]float64, error) {
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
		return fmt.Errorf("the stride is %d, the model takes %d values (one for each of Features)",
			b.Stride, n)
	}
	if err := b.checkTexts(features); err != nil {
		return err
	}
	if b.Values == nil && len(b.Texts) > 0 {
		return nil
	}
	// Without overflow: all rows but the last are complete; of the last, what follows its features
	// may be missing.
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
			return fmt.Errorf("there are %d texts for feature %d, %q, and %d rows", len(texts), at,
				forest.Clipped(features[at].Name), b.Rows)
		}
	}
	return nil
}

// run distributes the rows over goroutines, chunk by chunk; the calling goroutine works too. Of the
// rows that cannot be scored it returns the first, since all chunks that begin before that row are
// finished.
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
		next.Store(int64(b.Rows)) // chunks are taken in order: all that were taken precede the rest
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
	batch   *Batch
	inputs  *inputs
	scratch *Scratch
	texts   []batchTexts
}

// batchTexts are the values of a categorical feature.
type batchTexts struct {
	position     int
	values       []string
	emptyMissing bool // an empty text is a missing value
}

// newBatchRows returns a reader into scratch, which NewScratch of the model or set made.
func newBatchRows(b *Batch, scratch *Scratch) batchRows {
	r := batchRows{batch: b, inputs: scratch.inputs, scratch: scratch}
	empty := value{kind: isText, number: math.NaN(), hash: city.Hash64(nil)}
	for at, values := range b.Texts {
		r.texts = append(r.texts, batchTexts{position: at, values: values,
			emptyMissing: !r.inputs.accepts(at, &empty)})
	}
	return r
}

// values sets the texts of a row of the batch and returns its numbers.
func (r *batchRows) values(i int) ([]float32, *rowError) {
	for _, t := range r.texts {
		if text := t.values[i]; text != "" || !t.emptyMissing {
			r.scratch.SetString(t.position, text)
		} else {
			r.scratch.SetFloat(t.position, math.NaN())
		}
	}
	var x []float32
	if r.batch.Values != nil {
		x = r.batch.Values[i*r.batch.Stride:][:len(r.inputs.features)]
	}
	if err := r.inputs.check(r.scratch, x); err != nil {
		return nil, &rowError{row: i, err: err}
	}
	return x, nil
}

// newSetScorer scores by a set, one row after the other.
func newSetScorer(s *Set, b *Batch, predict bool) batchScorer {
	rows := newBatchRows(b, s.NewScratch())
	return func(dst []float64, first, end int) *rowError {
		for i := first; i < end; i++ {
			x, failed := rows.values(i)
			if failed != nil {
				return failed
			}
			// values has checked the row
			_, _ = s.appendAll(dst[:i*s.outputs], rows.scratch, x, predict)
		}
		return nil
	}
}
