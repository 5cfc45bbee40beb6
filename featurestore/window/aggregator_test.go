package window_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

func newAggregator(t testing.TB, config window.Config) *window.Aggregator {
	t.Helper()
	a, err := window.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// forever keeps every key.
var forever = window.Config{MaxKeys: 1 << 20, Idle: 1 << 62}

// Rows are what the definitions say, for every fold that there is, on random traffic.
func TestRowsAgainstDefinition(t *testing.T) {
	var c comparison
	for number := range uint64(4) {
		features := append(traffic.Catalog(),
			traffic.Feature{Dimension: traffic.DimHost, Name: "x1", Fold: traffic.Fold{Kind: traffic.FoldSince, Measure: traffic.MeasureBytes, Per: traffic.MeasurePosts}},
			traffic.Feature{Dimension: traffic.DimHost, Name: "x2", Fold: traffic.Fold{Kind: traffic.FoldSeen, Measure: traffic.MeasureNoHTTP}},
			traffic.Feature{Dimension: traffic.DimHost, Name: "x3", Fold: traffic.Fold{Kind: traffic.FoldGapVariation}},
			traffic.Feature{Dimension: traffic.DimHost, Name: "x6", Fold: traffic.Fold{Kind: traffic.FoldGapMin, Window: time.Minute}},
			traffic.Feature{Dimension: traffic.DimHost, Name: "xb", Fold: traffic.Fold{Kind: traffic.FoldExcess, Window: time.Minute, Measure: traffic.MeasureScripts, Usual: traffic.MeasureUsualScripts, Per: traffic.MeasureRequests}},
			traffic.Feature{Dimension: traffic.DimIP, Name: "xc", Fold: traffic.Fold{Kind: traffic.FoldUsual, Window: time.Hour, Measure: traffic.MeasureHeads, Per: traffic.MeasureRequests}},
			traffic.Feature{Dimension: traffic.DimHost, Name: "x9", Fold: traffic.Fold{Kind: traffic.FoldPeak, Window: time.Second, Memory: time.Minute, Measure: traffic.MeasureBytes}},
			traffic.Feature{Dimension: traffic.DimHost, Name: "xa", Fold: traffic.Fold{Kind: traffic.FoldGapMin, Window: time.Hour, Measure: traffic.MeasurePosts}},
			traffic.Feature{Dimension: traffic.DimHost, Name: "x7", Fold: traffic.Fold{Kind: traffic.FoldHourEntropy}},
			traffic.Feature{Dimension: traffic.DimHost, Name: "x8", Fold: traffic.Fold{Kind: traffic.FoldPart, Window: time.Hour, Measure: traffic.MeasureHostPart}},
			traffic.Feature{Dimension: traffic.DimHost, Name: "x4", Fold: traffic.Fold{Kind: traffic.FoldDistinct, Window: time.Minute, Object: traffic.ObjectSessions}},
			traffic.Feature{Dimension: traffic.DimHost, Name: "x5", Fold: traffic.Fold{Kind: traffic.FoldRate, Window: time.Minute, Measure: traffic.MeasureOriginSeconds}})
		config := forever
		config.Features = features
		a, n, s := newAggregator(t, config), newNaive(features), newStream(number)
		for i := range 3000 {
			o := s.next()
			n.addWith(a, o)
			if i < 20 || i%500 == 0 {
				c.compare(t, a, n)
			}
		}
		c.compare(t, a, n)
	}
	c.judge(t)
}

// logs are real access logs; not all of them, for time's sake.
var logs = []string{"site-a.nginx.log", "site-b.nginx.log", "site-d.apache.log", "site-e.apache.log"}

// The same on real traffic.
func TestRowsAgainstDefinitionOnLogs(t *testing.T) {
	for _, name := range logs {
		t.Run(name, func(t *testing.T) {
			a, n := newAggregator(t, forever), newNaive(traffic.Catalog())
			count := 0
			readLog(t, name, func(o *traffic.Observation) {
				n.addWith(a, o)
				count++
			})
			var c comparison
			c.compare(t, a, n)
			c.judge(t)
			if count < 1000 || len(n.keys[traffic.DimIP]) < 10 {
				t.Errorf("%d requests of %d clients", count, len(n.keys[traffic.DimIP]))
			}
		})
	}
}

func readLog(t testing.TB, name string, each func(*traffic.Observation)) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "logs", name))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("%v: put the project's shared data folder (shared/data) beside the source folder to run this", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := accesslog.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var entry accesslog.Entry
	for {
		if err := r.Next(&entry); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		var ev traffic.Event
		var o traffic.Observation
		pipeline.FromEntry(&ev, &entry)
		traffic.Observe(&ev, seed, &o)
		each(&o)
	}
}

