package scorer_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// newTestBatch lays rows out as a matrix, with other data after each row if stride is larger than a row.
// Integers among the categories become texts, which is what CatBoost makes of them.
func newTestBatch(rows []libraryRow, width, stride int) scorer.Batch {
	b := scorer.Batch{Rows: len(rows), Values: make([]float32, len(rows)*stride), Stride: stride,
		Texts: map[int][]string{}}
	for i, in := range rows {
		copy(b.Values[i*stride:], in.x)
		for j := width; j < stride; j++ {
			b.Values[i*stride+j] = 1e30
		}
		for position, text := range in.texts {
			b.Texts[position] = append(b.Texts[position], text)
		}
		for position, v := range in.ints {
			b.Texts[position] = append(b.Texts[position], fmt.Sprint(v))
		}
	}
	return b
}

// batched is what scores rows alone and together.
type batched interface {
	NewScratch() *scorer.Scratch
	AppendRaw([]float64, *scorer.Scratch, []float32) ([]float64, error)
	AppendPrediction([]float64, *scorer.Scratch, []float32) ([]float64, error)
	AppendRawBatch([]float64, scorer.Batch) ([]float64, error)
	AppendPredictionBatch([]float64, scorer.Batch) ([]float64, error)
}

// compareBatch scores rows one by one and together, by one goroutine and by several.
func compareBatch(t *testing.T, s batched, rows []libraryRow, width int) {
	t.Helper()
	scratch := s.NewScratch()
	raw, predicted := []float64{7}, []float64{7}
	for _, in := range rows {
		in.set(scratch)
		raw = must(s.AppendRaw(raw, scratch, in.x))
		predicted = must(s.AppendPrediction(predicted, scratch, in.x))
	}
	for _, threads := range []int{0, 1, 3} {
		b := newTestBatch(rows, width, width+threads)
		b.Threads = threads
		if got := must(s.AppendRawBatch([]float64{7}, b)); !slices.EqualFunc(got, raw, same) {
			t.Fatalf("%d threads: %v, one by one %v", threads, got, raw)
		}
		if got := must(s.AppendPredictionBatch([]float64{7}, b)); !slices.EqualFunc(got, predicted,
			same) {
			t.Fatalf("%d threads: predictions %v, one by one %v", threads, got, predicted)
		}
	}
}

// A batch returns the bits of its rows, in their order, for models of every library and in every
// mode of summation.
func TestBatchGivesTheBitsOfItsRows(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	for _, f := range libraryFixtures(t) {
		if f.Refused != "" || f.version != "1.2.8" {
			continue
		}
		m, rows := load(t, f.models["model.cbm"]), f.rows(t)
		rows = slices.Concat(rows, rows, rows)[:3*len(rows)-1] // several chunks, the last not full
		t.Run(f.title(), func(t *testing.T) {
			compareBatch(t, m, rows, f.Features)
			compareBatch(t, m.Fast(), rows[:131], f.Features)
		})
	}
	for library, version := range map[string]string{"lightgbm": "4.6.0", "xgboost": "3.2.0"} {
		for _, f := range forestFixtures(t, library, 90) {
			if f.version != version {
				continue
			}
			var rows []libraryRow
			for _, x := range f.rows {
				rows = append(rows, libraryRow{x: x})
			}
			for extension, data := range f.files {
				m := load(t, data)
				t.Run(library+"/"+f.name+"/"+extension, func(t *testing.T) {
					compareBatch(t, m, rows, forestWidth)
					compareBatch(t, m.Fast(), rows[:131], forestWidth)
				})
			}
		}
	}
}

// So it does for a set, with its texts.
func TestBatchOfASet(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	models, rows := categoricalModels(t)
	s := newSet(t, models...)
	compareBatch(t, s, rows[:300], len(s.Features()))
}

// Categories of data frames are found by their texts, empty ones are missing, and of rows that the
// library refuses the first is named.
func TestBatchOfDataFrames(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	scored, refused := 0, 0
	for _, f := range categoryFixtures(t) {
		for extension, data := range f.files {
			m := load(t, data)
			b, rows := batchOfFrame(&f, m)
			scratch := m.NewScratch()
			var want []float64
			var first error
			for i, at := range rows {
				x := f.set(scratch, at)
				raw, err := m.Raw(scratch, x)
				if err != nil && first == nil {
					first = fmt.Errorf("scorer: score a batch: row %d: %w", i, err)
				}
				want = append(want, raw)
			}
			got, err := m.AppendRawBatch(nil, b)
			switch {
			case first != nil && (err == nil || err.Error() != first.Error() || len(got) != 0):
				t.Errorf("%s.%s: %d answers, error %v, expected %v", f.name, extension, len(got),
					err, first)
			case first == nil && (err != nil || !slices.EqualFunc(got, want, same)):
				t.Errorf("%s.%s: %v, error %v, one by one %v", f.name, extension, got, err, want)
			}
			if scored++; first != nil {
				refused++
			}
		}
	}
	if scored < 20 || refused == 0 || refused == scored {
		t.Errorf("%d models were compared, %d of which refuse a row", scored, refused)
	}
}

// batchOfFrame repeats the rows of a fixture, and says which they are. Left out are rows with an
// empty text, which stands for a missing one in a batch, and those with a missing one where an
// empty text is a category.
func batchOfFrame(f *categoryFixture, m *scorer.Model) (b scorer.Batch, rows []int) {
	ambiguous := func(values []any) bool {
		for j, v := range values {
			if v == "" || v == nil && slices.Contains(m.Categories(j), "") {
				return true
			}
		}
		return false
	}
	b.Texts = map[int][]string{}
	for range 20 { // several chunks
		for i := range f.Rows {
			if ambiguous(f.Rows[i].Values) {
				continue
			}
			b.Rows++
			rows = append(rows, i)
			for j, v := range f.Rows[i].Values {
				text, _ := v.(string)
				number, isNumber := v.(float64)
				if !isNumber {
					number = math.NaN()
				}
				b.Values = append(b.Values, float32(number))
				if f.Category[j] {
					b.Texts[j] = append(b.Texts[j], text)
				}
			}
		}
	}
	return b, rows
}

