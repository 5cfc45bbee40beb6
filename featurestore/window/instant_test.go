package window_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// machine has a wall clock that is set now and then, and one that is not. True time begins at noon.
type machine struct {
	now  int64  // true time
	set  int64  // what the wall clock shows beyond that
	boot uint64 // where it changes, nothing tells how long the machine was off
}

func (m *machine) instant() window.Instant {
	return window.Instant{Wall: m.now + m.set, Boot: m.boot, Running: m.now - noon}
}

// step sets the wall clock by seconds to ten years, either way.
func (m *machine) step(rng *rand.Rand) {
	const years = 10 * 365 * 24 * time.Hour
	by := int64(math.Exp(rng.Float64()*math.Log(float64(years/time.Second))) * float64(time.Second))
	if rng.IntN(2) == 0 {
		by = -by
	}
	if m.set+by > -int64(years) && m.set+by < int64(years) {
		m.set += max(by, -int64(years))
	}
}

// beat is what a daemon does again and again: it looks at the clocks and publishes.
func (m *machine) beat(a *window.Aggregator) {
	i := m.instant()
	a.Clock(i)
	a.Tick(i.Wall)
}

func (m *machine) add(a *window.Aggregator, o traffic.Observation) {
	o.Time, o.OpenFrom, o.OpenTo = o.Time+m.set, o.OpenFrom+m.set, o.OpenTo+m.set
	a.Clock(m.instant())
	a.Add(&o)
}

// However and whenever the clock is set, by seconds to years, and with restarts in between: the
// features are those of an Aggregator whose clock was right throughout, bit for bit, as soon as the
// step was seen. But for the hours of the day, which are the clock's.
func TestClockStepsChangeNoFeature(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	for number := range uint64(20) {
		rng := rand.New(rand.NewPCG(number, 51))
		config := window.Config{Idle: 40 * time.Minute, MaxKeys: 1000}
		stepped, right, s := newAggregator(t, config), newAggregator(t, config), newStream(52+number)
		m := &machine{now: noon, boot: 1}
		for range 600 {
			o := s.next()
			for m.now < s.now { // full minutes come by
				m.now = min(s.now, m.now+int64(10*time.Second))
				switch rng.IntN(60) {
				case 0:
					m.step(rng)
				case 1:
					stepped.Clock(m.instant())
					checkpoint(t, stepped, path)
					m.step(rng)
					stepped = restored(t, config, path)
				}
				m.beat(stepped)
				right.Tick(m.now)
			}
			m.add(stepped, *o)
			right.Add(o)
			compareClocks(t, m, stepped, right, o)
		}
		if a, b := stepped.Stats(), right.Stats(); a.Keys != b.Keys || a.Ahead != 0 || a.Backward != b.Backward {
			t.Errorf("%+v, without steps %+v", a, b)
		}
	}
}

// compareClocks compares the rows of an observation's keys.
func compareClocks(t *testing.T, m *machine, stepped, right *window.Aggregator, o *traffic.Observation) {
	t.Helper()
	got, want := make([]float32, 100), make([]float32, 100)
	for i, d := range right.Schema().Dimensions {
		dimension, _ := traffic.DimensionByName(d.Name)
		last, ok := stepped.Row(dimension, o.Keys[dimension], got)
		wantLast, wantOK := right.Row(dimension, o.Keys[dimension], want)
		if ok != wantOK || ok && last-m.set != wantLast {
			t.Fatalf("%s: last event at %d (%v), want %d (%v)", d.Name, last-m.set, ok, wantLast, wantOK)
		}
		for c, column := range right.Schema().Dimensions[i].Columns {
			if ok && column.Name != "hour_entropy" && !sameBits(got[c], want[c]) {
				t.Fatalf("%s/%s is %v, without steps %v", d.Name, column.Name, got[c], want[c])
			}
		}
	}
}

// Where the machine was booted, nothing tells how long it was off. Whatever its clock shows then,
// no count is negative or above the number of events, and with the right clock all that was wrong
// fades like anything else.
func TestClockStepsOverReboots(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	for number := range uint64(20) {
		rng := rand.New(rand.NewPCG(number, 61))
		stepped, right := newAggregator(t, window.Config{}), newAggregator(t, window.Config{})
		m := &machine{now: noon, boot: 1}
		events := 0
		second := func() {
			m.now += int64(time.Second)
			m.beat(stepped)
			right.Tick(m.now)
			o := traffic.Observation{Time: m.now, Keys: traffic.Keys{traffic.DimIP: 1}, Measures: [traffic.NumMeasures]float32{traffic.MeasureRequests: 1}}
			m.add(stepped, o)
			right.Add(&o)
			events++
		}
		for range 10 {
			for range 1 + rng.IntN(100) {
				second()
			}
			checkpoint(t, stepped, path)
			m.boot++
			m.step(rng)
			stepped = restored(t, window.Config{}, path)
			second()
			for name, v := range requestCounts(stepped) {
				if v < 0 || v > float32(events) || math.IsNaN(float64(v)) {
					t.Fatalf("%d: ip/%s is %v after %d events", number, name, v, events)
				}
			}
		}
		m.set = 0
		for range 20 * 60 {
			second()
		}
		got, want := requestCounts(stepped), requestCounts(right)
		for _, w := range []struct {
			name string
			tau  time.Duration
		}{{"requests_10s", 10 * time.Second}, {"requests_1m", time.Minute}, {"requests_10m", 10 * time.Minute}} {
			bound := float64(events)*math.Exp(-1200/w.tau.Seconds()) + 1e-3*float64(want[w.name])
			if diff := math.Abs(float64(got[w.name] - want[w.name])); diff > bound {
				t.Errorf("%d: ip/%s is %v after twenty minutes of right time, without steps %v: more than %v apart", number, w.name, got[w.name], want[w.name], bound)
			}
		}
	}
}

