package limits_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/dgryski/go-metro"
	"github.com/headgate/headgate/limits"
)

func TestSketchConfigBounds(t *testing.T) {
	good := []limits.SketchConfig{
		{}, {Rows: 1}, {Columns: 2}, {Rows: 64, Columns: 2}, {Rows: 3, Columns: 1024},
		{Rows: 4, Columns: 1 << 16}, {Rows: 2, Columns: 1 << 12},
	}
	for _, c := range good {
		if _, err := limits.NewEstimator(c); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	bad := []limits.SketchConfig{
		{Rows: -1}, {Columns: -8}, {Columns: 1}, {Columns: 1000}, {Columns: (1 << 24) * 2},
		{Rows: 65, Columns: 2}, {Rows: 5, Columns: 1 << 13}, {Rows: 4, Columns: 1 << 17},
		{Rows: math.MaxInt, Columns: 2}, {Columns: math.MinInt},
	}
	for _, c := range bad {
		_, err := limits.NewEstimator(c)
		var detail *limits.ConfigError
		if !errors.Is(err, limits.ErrConfig) || !errors.As(err, &detail) {
			t.Errorf("%+v: error %v, want a *ConfigError", c, err)
		}
		for _, also := range []error{
			second(limits.NewInflight(c)),
			second(limits.NewRate(limits.RateConfig{Sketch: c})),
			second(limits.NewLimiter(limits.LimiterConfig{Sketch: c})),
		} {
			if !errors.Is(also, limits.ErrConfig) {
				t.Errorf("%+v: error %v, want ErrConfig", c, also)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// The hash is shared with other processes and, in time, with files: it must not change. Key and
// value are the test vector of MetroHash64 with seed 0.
func TestHashIsFrozen(t *testing.T) {
	const key = "012345678901234567890123456789012345678901234567890123456789012"
	if got := limits.HashString(key); got != 0xAD4B7006AE3D756B {
		t.Errorf("Hash(%q) = %#016x", key, got)
	}
	for n := range len(key) {
		if limits.Hash([]byte(key[:n])) != limits.HashString(key[:n]) {
			t.Errorf("Hash and HashString differ for %q", key[:n])
		}
	}
}

// What users of pingora-limits expect of an estimator.
func TestEstimatorCounts(t *testing.T) {
	e := must(limits.NewEstimator(limits.SketchConfig{Rows: 8, Columns: 8}))
	a, b := []byte("a"), []byte("b")
	steps := []struct {
		key  []byte
		n    uint32
		want uint64
	}{{a, 1, 1}, {b, 1, 1}, {a, 2, 3}, {b, 2, 3}, {a, 0, 3}}
	for _, s := range steps {
		if got := e.Add(s.key, s.n); got != s.want {
			t.Errorf("Add(%s, %d) = %d, want %d", s.key, s.n, got, s.want)
		}
	}
	if e.Count(a) != 3 || e.CountHash(limits.Hash(b)) != 3 {
		t.Errorf("counts %d and %d, want 3 and 3", e.Count(a), e.Count(b))
	}
	e.Reset()
	if e.Count(a) != 0 || e.Count(b) != 0 {
		t.Errorf("counts %d and %d after Reset, want 0", e.Count(a), e.Count(b))
	}
}

// At any load, no estimate is below the truth; while few keys are counted, none is above it either;
// and the error keeps to the bound of the sketch.
func TestEstimatorAgainstMap(t *testing.T) {
	for _, c := range []struct {
		config limits.SketchConfig
		keys   int
		exact  bool
	}{
		{limits.SketchConfig{}, 100, true},
		{limits.SketchConfig{Rows: 3, Columns: 1024}, 20, true},
		{limits.SketchConfig{Rows: 1, Columns: 64}, 500, false},
		{limits.SketchConfig{Rows: 3, Columns: 1024}, 5000, false},
		{limits.SketchConfig{}, 200_000, false},
	} {
		e := must(limits.NewEstimator(c.config))
		random := rand.New(rand.NewPCG(7, uint64(c.keys)))
		truth := make(map[uint32]uint64)
		var total uint64
		for range max(c.keys, 20_000) {
			key, n := random.Uint32N(uint32(c.keys)), random.Uint32N(5)
			truth[key] += uint64(n)
			total += uint64(n)
			if got := e.Add(keyOf(key), n); got < truth[key] {
				t.Fatalf("%+v, %d keys: Add returned %d, below the truth %d", c.config, c.keys, got,
					truth[key])
			}
		}
		checkEstimates(t, e, c.config, c.exact, truth, total)
	}
}

func checkEstimates(t *testing.T, e *limits.Estimator, config limits.SketchConfig, exact bool,
	truth map[uint32]uint64, total uint64) {
	t.Helper()
	if config.Rows == 0 {
		config = limits.SketchConfig{Rows: 4, Columns: 8192}
	}
	far := 0
	for key, want := range truth {
		got := e.Count(keyOf(key))
		if got < want || exact && got != want {
			t.Fatalf("%+v: Count(%d) = %d, truth %d", config, key, got, want)
		}
		if float64(got-want) > 2*float64(total)/float64(config.Columns) {
			far++
		}
	}
	if limit := float64(len(truth)) / float64(uint64(1)<<config.Rows); float64(far) > limit {
		t.Errorf("%+v: %d of %d counts off by more than 2N/columns, bound %.0f", config, far,
			len(truth), limit)
	}
}

// With one key counted, the keys that see its count are those that share all rows: at 52 bits, none
// of 200,000.
func TestUnrelatedKeysDoNotCollide(t *testing.T) {
	e := must(limits.NewEstimator(limits.SketchConfig{}))
	e.Add([]byte("origin"), 1)
	for key := range uint32(200_000) {
		if e.Count(keyOf(key)) != 0 {
			t.Fatalf("key %d collides in all rows", key)
		}
	}
	narrow := must(limits.NewEstimator(limits.SketchConfig{Rows: 2, Columns: 64}))
	narrow.Add([]byte("origin"), 1)
	collisions := 0
	for key := range uint32(200_000) {
		collisions += int(narrow.Count(keyOf(key)))
	}
	// 200,000 / 2^12 = 48.8 expected, standard deviation 7.
	if collisions < 10 || collisions > 100 {
		t.Errorf("%d collisions in 12 bits, expected about 49", collisions)
	}
}

func TestEstimatorSaturates(t *testing.T) {
	for rows := 1; rows <= 5; rows++ {
		testSaturation(t, must(limits.NewEstimator(limits.SketchConfig{Rows: rows, Columns: 4})))
	}
}

func testSaturation(t *testing.T, e *limits.Estimator) {
	key := []byte("k")
	e.Preset(limits.Saturated - 10)
	if got := e.Add(key, 9); got != limits.Saturated-1 {
		t.Errorf("Add below the end = %d, want %d", got, limits.Saturated-1)
	}
	for range 3 {
		if got := e.Add(key, math.MaxUint32); got != limits.Saturated {
			t.Errorf("Add beyond the end = %d, want %d", got, limits.Saturated)
		}
	}
	e.Preset(math.MaxUint64) // as found in damaged memory
	if got := e.Count(key); got != limits.Saturated {
		t.Errorf("Count = %d, want %d", got, limits.Saturated)
	}
	e.Reset()
	if got := e.Add(key, math.MaxUint32); got != math.MaxUint32 {
		t.Errorf("after Reset, Add = %d, want %d", got, uint64(math.MaxUint32))
	}
}

func TestEstimatorConcurrent(t *testing.T) {
	e := must(limits.NewEstimator(limits.SketchConfig{}))
	const goroutines, rounds, keys = 8, 500, 16
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for i := range rounds * keys {
				e.Add(keyOf(uint32(i%keys)), 1)
			}
		})
	}
	group.Wait()
	for key := range uint32(keys) {
		if got := e.Count(keyOf(key)); got != goroutines*rounds {
			t.Errorf("Count(%d) = %d, want %d", key, got, goroutines*rounds)
		}
	}
}

func TestMemory(t *testing.T) {
	small := limits.SketchConfig{Rows: 3, Columns: 1024}
	const cells = 3 * 1024 * 8
	if got := must(limits.NewEstimator(small)).Bytes(); got < cells || got > 26_184 {
		t.Errorf("Estimator 3 x 1024: %d bytes", got)
	}
	if got := must(limits.NewInflight(small)).Bytes(); got < cells || got > 26_184 {
		t.Errorf("Inflight 3 x 1024: %d bytes", got)
	}
	if got := must(limits.NewRate(limits.RateConfig{Sketch: small})).Bytes(); got < 2*cells ||
		got > 2*26_184 {
		t.Errorf("Rate 3 x 1024: %d bytes", got)
	}
	if got := must(limits.NewLimiter(limits.LimiterConfig{})).Bytes(); got < 160<<10 ||
		got > 168<<10 {
		t.Errorf("Limiter: %d bytes", got)
	}
}

func keyOf(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

// Short keys are hashed without a call; the hash is MetroHash64 all the same.
func TestHashIsMetroHash(t *testing.T) {
	key := make([]byte, 100)
	for i := range key {
		key[i] = byte(i*37 + 200)
	}
	for n := range len(key) {
		if got, want := limits.Hash(key[:n]), metro.Hash64(key[:n], 0); got != want {
			t.Errorf("%d bytes: %#016x, want %#016x", n, got, want)
		}
	}
}

// A number's hash is that of its bytes, and a key of 4 bytes is counted under it like any other.
func TestHashOfNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 8))
	for range 1000 {
		v := r.Uint64()
		b := binary.LittleEndian.AppendUint64(nil, v)
		if limits.HashUint64(v) != metro.Hash64(b, 0) ||
			limits.HashUint32(uint32(v)) != metro.Hash64(b[:4], 0) {
			t.Fatalf("%#x: hashes %#x and %#x", v, limits.HashUint64(v),
				limits.HashUint32(uint32(v)))
		}
	}
	e := must(limits.NewEstimator(limits.SketchConfig{Rows: 3, Columns: 1024}))
	if e.Add([]byte{1, 2, 3, 4}, 7) != 7 || e.CountHash(limits.HashUint32(0x04030201)) != 7 {
		t.Error("a key of 4 bytes is not counted under the hash of its number")
	}
}
