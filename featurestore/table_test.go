package featurestore_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
)

// noon is a time within a second, off the grid of stamps.
const noon = 1_767_268_800_123_456_789

// model is a table as a map: what a Table must hold.
type model []map[uint64]modelRow // by dimension

type modelRow struct {
	stamp  int64
	values []float32
}

// randomSchema has dimensions with one time constant, with two, and so on up to the maximum.
func randomSchema(rng *rand.Rand) featurestore.Schema {
	decays := []time.Duration{10 * time.Second, time.Minute, time.Hour, time.Nanosecond, math.MaxInt64, time.Millisecond,
		time.Second, 24 * time.Hour}
	var s featurestore.Schema
	for d := range 1 + rng.IntN(12) {
		dimension := featurestore.Dimension{Name: fmt.Sprint("d", d)}
		for c := range 1 + rng.IntN(40) {
			column := featurestore.Column{Name: fmt.Sprint("c", c), Unit: []string{"", "B/s", "größe"}[rng.IntN(3)]}
			if rng.IntN(2) == 0 {
				column.Decay = decays[rng.IntN(1+d%len(decays))]
			}
			dimension.Columns = append(dimension.Columns, column)
		}
		s.Dimensions = append(s.Dimensions, dimension)
	}
	return s
}

// randomModel has about size keys in each dimension; some dimensions have none.
func randomModel(rng *rand.Rand, s featurestore.Schema, size int) model {
	m := make(model, len(s.Dimensions))
	for d := range m {
		m[d] = make(map[uint64]modelRow)
		for range size * rng.IntN(3) / 2 {
			m[d][max(1, rng.Uint64())] = randomRow(rng, len(s.Dimensions[d].Columns))
		}
		if size > 0 { // the ends of the range of keys
			m[d][1] = randomRow(rng, len(s.Dimensions[d].Columns))
			m[d][math.MaxUint64] = randomRow(rng, len(s.Dimensions[d].Columns))
		}
	}
	return m
}

func randomRow(rng *rand.Rand, columns int) modelRow {
	r := modelRow{stamp: noon - rng.Int64N(int64(3*time.Hour)), values: make([]float32, columns)}
	for i := range r.values {
		r.values[i] = float32(rng.NormFloat64() * 1000)
		if rng.IntN(10) == 0 {
			r.values[i] = float32(math.NaN())
		}
	}
	return r
}

// table is a Builder or a Publisher.
type table interface {
	Put(d int, key uint64, stamp int64, row []float32) error
}

// put puts the model's rows, some of them twice; the second put counts.
func (m model) put(t testing.TB, to table) {
	t.Helper()
	for d := range m {
		for key, row := range m[d] {
			if key%8 == 0 {
				if err := to.Put(d, key, 0, make([]float32, len(row.values))); err != nil {
					t.Fatal(err)
				}
			}
			if err := to.Put(d, key, row.stamp, row.values); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// build makes an image with exactly as much room as the model needs.
func (m model) build(t testing.TB, b *featurestore.Builder, now int64) {
	t.Helper()
	capacity := make([]int, len(m))
	for d := range m {
		capacity[d] = len(m[d])
	}
	if err := b.Begin(now, capacity); err != nil {
		t.Fatal(err)
	}
	m.put(t, b)
}

// publish publishes a table of the model alone.
func (m model) publish(t testing.TB, p *featurestore.Publisher, now int64) {
	t.Helper()
	p.Reset()
	m.put(t, p)
	if err := p.Publish(now); err != nil {
		t.Fatal(err)
	}
}

// compare checks a table against the model through every way to read it.
func (m model) compare(t *testing.T, table *featurestore.Table) {
	t.Helper()
	for d := range m {
		if got := table.Keys(d); got != len(m[d]) {
			t.Errorf("dimension %d has %d keys, want %d", d, got, len(m[d]))
		}
		columns := len(table.Schema.Dimensions[d].Columns)
		got := make([]float32, columns)
		for key, want := range m[d] {
			stamp, ok := table.Row(d, key, got)
			if !ok || stamp != featurestore.Stamp(want.stamp) || !sameValues(got, want.values) {
				t.Fatalf("dimension %d key %#x: %v of %d (%v), want %v of %d", d, key, got, stamp, ok, want.values,
					featurestore.Stamp(want.stamp))
			}
			if _, ok := table.Row(d, key^0x5555, got); ok != has(m[d], key^0x5555) {
				t.Fatalf("dimension %d: key %#x is found: %v", d, key^0x5555, ok)
			}
		}
		if _, ok := table.Row(d, 0, got); ok {
			t.Errorf("dimension %d: key 0 is found", d)
		}
		seen := make(map[uint64]bool)
		table.Each(d, func(key uint64, stamp int64, row []float32) {
			want, ok := m[d][key]
			if seen[key] || !ok || stamp != featurestore.Stamp(want.stamp) || !sameValues(row, want.values) {
				t.Fatalf("dimension %d: Each gives %#x (seen %v, known %v) %v", d, key, seen[key], ok, row)
			}
			seen[key] = true
		})
		if len(seen) != len(m[d]) {
			t.Errorf("dimension %d: Each gives %d keys, want %d", d, len(seen), len(m[d]))
		}
	}
}

func has(rows map[uint64]modelRow, key uint64) bool {
	_, ok := rows[key]
	return ok
}

// sameValues compares bit for bit; all NaN are alike.
func sameValues(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool {
		return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
	})
}

// A table holds what was put into it, at rising sizes, with the builder's memory reused for larger
// and smaller images.
func TestTableAgainstMap(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		schema := randomSchema(rng)
		b, err := featurestore.NewBuilder(schema, seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{0, 1, 7, 8, 60, 5, 1000, 300} {
			m := randomModel(rng, schema, size)
			m.build(t, b, noon)
			table, err := featurestore.OpenTable(b.Image())
			if err != nil {
				t.Fatalf("seed %d size %d: %v", seed, size, err)
			}
			if table.Published != noon || table.Seed != seed || table.Size() != len(b.Image()) || !sameSchema(table.Schema, schema) {
				t.Fatalf("seed %d size %d: %d %d %d %v", seed, size, table.Published, table.Seed, table.Size(), table.Schema)
			}
			m.compare(t, table)
			if err := table.Verify(); err != nil {
				t.Fatalf("seed %d size %d: %v", seed, size, err)
			}
		}
	}
}

func sameSchema(a, b featurestore.Schema) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) }