// image is everything that an Aggregator would publish, as bytes.
func image(t testing.TB, a *window.Aggregator, now int64) []byte {
	t.Helper()
	b, err := featurestore.NewBuilder(a.Schema(), seed)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Build(b, now); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(b.Image())
}

// The same observations give the same bits, also where keys are evicted and dropped.
func TestSameStreamSameBits(t *testing.T) {
	for _, config := range []window.Config{{}, {MaxKeys: 8, Idle: 20 * time.Minute}} {
		var images [2][]byte
		var stats [2]window.Stats
		for i := range images {
			a, s := newAggregator(t, config), newStream(5)
			for range 5000 {
				o := s.next()
				a.Tick(o.Time)
				a.Add(o)
			}
			images[i], stats[i] = image(t, a, s.now), a.Stats()
		}
		if !slices.Equal(images[0], images[1]) || stats[0] != stats[1] {
			t.Errorf("%+v: two runs differ: %+v and %+v", config, stats[0], stats[1])
		}
	}
}

// Once a table has grown to its bound, nothing allocates: neither known keys nor ones that take the
// place of others.
func TestAddAllocatesNothing(t *testing.T) {
	a, s := newAggregator(t, window.Config{}), newStream(7)
	observations := s.take(1000)
	for _, o := range observations {
		a.Add(o)
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { a.Add(observations[i%len(observations)]); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	selection, dst := a.Select([]string{"ip/age", "host/requests_1m"}), make([]float32, 2)
	if n := testing.AllocsPerRun(100, func() { selection.Read(dst, &observations[0].Keys, s.now) }); n != 0 {
		t.Errorf("Read: %v allocations", n)
	}
}

func TestEvictionAllocatesNothing(t *testing.T) {
	a := newAggregator(t, window.Config{MaxKeys: 1000})
	rng := rand.New(rand.NewPCG(8, 8))
	var o traffic.Observation
	add := func() {
		for d := range o.Keys {
			o.Keys[d] = rng.Uint64() | 1
		}
		o.Time += 1e6
		a.Add(&o)
	}
	for range 20_000 {
		add()
	}
	if n := testing.AllocsPerRun(20_000, add); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A row's facts are those of the user agent that it was made for; it is read once.
func TestAgentOfARow(t *testing.T) {
	names := []string{"ua/browser", "ua/browser_version", "ua/tool"}
	a := newAggregator(t, window.Config{})
	var o traffic.Observation
	for i, agent := range []string{"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "curl/8.5.0"} {
		for range 3 {
			traffic.Observe(&traffic.Event{Time: int64(i), UserAgent: agent}, 1, &o)
			a.Add(&o)
		}
		o.Agent = "another with the same hash"
		a.Add(&o)
		got := make([]float32, len(names))
		a.Select(names).Read(got, &o.Keys, 1)
		const noBrowser, firefox = 0, 3 // codes of the feature
		if want := [][]float32{{firefox, 128, 0}, {noBrowser, 8, 1}}[i]; !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", agent, got, want)
		}
	}
}

// Time that runs backwards counts as no time at all.
func TestTimeBackwards(t *testing.T) {
	back, still, s := newAggregator(t, forever), newAggregator(t, forever), newStream(9)
	latest := int64(math.MinInt64)
	for range 2000 {
		o := *s.next()
		o.Keys = traffic.Keys{1, 2, 3, 4, 5, 6, 7}
		o.Time -= s.rng.Int64N(int64(time.Hour))
		back.Add(&o)
		latest = max(latest, o.Time)
		o.Time = latest
		still.Add(&o)
	}
	if !slices.Equal(image(t, back, s.now), image(t, still, s.now)) {
		t.Error("the rows differ")
	}
}

// Times that no clock has neither panic nor leave values that are none: nothing is negative or
// infinite, and NaN stays where it belongs.
func TestHostileTimes(t *testing.T) {
	times := []int64{0, 1, -1, math.MinInt64, math.MaxInt64, math.MinInt64 + 1e6, math.MinInt64 + 2e6, -1e6 - 1, noon, -noon, 1 << 62, -1 << 62}
	rng := rand.New(rand.NewPCG(10, 10))
	features := traffic.Catalog()
	names := make([]string, len(features))
	for i, f := range features {
		names[i] = f.FullName()
	}
	for range 100 {
		a, s := newAggregator(t, window.Config{MaxKeys: 4}), newStream(rng.Uint64())
		selection, dst := a.Select(names), make([]float32, len(names))
		for range 20 {
			o := s.next()
			o.Time = times[rng.IntN(len(times))]
			a.Add(o)
			a.Tick(times[rng.IntN(len(times))])
			selection.Read(dst, &o.Keys, times[rng.IntN(len(times))])
			for i, v := range dst {
				if v < 0 && (v > -1e-6 || features[i].Fold.Kind == traffic.FoldExcess) {
					continue // an entropy's rounding
				}
				if v < 0 || math.IsInf(float64(v), 0) {
					t.Fatalf("%s is %v", names[i], v)
				}
			}
			image(t, a, times[rng.IntN(len(times))])
		}
	}
}

// The pace of two events at the ends of time is that of two events very far apart.
func TestEndsOfTime(t *testing.T) {
	for _, first := range []int64{math.MinInt64, math.MinInt64 + 1e6, -1, 0} {
		a := newAggregator(t, window.Config{})
		for _, at := range []int64{first, math.MaxInt64} {
			a.Add(&traffic.Observation{Time: at, Keys: traffic.Keys{traffic.DimIP: 1}, Measures: [traffic.NumMeasures]float32{traffic.MeasureRequests: 1}})
		}
		dst := make([]float32, 3)
		a.Select([]string{"ip/requests_1h", "ip/age", "ip/gap_min"}).Read(dst, &traffic.Keys{traffic.DimIP: 1}, math.MaxInt64)
		if dst[0] < 0.99999 || dst[0] > 1 || dst[1] < 9e9 || dst[2] < 9e9 {
			t.Errorf("first at %d: %v", first, dst)
		}
	}
}

// A key is dropped at the first full minute at which it was idle for longer than Idle, whenever
// within the minute Tick is called.
func TestIdleKeysAreDropped(t *testing.T) {
	const idle = 10 * time.Minute
	minute := int64(time.Minute)
	start := int64(noon) - noon%minute
	for _, tick := range []time.Duration{time.Second, 17 * time.Second, time.Minute} {
		a := newAggregator(t, window.Config{Idle: idle})
		add := func(key uint64, at int64) {
			a.Add(&traffic.Observation{Time: at, Keys: traffic.Keys{traffic.DimIP: key}})
		}
		add(1, start)
		add(2, start+1)
		add(3, start+5*minute)
		for now := start; now <= start+int64(idle)+5*minute; now += int64(tick) {
			a.Tick(now)
			full := now - now%minute
			for key, last := range map[uint64]int64{1: start, 2: start + 1, 3: start + 5*minute} {
				if _, ok := a.Row(traffic.DimIP, key, make([]float32, 100)); ok != (full-last <= int64(idle)) {
					t.Fatalf("ticks of %v, %v after the start: key %d is there: %v", tick, time.Duration(now-start), key, ok)
				}
			}
		}
		s := a.Stats()
		if s.Expired[traffic.DimIP] != 2 || s.Keys[traffic.DimIP] != 1 {
			t.Errorf("ticks of %v: %+v", tick, s)
		}
	}
}

// A clock that was wrong for a moment does not keep idle keys for ever.
func TestTickAfterClockWentBack(t *testing.T) {
	a := newAggregator(t, window.Config{Idle: time.Minute})
	a.Tick(noon + int64(10000*time.Hour))
	a.Tick(noon)
	a.Add(&traffic.Observation{Time: noon, Keys: traffic.Keys{traffic.DimIP: 1}})
	a.Tick(noon + int64(time.Hour))
	if s := a.Stats(); s.Expired[traffic.DimIP] != 1 {
		t.Errorf("%+v", s)
	}
}

// A place that was given back starts from nothing.
func TestPlacesAreReused(t *testing.T) {
	ofKeys := slices.DeleteFunc(traffic.Catalog(), func(f traffic.Feature) bool { // not what is remembered of all traffic
		return slices.Contains([]traffic.Measure{traffic.MeasureNewAddresses, traffic.MeasureNewAgents, traffic.MeasureNewClients, traffic.MeasureUnshared, traffic.MeasureNewWireClients}, f.Fold.Measure)
	})
	used, s := newAggregator(t, window.Config{Features: ofKeys, MaxKeys: 5000, Idle: time.Minute}), newStream(12)
	fresh := newAggregator(t, window.Config{Features: ofKeys, MaxKeys: forever.MaxKeys, Idle: forever.Idle})
	for _, o := range s.take(500) {
		used.Add(o)
	}
	used.Tick(s.now + int64(time.Hour))
	if st := used.Stats(); st.Keys != [traffic.NumDimensions]int{} {
		t.Fatalf("keys are left: %+v", st)
	}
	s.now += int64(2 * time.Hour)
	for _, o := range s.take(500) {
		used.Add(o)
		fresh.Add(o)
	}
	features := make([]float32, 100)
	want := make([]float32, 100)
	for _, o := range s.take(200) {
		for d := range traffic.NumDimensions {
			last, ok := used.Row(d, o.Keys[d], features)
			wantLast, wantOK := fresh.Row(d, o.Keys[d], want)
			if last != wantLast || ok != wantOK || !sameValues(features, want) {
				t.Fatalf("%v: %v, want %v", d, features, want)
			}
		}
	}
}

func sameValues(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y })
}

