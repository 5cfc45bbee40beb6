package pipeline_test

import (
	"io"
	"math"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/app/simulated"
	"github.com/headgate/headgate/internal/app/simulator"
	"github.com/headgate/headgate/mmapsync"
)

// live does what daemon and request path do, in virtual time: every second it folds all requests
// that have ended, drops idle keys and publishes the table to files; a request reads these files.
type live struct {
	t          *testing.T
	aggregator *window.Aggregator
	publisher  *featurestore.Publisher
	selection  *featurestore.Selection
	names      []string // of the selection
	waiting    []*traffic.Event
	open       []*traffic.Event // requests of at least a second, in the order in which they came
	next       int64            // time of the next publication
}

// replaySeed is the seed of offline keys. A daemon draws a random one; here it takes over a table
// with this seed.
const replaySeed = 1

func newLive(t *testing.T, config window.Config) *live {
	t.Helper()
	aggregator, err := window.New(config)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "features")
	publishEmpty(t, path, aggregator.Schema())
	l := &live{t: t, aggregator: aggregator}
	if l.publisher, err = featurestore.OpenPublisher(path, aggregator.Schema(),
		featurestore.PublisherConfig{Capacity: aggregator.Capacity()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.publisher.Close() })
	if l.publisher.Seed() != replaySeed {
		t.Fatalf("the publisher took the seed %d, want %d", l.publisher.Seed(), replaySeed)
	}
	store, err := featurestore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	var dimensions []string
	for d := range traffic.NumDimensions {
		dimensions = append(dimensions, d.String())
	}
	for _, f := range traffic.Catalog() {
		l.names = append(l.names, f.FullName())
	}
	l.selection = store.Select(dimensions, l.names)
	return l
}

func publishEmpty(t *testing.T, path string, schema featurestore.Schema) {
	t.Helper()
	b, err := featurestore.NewBuilder(schema, replaySeed)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Begin(0, make([]int, len(schema.Dimensions))); err != nil {
		t.Fatal(err)
	}
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Publish(b.Image()); err != nil {
		t.Fatal(err)
	}
}

func ends(ev *traffic.Event) int64 { return ev.Time + int64(ev.Duration) }

// advance makes all publications up to now.
func (l *live) advance(now int64) {
	const second = int64(time.Second)
	if l.next == 0 {
		l.next = now - now%second
	}
	for ; l.next <= now; l.next += second {
		l.fold()
		l.aggregator.Tick(l.next)
		if err := l.aggregator.Publish(l.publisher, l.next); err != nil {
			l.t.Fatal(err)
		}
	}
}

// fold folds the requests that ended before the publication, in the order of their ends.
func (l *live) fold() {
	slices.SortStableFunc(l.waiting, func(a, b *traffic.Event) int { return int(min(max(ends(a)-ends(b), -1), 1)) })
	for len(l.waiting) > 0 && ends(l.waiting[0]) < l.next {
		var o traffic.Observation
		traffic.Observe(l.waiting[0], replaySeed, &o)
		l.aggregator.Add(&o)
		l.waiting = l.waiting[1:]
	}
	l.report()
}

// report reports open requests as a proxy does.
func (l *live) report() {
	l.open = slices.DeleteFunc(l.open, func(ev *traffic.Event) bool { return ends(ev) < l.next })
	for _, ev := range l.open {
		if l.next-ev.Time < int64(traffic.OpenAfter) {
			continue
		}
		report := *ev
		report.Open, report.Duration = true, uint64(l.next-ev.Time)
		var o traffic.Observation
		traffic.Observe(&report, replaySeed, &o)
		l.aggregator.Add(&o)
		ev.Reported = report.Duration
	}
}

// row returns the row that the request path sees.
func (l *live) row(ev *traffic.Event) []float32 {
	l.advance(ev.Time)
	var request [traffic.NumRequestFeatures]float32
	traffic.RequestFeatures(ev, &request)
	inter := make([]float32, len(l.names))
	keys := traffic.NewKeys(ev, replaySeed)
	if _, err := l.selection.Read(inter, keys[:], ev.Time); err != nil {
		l.t.Fatal(err)
	}
	waits := *ev
	l.waiting = append(l.waiting, &waits)
	if ev.Duration >= uint64(traffic.OpenAfter) {
		l.open = append(l.open, &waits)
	}
	return append(request[:], inter...)
}

