package featurestore_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/mmapsync"
)

// site holds a publisher, a store, and the model of what a reader must see.
type site struct {
	*testing.T
	rng       *rand.Rand
	path      string
	schema    featurestore.Schema
	options   featurestore.PublisherConfig
	publisher *featurestore.Publisher
	store     *featurestore.Store
	model     model // includes changes that are not published yet
	now       int64
}

func newSite(t *testing.T, seed uint64) *site {
	s := &site{T: t, rng: rand.New(rand.NewPCG(seed, 9)), path: filepath.Join(t.TempDir(), "features"), now: noon}
	s.schema = randomSchema(s.rng)
	s.options.Capacity = []int{2000}
	s.options.Writer.Grace = time.Millisecond
	s.reopen()
	s.store = openStore(t, s.path)
	s.reset()
	return s
}

func (s *site) reopen() {
	if s.publisher != nil {
		if err := s.publisher.Close(); err != nil {
			s.Fatal(err)
		}
	}
	var err error
	if s.publisher, err = featurestore.OpenPublisher(s.path, s.schema, s.options); err != nil {
		s.Fatal(err)
	}
	publisher := s.publisher
	s.Cleanup(func() { publisher.Close() })
}

func (s *site) reset() {
	s.publisher.Reset()
	s.model = make(model, len(s.schema.Dimensions))
	for d := range s.model {
		s.model[d] = make(map[uint64]modelRow)
	}
}

// change puts and deletes some keys of a thousand in each dimension.
func (s *site) change(count int) {
	for range count {
		d, key := s.rng.IntN(len(s.model)), hashKey(s.rng.Uint64N(1000))
		if s.rng.IntN(3) == 0 {
			s.publisher.Delete(d, key)
			delete(s.model[d], key)
			continue
		}
		row := randomRow(s.rng, len(s.schema.Dimensions[d].Columns))
		if err := s.publisher.Put(d, key, row.stamp, row.values); err != nil {
			s.Fatal(err)
		}
		s.model[d][key] = row
	}
}

// publish publishes and compares.
func (s *site) publish() {
	s.Helper()
	s.now += int64(time.Second)
	if err := s.publisher.Publish(s.now); err != nil {
		s.Fatal(err)
	}
	s.compare()
}

func (s *site) compare() {
	s.Helper()
	if err := s.store.View(func(table *featurestore.Table) error {
		s.model.compare(s.T, table)
		if table.Published != s.now {
			s.Errorf("published at %d, want %d", table.Published, s.now)
		}
		return table.Verify()
	}); err != nil {
		s.Fatal(err)
	}
}

// hold acquires the current publication until it is released: the publisher then needs a new file,
// twice.
func (s *site) hold() (release func()) {
	held, done, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.store.View(func(*featurestore.Table) error {
			close(held)
			<-done
			return nil
		})
	}()
	<-held
	return func() { close(done); <-ended }
}

// After any changes, and any events between them, readers see the rows that were put and not
// deleted.
func TestPublicationsAgainstMap(t *testing.T) {
	for seed := range uint64(6) {
		s := newSite(t, seed)
		for range 60 {
			switch s.rng.IntN(12) {
			case 0:
				s.reset()
			case 1:
				s.reopen()
				if !s.publisher.Stats().Adopted {
					s.reset() // nothing was published yet
				}
			case 2:
				release := s.hold()
				s.change(30)
				s.publish()
				s.change(30)
				s.publish()
				release()
			case 3:
				s.change(3000) // more than a quarter of the table
			}
			s.change(s.rng.IntN(40))
			s.publish()
		}
		if stats := s.publisher.Stats(); stats.Publications == 0 || stats.Changes == 0 {
			t.Errorf("%+v", stats)
		}
	}
}

// Only unpublished changes are lost with their publisher.
func TestPublisherContinuesATable(t *testing.T) {
	s := newSite(t, 20)
	s.change(500)
	s.publish()
	before := s.publisher.Stats()
	if before.Adopted || before.Rebuilt != 1 {
		t.Errorf("%+v", before)
	}
	if err := s.publisher.Put(0, 77, noon, make([]float32, len(s.schema.Dimensions[0].Columns))); err != nil {
		t.Fatal(err)
	}
	seed := s.publisher.Seed()
	s.reopen()
	if stats := s.publisher.Stats(); !stats.Adopted || s.publisher.Seed() != seed {
		t.Fatalf("%+v, seed %d after %d", stats, s.publisher.Seed(), seed)
	}
	s.compare() // readers still have the table
	s.change(10)
	s.publish()
	s.change(10)
	s.publish()
}

