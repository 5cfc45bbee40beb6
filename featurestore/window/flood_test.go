package window_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// floodSize is how many distinct addresses TestFlood sends: HEADGATE_FLOOD, or a small number.
func floodSize(t *testing.T) int {
	text := os.Getenv("HEADGATE_FLOOD")
	if text == "" {
		return 500_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 100_000 {
		t.Fatalf("HEADGATE_FLOOD=%s is no number of addresses of at least 100000", text)
	}
	return n
}

// A flood of distinct addresses takes no more memory than is configured, and the thousand heaviest
// clients, who come from its middle on, have the rows that they would have alone: but for the few
// requests before they got a row, counts are exact.
//
//	HEADGATE_FLOOD=100000000 go test -run TestFlood -v -timeout 1h ./featurestore/window
func TestFlood(t *testing.T) {
	const heavy, maxKeys, promote = 1000, 100_000, 5
	flood := floodSize(t)
	a := newAggregator(t, window.Config{MaxKeys: maxKeys, Promote: promote})
	rng := rand.New(rand.NewPCG(90, 90))
	var requests [heavy]int
	var agents [heavy]map[uint64]bool
	var o traffic.Observation
	o.Measures[traffic.MeasureRequests] = 1
	at := int64(noon) - noon%int64(10*time.Minute)
	step := int64(4*time.Minute) / int64(flood) // all of it within one pane
	for n := range flood {
		at += step
		a.Tick(at)
		o.Time, o.Keys = at, traffic.Keys{traffic.DimIP: rng.Uint64() | 1<<63, traffic.DimNet: rng.Uint64() | 1}
		a.Add(&o)
		if n < flood/2 || n%4 > 0 {
			continue
		}
		client := rng.IntN(heavy >> rng.IntN(2)) // the first half comes three times as often
		if agents[client] == nil {
			agents[client] = make(map[uint64]bool)
		}
		agent := uint64(1 + rng.IntN(12))
		requests[client]++
		if requests[client] >= 2*promote { // it may have aged meanwhile
			agents[client][agent] = true
		}
		o.Keys, o.Objects[traffic.ObjectAgents] = traffic.Keys{traffic.DimIP: uint64(1 + client)}, agent
		a.Add(&o)
		o.Objects[traffic.ObjectAgents] = 0
	}
	st := a.Stats()
	if n := st.Keys[traffic.DimIP]; n > maxKeys || n < maxKeys/2 || st.Waiting[traffic.DimIP] < uint64(flood)/2 {
		t.Errorf("%d keys and %d waiting events", n, st.Waiting[traffic.DimIP])
	}
	t.Logf("%d addresses: %d keys kept, %d evicted, %d events waited; at most %d MiB", flood, st.Keys[traffic.DimIP], st.Evicted[traffic.DimIP],
		st.Waiting[traffic.DimIP], a.MaxBytes()>>20)
	selection, row := a.Select([]string{"ip/requests_1h", "ip/distinct_agents_10m"}), []float32{0, 0}
	lost, worst := 0, 0.0
	for client, n := range requests {
		selection.Read(row, &traffic.Keys{traffic.DimIP: uint64(1 + client)}, at)
		if row[0] != row[0] {
			lost++
			continue
		}
		// Nothing is older than four minutes: of an hour's sum no more than a 15th has faded.
		missing := float64(n) - float64(row[0])
		worst = max(worst, missing/float64(n))
		if missing > 2*promote+float64(n)/15 || missing < -0.01*float64(n) {
			t.Errorf("client %d: %v of %d requests", client, row[0], n)
		}
		if want := float64(len(agents[client])); float64(row[1]) < want-1 || row[1] > 12 {
			t.Errorf("client %d: %v of %v user agents", client, row[1], want)
		}
	}
	t.Logf("at most %.1f %% of a client's requests are missing", 100*worst)
	if lost > 0 {
		t.Errorf("%d of the heaviest have no row", lost)
	}
}

// Keys get a row at once while their dimension is less than half full; then on the Promote-th
// event.
func TestPromotion(t *testing.T) {
	const maxKeys = 1000
	a := newAggregator(t, window.Config{MaxKeys: maxKeys, Promote: 3})
	known := func(key uint64) bool {
		_, ok := a.Row(traffic.DimIP, key, make([]float32, 100))
		return ok
	}
	add := func(key uint64) { a.Add(&traffic.Observation{Time: noon, Keys: traffic.Keys{traffic.DimIP: key}}) }
	for key := uint64(1); key <= maxKeys/2; key++ {
		if add(key); !known(key) {
			t.Fatalf("key %d has no row", key)
		}
	}
	early := 0
	for key := uint64(10_001); key <= 10_100; key++ {
		for n := 1; n <= 3; n++ {
			add(key)
			if n < 3 && known(key) {
				early++
			}
			if n == 3 && !known(key) {
				t.Fatalf("key %d has no row on its third event", key)
			}
		}
	}
	if early > 5 {
		t.Errorf("%d of 100 keys were promoted early", early)
	}
	if n := a.Stats().Waiting[traffic.DimIP]; n < 195 || n > 200 {
		t.Errorf("%d events waited", n)
	}
}

// However many goroutines fold: the same rows, evictions and counts, bit for bit.
func TestWorkersMakeNoDifference(t *testing.T) {
	const keys = 60_000
	var want []byte
	var wantStats window.Stats
	features := slices.DeleteFunc(traffic.Catalog(), func(f traffic.Feature) bool { return f.Dimension != traffic.DimIP })
	for _, workers := range []int{1, 2, 3, 8} {
		a := newAggregator(t, window.Config{Features: features, MaxKeys: 33_000, Promote: 2, Workers: workers, Idle: 10 * time.Minute})
		rng := rand.New(rand.NewPCG(91, 91))
		s := newStream(91)
		observations := s.take(100)
		for i := range 60_000 {
			o := observations[rng.IntN(len(observations))]
			o.Time = noon + int64(i)*25e6
			if i%100 == 0 {
				a.Tick(o.Time)
			}
			for d := range o.Keys {
				o.Keys[d] = 1 + uint64(rng.IntN(keys))
			}
			a.Add(o)
		}
		got := image(t, a, s.now)
		if workers == 1 {
			want, wantStats = got, a.Stats()
			if wantStats.Expired[traffic.DimIP] == 0 || wantStats.Waiting[traffic.DimIP] == 0 {
				t.Errorf("nothing was dropped or waited: %+v", wantStats)
			}
			continue
		}
		if string(got) != string(want) || a.Stats() != wantStats {
			t.Errorf("%d workers: other rows than one: %+v, %+v", workers, a.Stats(), wantStats)
		}
	}
}

// Events far ahead of the last Tick, and far behind others, are counted.
func TestWrongTimesAreCounted(t *testing.T) {
	a := newAggregator(t, window.Config{})
	add := func(at int64) { a.Add(&traffic.Observation{Time: at, Keys: traffic.Keys{traffic.DimIP: 1}}) }
	add(noon)
	a.Tick(noon)
	add(noon + int64(25*time.Hour))
	if last, _ := a.Row(traffic.DimIP, 1, make([]float32, 100)); last != noon {
		t.Errorf("an event of tomorrow was taken as of %d", last-noon)
	}
	add(noon - int64(30*time.Second))
	add(noon - int64(time.Hour))
	if s := a.Stats(); s.Ahead != 1 || s.Backward != 1 {
		t.Errorf("%d ahead and %d backward, want one of each", s.Ahead, s.Backward)
	}
}