// requestCounts returns the requests of the one client in each window as of its last event.
func requestCounts(a *window.Aggregator) map[string]float32 {
	all, row := make(map[string]float32), make([]float32, 100)
	a.Row(traffic.DimIP, 1, row)
	for c, column := range a.Schema().Dimensions[0].Columns {
		switch column.Name {
		case "requests_10s", "requests_1m", "requests_10m", "requests_1h":
			all[column.Name] = row[c]
		}
	}
	return all
}

// Without a clock that nobody sets, time that goes back tells of a step all the same, also in a
// checkpoint.
func TestTimeBackAtTick(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	for _, ahead := range []time.Duration{time.Hour, 365 * 24 * time.Hour} {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprint(ahead, restart), func(t *testing.T) {
				a := newAggregator(t, window.Config{})
				add := func(at int64) {
					a.Tick(at)
					a.Add(&traffic.Observation{Time: at, Keys: traffic.Keys{traffic.DimIP: 1}, Measures: [traffic.NumMeasures]float32{traffic.MeasureRequests: 1}})
				}
				for i := range int64(5) {
					add(noon + int64(ahead) + i*1e9)
				}
				if restart {
					checkpoint(t, a, path)
					a = restored(t, window.Config{}, path)
				}
				for i := range int64(60) {
					add(noon + i*1e9)
				}
				if n := requestCounts(a)["requests_10s"]; n < 9.4 || n > 11.5 {
					t.Errorf("%v requests in ten seconds at one a second, want about 10.5", n)
				}
				last, _ := a.Row(traffic.DimIP, 1, make([]float32, 100))
				if last != noon+59e9 {
					t.Errorf("the last event was %v from now", time.Duration(last-noon-59e9))
				}
			})
		}
	}
}

// A clock that jumps ahead drops no key that was active, and one that is right again drops no
// other.
func TestStepsExpireNobody(t *testing.T) {
	a := newAggregator(t, window.Config{})
	m := &machine{now: noon, boot: 1}
	m.beat(a)
	m.add(a, traffic.Observation{Time: m.now, Keys: traffic.Keys{traffic.DimIP: 1}})
	for _, set := range []time.Duration{4 * time.Hour, 0, -87600 * time.Hour, 87600 * time.Hour, 0} {
		m.set = int64(set)
		for range 5 {
			m.now += int64(30 * time.Second)
			m.beat(a)
		}
		if s := a.Stats(); s.Keys[traffic.DimIP] != 1 || s.Expired[traffic.DimIP] != 0 {
			t.Fatalf("clock set to %v: %+v", set, s)
		}
	}
	m.now += int64(4 * time.Hour)
	m.beat(a)
	if s := a.Stats(); s.Expired[traffic.DimIP] != 1 {
		t.Errorf("after four hours: %+v", s)
	}
}

// Clock returns what the clock was set by, and leaves out what is less than a second.
func TestClockTellsSteps(t *testing.T) {
	a := newAggregator(t, window.Config{})
	m := &machine{now: noon, boot: 1}
	for _, c := range []struct{ set, want time.Duration }{
		{0, 0}, {time.Hour, time.Hour}, {time.Hour + 900*time.Millisecond, 0}, {time.Hour + 1100*time.Millisecond, 1100 * time.Millisecond},
		{time.Hour + 1100*time.Millisecond, 0}, {0, -time.Hour - 1100*time.Millisecond}, {time.Second, time.Second},
	} {
		m.now += 1e9
		m.set = int64(c.set)
		if got := a.Clock(m.instant()); got != c.want {
			t.Errorf("set to %v: a step of %v, want %v", c.set, got, c.want)
		}
	}
}

// What is published after a step bears times of the new clock, also rows that did not change.
func TestPublishAfterClockStep(t *testing.T) {
	a, table := newAggregator(t, window.Config{}), newMapTable()
	m := &machine{now: noon, boot: 1}
	feed := a.NewFeed(table)
	defer feed.Close()
	for _, set := range []time.Duration{0, time.Hour, -time.Hour, -time.Hour} {
		m.set, m.now = int64(set), m.now+1e9
		m.beat(a)
		m.add(a, traffic.Observation{Time: m.now, Keys: traffic.Keys{traffic.DimIP: 1 + uint64(m.now-noon)}})
		feed.Begin(m.now + m.set)
		if r := feed.Finish(); r.Err != nil {
			t.Fatal(r.Err)
		}
		table.sameAs(t, a)
		for _, r := range table.published {
			if age := m.now + m.set - r.stamp; age < 0 || age > 10e9 {
				t.Errorf("clock set to %v: a row of %v ago", set, time.Duration(age))
			}
		}
	}
}