// Another capacity or schema makes another table. Readers keep the old one until then.
func TestOtherCapacityIsAnotherTable(t *testing.T) {
	s := newSite(t, 21)
	s.change(500)
	s.publish()
	s.options.Capacity = []int{3000}
	s.reopen()
	if stats := s.publisher.Stats(); stats.Adopted {
		t.Fatalf("%+v", stats)
	}
	s.compare()
	s.reset()
	s.change(500)
	s.publish()
	s.publish()
	for _, d := range s.publisher.Stats().Dimensions {
		if d.Capacity != 3000 {
			t.Errorf("%+v", d)
		}
	}
}

// A damaged table is not continued; its seed is kept, since keys elsewhere depend on it.
func TestDamagedTableIsNotContinued(t *testing.T) {
	s := newSite(t, 22)
	s.change(500)
	s.publish()
	seed := s.publisher.Seed()
	if err := s.publisher.Close(); err != nil {
		t.Fatal(err)
	}
	s.publisher = nil
	name := s.path + "_data_0" // of the first publication
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	// A row of the first dimension, after its buckets.
	at := int(b[128+24]) | int(b[128+25])<<8 | int(b[128+26])<<16
	b[at+12] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s.reopen()
	if stats := s.publisher.Stats(); stats.Adopted || s.publisher.Seed() != seed {
		t.Errorf("%+v, seed %d after %d", stats, s.publisher.Seed(), seed)
	}
	s.reset()
	s.change(10)
	s.publish()
}

// Changes that wait for a publication are bounded. Beyond the bound Put returns ErrRebuild, and the
// table is built anew.
func TestTooManyChanges(t *testing.T) {
	s := newSite(t, 23)
	s.change(500)
	s.publish()
	row := make([]float32, len(s.schema.Dimensions[0].Columns))
	var err error
	n := 0
	for ; err == nil && n < 1e6; n++ {
		err = s.publisher.Put(0, hashKey(uint64(n)), noon, row)
	}
	if !errors.Is(err, featurestore.ErrRebuild) || n < 2*2000 {
		t.Fatalf("after %d changes: %v", n, err)
	}
	s.publisher.Delete(0, 1)
	if err := s.publisher.Publish(s.now); !errors.Is(err, featurestore.ErrRebuild) {
		t.Fatal(err)
	}
	s.compare() // readers keep the last publication
	s.reset()
	s.change(100)
	s.publish()
	s.change(100)
	s.publish()
}

// When a file is truncated, the publisher continues with the rest of the table. If nothing is left,
// it returns ErrRebuild and starts a new one.
func TestFilesCutShort(t *testing.T) {
	s := newSite(t, 25)
	s.change(500)
	s.publish()
	for range 4 {
		for _, suffix := range []string{"_state", "_readers", "_data_0", "_data_1"} {
			if err := os.Truncate(s.path+suffix, 0); err != nil {
				t.Fatal(err)
			}
			s.change(50)
			s.now++
			if err := s.publisher.Publish(s.now); err != nil {
				t.Fatalf("%s: %v", suffix, err)
			}
			s.store = openStore(t, s.path)
			s.compare()
			for range 2 { // until both files hold a table again
				s.change(50)
				s.publish()
			}
		}
	}
	if stats := s.publisher.Stats(); stats.Rebuilt != 1 {
		t.Errorf("%d publications began with an empty table, want only the first", stats.Rebuilt)
	}
	for _, suffix := range []string{"_data_0", "_data_1"} {
		if err := os.Truncate(s.path+suffix, 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := s.publisher.Publish(s.now); !errors.Is(err, featurestore.ErrRebuild) {
			t.Fatal(err)
		}
	}
	s.reset()
	s.change(500)
	s.now++
	if err := s.publisher.Publish(s.now); err != nil {
		t.Fatal(err)
	}
	s.store = openStore(t, s.path)
	s.compare()
	s.change(50)
	s.publish()
}

// Truncating files while View reads them causes an error, not a crash.
func TestViewOfFilesCutShort(t *testing.T) {
	s := newSite(t, 26)
	s.change(500)
	s.publish()
	store := openStore(t, s.path)
	err := store.View(func(table *featurestore.Table) error {
		for _, suffix := range []string{"_data_0", "_data_1", "_readers"} {
			if err := os.Truncate(s.path+suffix, 0); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		return table.Verify()
	})
	var damaged *featurestore.FormatError
	if !errors.As(err, &damaged) || !strings.Contains(err.Error(), s.path) {
		t.Errorf("error %v: a *FormatError that names the path was expected", err)
	}
}

// The publication after a failed one contains the changes of both.
func TestChangesOutliveAFailure(t *testing.T) {
	s := newSite(t, 24)
	s.change(500)
	s.publish()
	s.publish()
	release := s.hold()
	s.change(50)
	s.publish()
	dir := filepath.Dir(s.path)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s.change(50)
		if err := s.publisher.Publish(s.now + 1); !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	s.publish()
	release()
	s.change(50)
	s.publish()
	s.publish()
}

// Evictions depend only on the content of a copy, so that both copies evict the same rows, and a
// publisher that continues the table does too.
func TestCopiesEvictAlike(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features")
	options := featurestore.PublisherConfig{Capacity: []int{300}}
	p, err := featurestore.OpenPublisher(path, oneColumn(), options)
	if err != nil {
		t.Fatal(err)
	}
	store := openStore(t, path)
	content := func(now int64) (keys []uint64) {
		if err := p.Publish(now); err != nil {
			t.Fatal(err)
		}
		if err := store.View(func(table *featurestore.Table) error {
			table.Each(0, func(key uint64, _ int64, _ []float32) { keys = append(keys, key) })
			return table.Verify()
		}); err != nil {
			t.Fatal(err)
		}
		return keys
	}
	for round := range uint64(10) {
		for n := range uint64(100) {
			if err := p.Put(0, hashKey(round*100+n), noon+int64(round), []float32{1}); err != nil {
				t.Fatal(err)
			}
		}
		first := content(noon)
		if second := content(noon); !slices.Equal(first, second) || len(first) != min(300, int(round+1)*100) {
			t.Fatalf("round %d: the copies have %d and %d keys, or others", round, len(first), len(second))
		}
		if round%3 == 2 {
			p.Close()
			if p, err = featurestore.OpenPublisher(path, oneColumn(), options); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Close() })
		}
	}
	if d := p.Stats().Dimensions[0]; d.Keys != 300 || d.Evicted != 700 {
		t.Errorf("%+v", d)
	}
}

