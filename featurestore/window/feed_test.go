package window_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// mapTable is a table of maps: what a Publisher's readers would have. Its publications can be held
// up and fail.
type mapTable struct {
	mutex     sync.Mutex
	rows      map[tableKey]tableRow
	published map[tableKey]tableRow
	now       int64
	resets    int
	gate      chan struct{} // where not nil, a publication waits for it
	failPut   error         // the next one
	failRound error         // the next publication
}

type tableKey struct {
	dimension int
	key       uint64
}

type tableRow struct {
	stamp int64
	row   []float32
}

func newMapTable() *mapTable { return &mapTable{rows: make(map[tableKey]tableRow)} }

func (m *mapTable) Put(dimension int, key uint64, stamp int64, row []float32) error {
	m.rows[tableKey{dimension, key}] = tableRow{stamp, slices.Clone(row)}
	return m.take(&m.failPut)
}

func (m *mapTable) take(at *error) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	err := *at
	*at = nil
	return err
}

func (m *mapTable) Delete(dimension int, key uint64) { delete(m.rows, tableKey{dimension, key}) }

func (m *mapTable) Reset() {
	m.resets++
	clear(m.rows)
}

func (m *mapTable) Publish(now int64) error {
	if m.gate != nil {
		<-m.gate
	}
	if err := m.take(&m.failRound); err != nil {
		return err
	}
	m.published, m.now = make(map[tableKey]tableRow, len(m.rows)), now
	for k, r := range m.rows {
		m.published[k] = r
	}
	return nil
}

// sameAs compares what is published with every row that the Aggregator has.
func (m *mapTable) sameAs(t *testing.T, a *window.Aggregator) {
	t.Helper()
	keys := 0
	row := make([]float32, 100)
	for k, r := range m.published {
		d, _ := traffic.DimensionByName(a.Schema().Dimensions[k.dimension].Name)
		last, ok := a.Row(d, k.key, row)
		if !ok || last != r.stamp || !sameValues(row[:len(r.row)], r.row) {
			t.Fatalf("%v %#x: %v %d, published at %d", d, k.key, ok, last, r.stamp)
		}
	}
	for _, n := range a.Stats().Keys {
		keys += n
	}
	if keys != len(m.published) {
		t.Fatalf("%d rows are published, %d keys are kept", len(m.published), keys)
	}
}

// What is published is what is kept, while keys come, change, are evicted, dropped and come back,
// by the rows that changed and no others.
func TestPublishWhatChanged(t *testing.T) {
	for number, config := range []window.Config{{}, {MaxKeys: 6, Promote: 1, Idle: 5 * time.Minute}, {MaxKeys: 40_000, Promote: 2, Workers: 3}} {
		a, s, m := newAggregator(t, config), newStream(uint64(50+number)), newMapTable()
		for range 200 {
			changed := make(map[tableKey]bool)
			for _, o := range s.take(s.rng.IntN(30)) {
				a.Tick(o.Time)
				a.Add(o)
				for d, key := range o.Keys {
					changed[tableKey{d, key}] = true
				}
			}
			before := m.published
			if err := a.Publish(m, s.now); err != nil {
				t.Fatal(err)
			}
			m.sameAs(t, a)
			for k, r := range m.published {
				if old, ok := before[k]; ok && !changed[k] && &old.row[0] != &r.row[0] {
					t.Fatalf("%+v was put and had not changed", k)
				}
			}
		}
		if m.resets != 1 {
			t.Errorf("the table was built %d times", m.resets)
		}
	}
}

// The same beside the aggregation: rows are folded while they are copied and published, and at last
// all is there.
func TestFeed(t *testing.T) {
	for number, config := range []window.Config{{}, {MaxKeys: 6, Promote: 1, Idle: 5 * time.Minute}, {MaxKeys: 40_000, Promote: 2, Workers: 2}} {
		a, s, m := newAggregator(t, config), newStream(uint64(60+number)), newMapTable()
		f := a.NewFeed(m)
		done := 0
		// Longer than 3000 events where the feed's goroutine had to wait for a processor.
		for i, end := 0, time.Now().Add(time.Minute); i < 3000 || done < 2 && time.Now().Before(end); i++ {
			o := s.next()
			a.Tick(o.Time)
			a.Add(o)
			if i%7 == 0 && !f.Running() {
				f.Begin(s.now)
			}
			if r, ok := f.Step(); ok && r.Err == nil {
				done++
			}
		}
		f.Finish()
		f.Begin(s.now)
		if r := f.Finish(); r.Err != nil || r.Now != s.now || m.now != s.now {
			t.Fatalf("%+v", r)
		}
		m.sameAs(t, a)
		if done < 2 || m.resets != 1 || f.Stats().Rebuilt != 1 {
			t.Errorf("%d publications, %d resets: %+v", done, m.resets, f.Stats())
		}
		f.Close()
	}
}

// While a publication hangs, beats are left out and counted, and nothing waits.
func TestFeedSkipsBeats(t *testing.T) {
	a, s, m := newAggregator(t, window.Config{}), newStream(70), newMapTable()
	m.gate = make(chan struct{})
	f := a.NewFeed(m)
	defer f.Close()
	for beat := range 10 {
		for _, o := range s.take(50) {
			a.Add(o)
		}
		if began := f.Begin(s.now); began != (beat == 0) {
			t.Fatalf("beat %d began: %v", beat, began)
		}
		if _, done := f.Step(); done {
			t.Fatal("a publication that hangs is done")
		}
	}
	if n := f.Stats().Skipped; n != 9 {
		t.Errorf("%d beats left out, want 9", n)
	}
	close(m.gate)
	f.Finish()
	f.Begin(s.now)
	f.Finish()
	m.sameAs(t, a)
}

// After an error that left the table whole the next publication goes on; after any other it begins
// anew. Either way nothing is missing.
func TestFeedAfterErrors(t *testing.T) {
	other := errors.New("no space left on device")
	for name, c := range map[string]struct {
		put, round error
		resets     int
	}{
		"a publication fails":      {round: other, resets: 1},
		"the table is lost":        {round: featurestore.ErrRebuild, resets: 2},
		"a row is refused":         {put: other, resets: 2},
		"too much changed to keep": {put: featurestore.ErrRebuild, resets: 2},
	} {
		a, s, m := newAggregator(t, window.Config{}), newStream(80), newMapTable()
		f := a.NewFeed(m)
		publish := func() error {
			for _, o := range s.take(50) {
				a.Add(o)
			}
			f.Begin(s.now)
			return f.Finish().Err
		}
		if err := publish(); err != nil {
			t.Fatal(err)
		}
		m.failPut, m.failRound = c.put, c.round
		if err := publish(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if err := publish(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		m.sameAs(t, a)
		if m.resets != c.resets {
			t.Errorf("%s: built %d times, want %d", name, m.resets, c.resets)
		}
		f.Close()
	}
}

// An Aggregator without a key publishes an empty table.
func TestFeedOfNothing(t *testing.T) {
	a, m := newAggregator(t, window.Config{}), newMapTable()
	f := a.NewFeed(m)
	defer f.Close()
	if _, done := f.Step(); done || f.Finish() != (window.FeedResult{}) {
		t.Error("something was done without Begin")
	}
	for range 2 {
		f.Begin(noon)
		if r := f.Finish(); r.Err != nil || m.published == nil || len(m.published) != 0 || m.resets != 1 {
			t.Errorf("%+v: %v, %d resets", r, m.published, m.resets)
		}
	}
}