func TestConfigRefused(t *testing.T) {
	feature := func(d traffic.Dimension, f traffic.Fold) window.Config {
		return window.Config{Features: []traffic.Feature{{Dimension: d, Name: "x", Fold: f}}}
	}
	nine := window.Config{}
	for i := range 9 {
		nine.Features = append(nine.Features, traffic.Feature{Name: string(rune('a' + i)), Fold: traffic.Fold{Window: time.Duration(i + 1)}})
	}
	many := window.Config{}
	for i := range 13 * int(traffic.NumMeasures) { // of seven windows at most in each dimension
		window := 1 + i/int(traffic.NumMeasures)
		many.Features = append(many.Features, traffic.Feature{Dimension: traffic.Dimension(window / 7), Name: fmt.Sprint("x", i),
			Fold: traffic.Fold{Window: time.Duration(window) * time.Minute, Measure: traffic.Measure(i % int(traffic.NumMeasures))}})
	}
	for name, config := range map[string]window.Config{
		"negative keys":        {MaxKeys: -1},
		"negative idle":        {Idle: -1},
		"no window":            feature(traffic.DimIP, traffic.Fold{Kind: traffic.FoldSum}),
		"a negative window":    feature(traffic.DimIP, traffic.Fold{Kind: traffic.FoldDistinct, Window: -1}),
		"a window of 1 ns":     feature(traffic.DimIP, traffic.Fold{Kind: traffic.FoldDistinct, Window: 1}),
		"a window too long":    feature(traffic.DimIP, traffic.Fold{Kind: traffic.FoldAcceleration, Window: math.MaxInt64 / 5}),
		"a memory too short":   feature(traffic.DimIP, traffic.Fold{Kind: traffic.FoldPeak, Window: time.Minute, Memory: time.Second}),
		"a memory too long":    feature(traffic.DimIP, traffic.Fold{Kind: traffic.FoldPeak, Window: time.Minute, Memory: math.MaxInt64}),
		"an unknown fold":      feature(traffic.DimIP, traffic.Fold{Kind: traffic.NumFoldKinds, Window: 1}),
		"an unknown measure":   feature(traffic.DimIP, traffic.Fold{Kind: traffic.FoldStreak, Measure: traffic.NumMeasures}),
		"an unknown divisor":   feature(traffic.DimIP, traffic.Fold{Kind: traffic.FoldSince, Per: traffic.NumMeasures}),
		"an unknown object":    feature(traffic.DimIP, traffic.Fold{Kind: traffic.FoldDistinct, Window: 10, Object: traffic.NumObjects}),
		"an unknown fact":      feature(traffic.DimUserAgent, traffic.Fold{Kind: traffic.FoldAgent, Fact: traffic.NumAgentFacts}),
		"an unknown dimension": feature(traffic.NumDimensions, traffic.Fold{Kind: traffic.FoldSeen}),
		"nine windows":         nine,
		"273 amounts":          many,
	} {
		if _, err := window.New(config); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}

// A dimension without features is not kept.
func TestFewerDimensions(t *testing.T) {
	a := newAggregator(t, window.Config{Features: []traffic.Feature{
		{Dimension: traffic.DimHost, Name: "seen", Unit: "bool", Fold: traffic.Fold{Kind: traffic.FoldSeen, Measure: traffic.MeasureRequests}}}})
	s := newStream(13)
	for _, o := range s.take(100) {
		a.Add(o)
	}
	st := a.Stats()
	if st.Keys[traffic.DimHost] != 2 || st.Keys[traffic.DimIP] != 0 || len(a.Schema().Dimensions) != 1 {
		t.Errorf("%+v", st)
	}
	if _, ok := a.Row(traffic.DimIP, 1, nil); ok {
		t.Error("a row of a dimension that is not kept")
	}
	if _, ok := a.Row(traffic.NumDimensions, 1, nil); ok {
		t.Error("a row of no dimension")
	}
}

// A sum is what its definition says however its events lie to the epochs in which it decays: in
// one, in neighbours, or with years of silence between them; long before and after 1970, and for
// the longest window that there may be.
func TestSumsAcrossEpochs(t *testing.T) {
	var features []traffic.Feature
	for i, w := range []time.Duration{time.Microsecond, time.Second, time.Minute, 24 * time.Hour, 29 * 365 * 24 * time.Hour} {
		features = append(features, traffic.Feature{Name: fmt.Sprint("x", i), Fold: traffic.Fold{Kind: traffic.FoldSum, Window: w, Measure: traffic.MeasureBytes}})
	}
	gaps := []time.Duration{0, 1, time.Microsecond, 7 * time.Microsecond, time.Second, 10 * time.Second, time.Minute, 17 * time.Minute, time.Hour,
		20 * 24 * time.Hour, 400 * 24 * time.Hour}
	rng := rand.New(rand.NewPCG(12, 12))
	for _, from := range []int64{noon, 0, -noon, math.MinInt64} {
		config := forever
		config.Features = features
		a, n := newAggregator(t, config), newNaive(features)
		o := traffic.Observation{Time: from, Keys: traffic.Keys{traffic.DimIP: 1}}
		for range 200 {
			o.Measures[traffic.MeasureBytes] = float32(rng.IntN(1000))
			o.Time += int64(gaps[rng.IntN(len(gaps))])
			a.Add(&o)
			n.add(&o)
			new(comparison).compare(t, a, n)
		}
	}
}

// Sums of the largest amounts stay finite.
func TestSumsOfTheLargestAmounts(t *testing.T) {
	config := forever
	config.Features = []traffic.Feature{{Name: "x", Fold: traffic.Fold{Kind: traffic.FoldSum, Window: time.Second, Measure: traffic.MeasureBytes}}}
	a, row := newAggregator(t, config), []float32{0}
	o := traffic.Observation{Time: noon, Keys: traffic.Keys{traffic.DimIP: 1}}
	o.Measures[traffic.MeasureBytes] = 1 << 64
	for range 100_000 {
		a.Add(&o)
		o.Time += int64(time.Millisecond)
	}
	if a.Row(traffic.DimIP, 1, row); !(row[0] > 999*(1<<63) && row[0] < 1002*(1<<64)) {
		t.Errorf("a thousand times 2^64 are %v", row[0])
	}
}