// A shorter destination takes the first columns; a longer one keeps its remaining values.
func TestRowFillsWhatThereIs(t *testing.T) {
	table := smallTable(t)
	short, long := make([]float32, 1), []float32{7, 7, 7, 7}
	table.Row(0, 42, short)
	table.Row(0, 42, long)
	if short[0] != 1 || !slices.Equal(long, []float32{1, 2, 7, 7}) {
		t.Errorf("%v and %v", short, long)
	}
}

// smallSchema has a dimension that fades and one that does not.
func smallSchema() featurestore.Schema {
	return featurestore.Schema{Dimensions: []featurestore.Dimension{
		{Name: "ip", Columns: []featurestore.Column{
			{Name: "requests", Unit: "requests", Decay: time.Minute}, {Name: "share", Unit: "share"}}},
		{Name: "host", Columns: []featurestore.Column{{Name: "rate", Unit: "1/s", Decay: time.Second}}},
	}}
}

// smallImage has two keys in the first dimension of smallSchema and one in the second.
func smallImage(t testing.TB) []byte {
	t.Helper()
	b, err := featurestore.NewBuilder(smallSchema(), 7)
	if err != nil {
		t.Fatal(err)
	}
	buildSmall(t, b)
	return b.Image()
}

func buildSmall(t testing.TB, b *featurestore.Builder) {
	t.Helper()
	if err := b.Begin(noon, []int{2, 1}); err != nil {
		t.Fatal(err)
	}
	putSmall(t, b)
}

func putSmall(t testing.TB, to table) {
	t.Helper()
	for _, r := range []struct {
		d      int
		key    uint64
		stamp  int64
		values []float32
	}{
		{0, 42, noon, []float32{1, 2}},
		{0, 1 << 63, noon - int64(time.Hour), []float32{3, float32(math.NaN())}},
		{1, 42, noon - int64(time.Second), []float32{5}},
	} {
		if err := to.Put(r.d, r.key, r.stamp, r.values); err != nil {
			t.Fatal(err)
		}
	}
}

func smallTable(t testing.TB) *featurestore.Table {
	t.Helper()
	table, err := featurestore.OpenTable(smallImage(t))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Invalid rows are errors and leave the image unchanged.
func TestPutRefuses(t *testing.T) {
	b, err := featurestore.NewBuilder(smallSchema(), 7)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put(0, 42, noon, []float32{1, 2}); err == nil {
		t.Error("Put before Begin is not an error")
	}
	buildSmall(t, b)
	before := slices.Clone(b.Image())
	for name, put := range map[string]func() error{
		"key 0":              func() error { return b.Put(0, 0, noon, []float32{1, 2}) },
		"too few values":     func() error { return b.Put(0, 43, noon, []float32{1}) },
		"too many values":    func() error { return b.Put(0, 43, noon, []float32{1, 2, 3}) },
		"no such dimension":  func() error { return b.Put(2, 43, noon, []float32{1}) },
		"negative dimension": func() error { return b.Put(-1, 43, noon, []float32{1}) },
	} {
		if err := put(); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
	if !slices.Equal(before, b.Image()) {
		t.Error("what was refused changed the image")
	}
}

func TestBeginRefuses(t *testing.T) {
	b, err := featurestore.NewBuilder(smallSchema(), 7)
	if err != nil {
		t.Fatal(err)
	}
	for _, sizes := range [][]int{nil, {1}, {1, 2, 3}, {-1, 1}, {1, math.MinInt}, {math.MaxInt, 1}, {math.MaxInt/8 + 1, 1}} {
		if err := b.Begin(noon, sizes); err == nil {
			t.Errorf("sizes %v are not refused", sizes)
		}
		if err := b.Put(0, 42, noon, []float32{1, 2}); err == nil {
			t.Errorf("Put after Begin refused %v is not refused", sizes)
		}
	}
	buildSmall(t, b)
	if _, err := featurestore.OpenTable(b.Image()); err != nil {
		t.Error(err)
	}
}