// Texts alone are enough for a model of categories.
func TestBatchOfTextsAlone(t *testing.T) {
	m := load(t, []byte(`{"features_info":{"categorical_features":[{"feature_id":"country","flat_feature_index":0,"values":[-1291328762]}]},
		"oblivious_trees":[{"splits":[{"split_index":0}],"leaf_values":[1,2]}]}`))
	countries := []string{"nl", "de", "", "nl"}
	got := must(m.AppendRawBatch(nil, scorer.Batch{Rows: 4, Texts: map[int][]string{0: countries}}))
	scratch := m.NewScratch()
	for i, country := range countries {
		scratch.SetString(0, country)
		if want := must(m.Raw(scratch, nil)); got[i] != want {
			t.Errorf("%q: %v, expected %v", country, got[i], want)
		}
	}
}

// A matrix that is not rows of the model is refused, and leaves dst as it was. Its size is never
// guessed.
func TestBatchesThatDoNotFit(t *testing.T) {
	m := load(t, []byte(`{"features_info":{"float_features":[{"borders":[1],"flat_feature_index":0},{"borders":[1],"flat_feature_index":1}],
		"categorical_features":[{"feature_id":"country","flat_feature_index":2,"values":[1]}]},"oblivious_trees":[{"leaf_values":[3]}]}`))
	values := func(n int) []float32 { return make([]float32, n) }
	for _, c := range []struct {
		b      scorer.Batch
		reason string
	}{
		{scorer.Batch{Rows: 2, Values: values(6)}, ""},
		{scorer.Batch{}, ""},
		{scorer.Batch{Rows: 2, Values: values(8), Stride: 4}, ""},
		{scorer.Batch{Rows: 2, Values: values(7), Stride: 4}, ""}, // nothing is behind the last row
		{scorer.Batch{Rows: 2, Values: values(6), Texts: map[int][]string{2: {"a", "b"}}}, ""},
		{scorer.Batch{Rows: 3, Values: values(6)}, "there are 6 values for 3 rows of 3"},
		{scorer.Batch{Rows: 1, Values: values(6)}, "there are 6 values for 1 rows of 3"},
		{scorer.Batch{Values: values(6)}, "there are 6 values for 0 rows of 3"},
		{scorer.Batch{Rows: 2}, "there are 0 values for 2 rows of 3"},
		{scorer.Batch{Rows: 2, Values: values(5)}, "there are 5 values for 2 rows of 3"},
		{scorer.Batch{Rows: 2, Values: values(6), Stride: 4}, "there are 6 values for 2 rows of 4"},
		{scorer.Batch{Rows: 2, Values: values(4), Stride: 2},
			"the stride is 2, the model takes 3 values"},
		{scorer.Batch{Rows: math.MaxInt, Values: values(6)}, "at most 2147483647 are accepted"},
		{scorer.Batch{Rows: 2, Values: values(6), Stride: math.MaxInt},
			"there are 6 values for 2 rows"},
		{scorer.Batch{Rows: -1}, "-1 rows"},
		{scorer.Batch{Rows: 2, Values: values(6), Threads: -1}, "-1 threads"},
		{scorer.Batch{Rows: 2, Values: values(6), Stride: -3}, "the stride is -3"},
		{scorer.Batch{Rows: 2, Values: values(6), Texts: map[int][]string{2: {"a"}}}, `there are 1 texts for feature 2, "country", and 2 rows`},
		{scorer.Batch{Rows: 2, Values: values(6), Texts: map[int][]string{1: {"a", "b"}}}, `row 0: scorer: set feature 1, "1", to a text: features do not fit: it is numeric`},
		{scorer.Batch{Rows: 2, Values: values(6), Texts: map[int][]string{3: {"a", "b"}}},
			"there are texts for feature 3 of 3"},
		{scorer.Batch{Rows: 2, Values: values(6), Texts: map[int][]string{-1: {"a", "b"}}},
			"there are texts for feature -1 of 3"},
	} {
		for what, score := range map[string]func([]float64, scorer.Batch) ([]float64, error){
			"AppendRawBatch": m.AppendRawBatch, "AppendPredictionBatch": m.AppendPredictionBatch,
			"AppendRawBatch of a set": newSet(t,
				m).AppendRawBatch, "AppendPredictionBatch of a set": newSet(t, m).AppendPredictionBatch,
		} {
			got, err := score([]float64{7}, c.b)
			if c.reason == "" {
				if err != nil || len(got) != 1+c.b.Rows {
					t.Errorf("%s: %v, error %v", what, got, err)
				}
				continue
			}
			if !errors.Is(err, scorer.ErrMismatch) || !strings.Contains(err.Error(), c.reason) ||
				!slices.Equal(got, []float64{7}) {
				t.Errorf("%s: %v, error %v, expected %q", what, got, err, c.reason)
			}
		}
	}
}

// What a batch allocates does not depend on the number of its rows.
func TestBatchAllocatesByThread(t *testing.T) {
	m := load(t, fixtureNamed(t, "classification").cbm)
	b := scorer.Batch{Rows: 5000, Values: make([]float32, 5000*len(m.Features())), Threads: 2}
	dst := make([]float64, 0, b.Rows)
	if n := testing.AllocsPerRun(20, func() { dst = must(m.AppendRawBatch(dst[:0], b)) }); n > 40 {
		t.Errorf("%v allocations", n)
	}
}
