package window_test

import (
	"math/rand/v2"
	"testing"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

const liveKeys = 100_000

// benchObservations has events of 100,000 clients, with as many keys in every dimension: the worst case, since real
// traffic has few user agents and hosts. Clients come at random, so that nearly every cell is a cache miss.
func benchObservations() []traffic.Observation {
	rng := rand.New(rand.NewPCG(40, 40))
	observations := make([]traffic.Observation, liveKeys)
	for i := range observations {
		o := &observations[i]
		for d := range o.Keys {
			o.Keys[d] = rng.Uint64() | 1
		}
		for object := range o.Objects {
			o.Objects[object] = rng.Uint64() | 1
		}
		o.Measures[traffic.Requests], o.Measures[traffic.Pages], o.Measures[traffic.Bytes] = 1, 1, 1000
	}
	return observations
}

func filled(b *testing.B) (*window.Aggregator, []traffic.Observation) {
	a, observations := newAggregator(b, window.Config{}), benchObservations()
	for i := range observations {
		observations[i].Time = noon
		a.Add(&observations[i])
	}
	return a, observations
}

// BenchmarkAdd folds an event into the rows of seven dimensions with 100,000 live keys each, all features of the
// catalog.
//
//	go test -run '^$' -bench Add -benchtime 1000000x ./featurestore/window
func BenchmarkAdd(b *testing.B) {
	a, observations := filled(b)
	rng := rand.New(rand.NewPCG(41, 41))
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		o := &observations[rng.IntN(len(observations))]
		o.Time = noon + int64(i)*2000
		a.Add(o)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkAddLog folds a real log, site-a.nginx.log, again and again.
//
//	go test -run '^$' -bench AddLog -benchtime 1000000x ./featurestore/window
func BenchmarkAddLog(b *testing.B) {
	var observations []traffic.Observation
	readLog(b, "site-a.nginx.log", func(o *traffic.Observation) { observations = append(observations, *o) })
	a := newAggregator(b, window.Config{})
	b.ReportAllocs()
	b.ResetTimer()
	span := observations[len(observations)-1].Time - observations[0].Time
	for i := range b.N {
		o := &observations[i%len(observations)]
		a.Add(o)
		o.Time += span // for the next round
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkObserve computes what Add needs of an event.
//
//	go test -run '^$' -bench Observe ./featurestore/window
func BenchmarkObserve(b *testing.B) {
	ev := newStream(42).event()
	var o traffic.Observation
	b.ReportAllocs()
	for b.Loop() {
		traffic.Observe(&ev, seed, &o)
	}
}

// BenchmarkBuild makes the image that a daemon publishes every second, with 100,000 keys in each of seven dimensions.
//
//	go test -run '^$' -bench Build -benchtime 5x ./featurestore/window
func BenchmarkBuild(b *testing.B) {
	a, _ := filled(b)
	builder, err := featurestore.NewBuilder(a.Schema(), seed)
	if err != nil {
		b.Fatal(err)
	}
	if err := a.Build(builder, noon); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(builder.Image())))
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Build(builder, noon); err != nil {
			b.Fatal(err)
		}
	}
}
