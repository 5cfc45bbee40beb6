package featurestore_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
)

// A stamp is the last point of a grid of 1/256 s at or before the time; the grid has a point at
// every whole second.
func TestStampLiesOnGrid(t *testing.T) {
	const step = int64(time.Second) / 256
	rng := rand.New(rand.NewPCG(1, 1))
	check := func(ns int64) {
		t.Helper()
		got := featurestore.Stamp(ns)
		if got%step != 0 || got > ns || ns-got >= step || featurestore.Stamp(got) != got {
			t.Fatalf("Stamp(%d) = %d", ns, got)
		}
	}
	for _, ns := range []int64{0, 1, -1, step, step - 1, -step, -step - 1, noon, math.MaxInt64} {
		check(ns)
	}
	for range 10_000 {
		check(rng.Int64() - rng.Int64N(1<<62))
		if second := rng.Int64N(1<<33) * int64(time.Second); featurestore.Stamp(second) != second {
			t.Fatalf("Stamp(%d) = %d, a whole second", second, featurestore.Stamp(second))
		}
	}
}

// In the first second that an int64 can represent there may be no grid point before the time; the
// stamp stays nearby.
func TestStampAtTheBeginningOfTime(t *testing.T) {
	for _, ns := range []int64{math.MinInt64, math.MinInt64 + 1, math.MinInt64 + int64(time.Second)} {
		if got := featurestore.Stamp(ns); got > math.MinInt64+2*int64(time.Second) {
			t.Errorf("Stamp(%d) = %d", ns, got)
		}
	}
}

func TestDecayIsExponential(t *testing.T) {
	for _, c := range []struct {
		elapsed int64
		tau     time.Duration
		want    float64
	}{
		{0, time.Second, 1},
		{-5, time.Second, 1},
		{math.MinInt64, time.Second, 1},
		{int64(time.Hour), 0, 1},
		{int64(time.Hour), -1, 1},
		{int64(time.Second), time.Second, 1 / math.E},
		{int64(time.Minute), time.Hour, math.Exp(-1. / 60)},
		{int64(time.Hour), time.Second, 0},
		{math.MaxInt64, 1, 0},
	} {
		if got := featurestore.Decay(c.elapsed, c.tau); math.Abs(float64(got)-c.want) > 1e-7 {
			t.Errorf("Decay(%d, %v) = %v, want %v", c.elapsed, c.tau, got, c.want)
		}
	}
}

// The relative error is hardly larger than that of rounding to float32, and an older row has never
// faded less.
func TestDecayIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	for range 200_000 {
		tau := time.Duration(1 + rng.Int64N(1<<rng.IntN(62)))
		elapsed := rng.Int64N(1 + int64(min(float64(tau)*80, 1<<62)))
		got, want := float64(featurestore.Decay(elapsed, tau)), math.Exp(-float64(elapsed)/float64(tau))
		if math.Abs(got-want) > 7e-8*want {
			t.Fatalf("Decay(%d, %v) = %v, want %v", elapsed, tau, got, want)
		}
		if later := float64(featurestore.Decay(elapsed+max(1, elapsed/1000), tau)); later > got {
			t.Fatalf("Decay(%d, %v) = %v, later %v", elapsed, tau, got, later)
		}
	}
}

// The bits are the same on every processor: the ones listed here.
func TestDecayIsTheSameEverywhere(t *testing.T) {
	sum := uint64(0)
	for i := range int64(100_000) {
		sum = sum*31 + uint64(math.Float32bits(featurestore.Decay(i*i*1000+i, time.Minute)))
	}
	if want := uint64(0xcb29763894d90294); sum != want {
		t.Errorf("the bits of 100,000 factors have the sum %#x, want %#x", sum, want)
	}
}

// Row stamps survive an image exactly on the grid of Stamp, for 97 days before and after the
// publication; stamps farther away are clamped.
func TestStampsInAnImage(t *testing.T) {
	const span = int64(1) << 31 * int64(time.Second) / 256
	b, err := featurestore.NewBuilder(smallSchema(), 0)
	if err != nil {
		t.Fatal(err)
	}
	stampOf := func(now, stamp int64) int64 {
		t.Helper()
		if err := b.Begin(now, []int{1, 1}); err != nil {
			t.Fatal(err)
		}
		if err := b.Put(1, 9, stamp, []float32{1}); err != nil {
			t.Fatal(err)
		}
		table, err := featurestore.OpenTable(b.Image())
		if err != nil {
			t.Fatal(err)
		}
		got, ok := table.Row(1, 9, nil)
		if !ok {
			t.Fatal("the row is not there")
		}
		return got
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for range 2000 {
		now := rng.Int64N(1 << 61)
		stamp := now + rng.Int64N(2*span-int64(time.Second)) - span
		if got := stampOf(now, stamp); got != featurestore.Stamp(stamp) {
			t.Fatalf("published at %d: stamp %d became %d, want %d", now, stamp, got, featurestore.Stamp(stamp))
		}
	}
	for _, past := range []int64{0, -1, math.MinInt64, noon - 2*span} {
		if got := stampOf(noon, past); got > noon-span || got < noon-span-int64(time.Second) {
			t.Errorf("stamp %d became %d s from the publication", past, (got-noon)/int64(time.Second))
		}
	}
	for _, future := range []int64{math.MaxInt64, noon + 2*span} {
		if got := stampOf(noon, future); got < noon+span-2*int64(time.Second) || got > noon+span {
			t.Errorf("stamp %d became %d s from the publication", future, (got-noon)/int64(time.Second))
		}
	}
	for _, now := range []int64{math.MinInt64, math.MaxInt64, 0} { // only that the row is there
		stampOf(now, noon)
	}
}