// Stamps continue after their 32 bits are exhausted, in both copies.
func TestStampsOutliveTheirEpoch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features")
	p := openPublisher(t, path, oneColumn())
	store := openStore(t, path)
	const days = int64(24 * time.Hour)
	for day := int64(0); day < 1000; day += 10 {
		now := noon + day*days
		if err := p.Put(0, hashKey(uint64(day)), now, []float32{1}); err != nil {
			t.Fatal(err)
		}
		if err := p.Publish(now); err != nil {
			t.Fatal(err)
		}
		if err := store.View(func(table *featurestore.Table) error {
			for past := int64(0); past <= day; past += 10 {
				stamp, ok := table.Row(0, hashKey(uint64(past)), nil)
				if want := featurestore.Stamp(noon + past*days); !ok || stamp != want && (day-past < 20 || stamp < want || stamp > now-20*days) {
					t.Fatalf("day %d: the row of day %d is of day %d", day, past, (stamp-noon)/days)
				}
			}
			return table.Verify()
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPublishAllocatesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features")
	p := openPublisher(t, path, oneColumn())
	row, n := []float32{1}, uint64(0)
	tick := func() {
		for range 100 {
			n++
			if err := p.Put(0, hashKey(n%3000), noon, row); err != nil {
				t.Fatal(err)
			}
			p.Delete(0, hashKey(n%700))
		}
		if err := p.Publish(noon); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		tick()
	}
	if n := testing.AllocsPerRun(50, tick); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPublisherRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features")
	for _, capacity := range [][]int{{-1}, {1, 2, 3}, {math.MaxInt, 1}} {
		if _, err := featurestore.OpenPublisher(path, smallSchema(), featurestore.PublisherConfig{Capacity: capacity}); err == nil {
			t.Errorf("capacity %v is not refused", capacity)
		}
	}
	p := openPublisher(t, path, smallSchema())
	for name, err := range map[string]error{
		"key 0":             p.Put(0, 0, noon, []float32{1, 2}),
		"too few values":    p.Put(0, 1, noon, []float32{1}),
		"no such dimension": p.Put(2, 1, noon, []float32{1}),
	} {
		if err == nil || errors.Is(err, featurestore.ErrRebuild) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p.Delete(0, 0)
	p.Delete(-1, 1)
	p.Delete(2, 1)
	if err := p.Publish(noon); err != nil || p.Stats().Changes != 0 {
		t.Errorf("%v, %+v", err, p.Stats())
	}
	p.Close()
	if err := p.Publish(noon); !errors.Is(err, mmapsync.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