// compare passes the same requests to both and expects the same bits.
func compare(t *testing.T, config window.Config, next func() (traffic.Event, bool)) (rows, known int) {
	t.Helper()
	p := newPipeline(t, pipeline.Config{Window: config})
	l := newLive(t, config)
	for {
		ev, ok := next()
		if !ok {
			return rows, known
		}
		want := l.row(&ev)
		got := p.Score(&ev).Features
		if len(got) != len(want) {
			t.Fatalf("%d features, want %d", len(got), len(want))
		}
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("request %d at %v: %s is %v, live it was %v", rows, ev.At().UTC(), p.Features()[i], got[i], want[i])
			}
			if want[i] == want[i] {
				known++
			}
		}
		rows++
	}
}

// A replay returns the rows, bit for bit, that the daemon would have served at those instants.
func TestRowsAreTheLiveOnes(t *testing.T) {
	source := simulated.NewSource(simulator.Config{Seed: 3, Rate: 120}, 40*time.Second)
	rows, known := compare(t, window.Config{}, func() (traffic.Event, bool) {
		var r pipeline.Record
		err := source.Next(&r)
		return r.Event, err != io.EOF
	})
	if rows < 3000 || known < 80*rows {
		t.Errorf("%d requests with %d known features: too few to tell", rows, known)
	}
}

// The same if keys are evicted and expire, requests last for minutes, and hours pass without any.
func TestRowsAreTheLiveOnesUnderPressure(t *testing.T) {
	for seed := range uint64(4) {
		t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
			left := 800
			rows, _ := compare(t, window.Config{MaxKeys: 12, Idle: 2 * time.Minute}, func() (traffic.Event, bool) {
				left--
				now += pause(rng)
				return randomEvent(rng, now), left >= 0
			})
			if rows != 800 {
				t.Errorf("%d requests, want 800", rows)
			}
		})
	}
}

// pause returns mostly a moment or less, and sometimes longer than a key lives.
func pause(rng *rand.Rand) int64 {
	switch rng.IntN(60) {
	case 0:
		return rng.Int64N(int64(10 * time.Minute))
	case 1, 2, 3:
		return rng.Int64N(int64(20*time.Second)) / int64(time.Second) * int64(time.Second)
	case 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14:
		return 0
	}
	return rng.Int64N(int64(500 * time.Millisecond))
}

func randomEvent(rng *rand.Rand, now int64) traffic.Event {
	pick := func(s ...string) string { return s[rng.IntN(len(s))] }
	ev := traffic.Event{
		Time: now, Method: pick("GET", "GET", "POST", "HEAD", ""), Host: pick("", "a.test", "b.test"),
		Status: uint16(200 + 100*rng.IntN(4) + 4*rng.IntN(2)), Bytes: uint64(rng.IntN(1 << 16)), Facts: traffic.Facts(rng.IntN(1 << 9)),
		Session: uint64(rng.IntN(3)), JA4: pick("", "t13d1516h2_8daaf6152771_b186095e22b6"), Version: 11,
	}
	if rng.IntN(20) > 0 {
		ev.SetClient(netip.AddrFrom4([4]byte{192, 0, byte(rng.IntN(2)), byte(rng.IntN(10))}))
	}
	ev.SetPath("/" + pick("", "a.css", "b.php", "robots.txt", "api/x", strconv.Itoa(rng.IntN(40))))
	if rng.IntN(2) == 0 {
		traffic.Sums{}.SetLink(&ev, "/"+pick("", "a.css", "b.php", strconv.Itoa(rng.IntN(40))))
	}
	if rng.IntN(10) == 0 {
		ev.Action = uint8(rng.IntN(5))
	}
	ev.SetUserAgent(pick("", "curl/8.5.0", "Mozilla/5.0 (X11) Gecko/1", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/"+strconv.Itoa(120+rng.IntN(9))+".0"))
	switch rng.IntN(5) {
	case 0:
		ev.Duration = uint64(rng.Int64N(int64(5 * time.Minute)))
	case 1:
		ev.Duration = uint64(rng.IntN(3)) * 1e9
	}
	return ev
}
