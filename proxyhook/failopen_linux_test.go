package proxyhook_test

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/mmapsync"
	"github.com/headgate/headgate/proxyhook"
)

// Whatever is missing, stale or damaged costs one counter, and the request is allowed with the
// score that is left: that of a client about whom nothing is known.

var unknownClient = proxyhook.Decision{Action: proxyhook.Allow, Score: modelScore[0], Reason: proxyhook.Scored}

func expectUnknown(t *testing.T, what string, f *proxyhook.Filter) {
	t.Helper()
	before := f.Stats().NoFeatures
	if d := decide(f); d != unknownClient {
		t.Errorf("%s: %+v", what, d)
	}
	if n := f.Stats().NoFeatures - before; n != 1 {
		t.Errorf("%s: counted %d times as without features", what, n)
	}
}

// awaitKnown waits until the supervisor has found features by which client 1 is a bot.
func awaitKnown(t *testing.T, f *proxyhook.Filter) {
	t.Helper()
	await(t, "the features", func() bool { return decide(f).Score == knownBot })
}

func TestNoDirectory(t *testing.T) {
	f := newFilter(t, proxyhook.Config{Dir: filepath.Join(t.TempDir(), "not", "there")})
	expectUnknown(t, "no directory", f)
	ev := visit(1, 0)
	a, ok := f.Admit(&ev, "origin", new(limits.TicketState))
	if !ok {
		t.Error("refused")
	}
	f.Done(&ev, a.Ticket)
	if s := f.Stats(); s.Dropped != 1 || s.Events != 0 || s.InFlight != 0 || s.Decisions != 1 {
		t.Errorf("%+v", s)
	}
}

func TestDirectoryAppearsLater(t *testing.T) {
	h := newHost(t)
	h.dir = hostdir.Dir(filepath.Join(string(h.dir), "later"))
	f := h.filter(proxyhook.Config{})
	expectUnknown(t, "before", f)
	must(t, os.Mkdir(string(h.dir), 0o750))
	h.publish(time.Now(), visits(10, time.Now())...)
	awaitKnown(t, f)

	must(t, os.Mkdir(h.dir.Events(), 0o770))
	ev := visit(1, 0)
	await(t, "the event ring", func() bool { f.Done(&ev, limits.Ticket{}); return f.Stats().Events == 1 })
}

// The files are there, and nothing was published yet.
func TestNothingPublishedYet(t *testing.T) {
	h := newHost(t)
	w, err := mmapsync.OpenWriter(h.dir.Features(), mmapsync.WriterOptions{})
	must(t, err)
	must(t, w.Close())
	f := h.filter(proxyhook.Config{})
	expectUnknown(t, "nothing published", f)
	h.publish(time.Now(), visits(10, time.Now())...)
	awaitKnown(t, f)
}

// A daemon and a proxy of different releases: names that the other does not know.
func TestUnknownFeatures(t *testing.T) {
	h := newHost(t)
	f := h.filter(proxyhook.Config{ModelFile: writeModel(t, `{"features_info":{"float_features":[
		{"flat_feature_index":0,"feature_id":"request/of_the_future","borders":[0]},
		{"flat_feature_index":1,"feature_id":"ip/of_the_future","borders":[0]},
		{"flat_feature_index":2,"feature_id":"ip/requests_1m","borders":[5.5]},
		{"flat_feature_index":3,"feature_id":"orbit/requests_1m","borders":[0]}]},
		"oblivious_trees":[{"leaf_values":[0,5],"splits":[{"split_index":0}]},{"leaf_values":[0,5],"splits":[{"split_index":1}]},
		{"leaf_values":[0,20],"splits":[{"split_index":2}]},{"leaf_values":[0,5],"splits":[{"split_index":3}]}],
		"scale_and_bias":[1,[-2.2]]}`)})
	h.publish(time.Now(), visits(10, time.Now())...)
	awaitKnown(t, f)
	want := []string{"request/of_the_future", "ip/of_the_future", "orbit/requests_1m"}
	if got := f.Stats().Unknown; !slices.Equal(got, want) {
		t.Errorf("unknown are %v, expected %v", got, want)
	}

	// The next daemon computes something else altogether.
	schema := featurestore.Schema{Dimensions: []featurestore.Dimension{{Name: "ip", Columns: []featurestore.Column{{Name: "of_the_future"}}}}}
	h.stopPublisher()
	p, err := featurestore.OpenPublisher(h.dir.Features(), schema, featurestore.PublisherConfig{Capacity: []int{1}})
	must(t, err)
	defer p.Close()
	ev := visit(1, 0)
	must(t, p.Put(0, traffic.NewKeys(&ev, p.Seed())[traffic.DimIP], time.Now().UnixNano(), []float32{1}))
	must(t, p.Publish(time.Now().UnixNano()))
	if d := decide(f); d.Score >= modelScore[0] || d.Score == knownBot || d.Reason != proxyhook.Scored {
		t.Errorf("%+v", d)
	}
	want = []string{"request/of_the_future", "ip/requests_1m", "orbit/requests_1m"}
	if got := f.Stats(); !slices.Equal(got.Unknown, want) || got.Faults != 0 {
		t.Errorf("unknown are %v, expected %v; %+v", got.Unknown, want, got)
	}
}

func TestDamagedTable(t *testing.T) {
	h := newHost(t)
	noise := make([]byte, 100_000)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(noise)
	publishNoise := func() {
		h.stopPublisher()
		w, err := mmapsync.OpenWriter(h.dir.Features(), mmapsync.WriterOptions{Slots: 4})
		must(t, err)
		_, err = w.Publish(noise)
		must(t, err)
		must(t, w.Close())
	}
	publishNoise()
	var told syncBuffer
	f := h.filter(proxyhook.Config{Log: slog.New(slog.NewTextHandler(&told, nil))})
	expectUnknown(t, "damaged from the start", f)
	for range 10 { // more than there are readers' slots: each attempt returns its own
		proxyhook.Maintain(f)
	}
	if n := strings.Count(told.String(), "the features were unreadable"); n != 1 {
		t.Errorf("told %d times: %s", n, told.String())
	}
	h.publish(time.Now(), visits(10, time.Now())...)
	awaitKnown(t, f)
	publishNoise()
	expectUnknown(t, "damaged while in use", f)
	h.publish(time.Now())
	awaitKnown(t, f)
	if s := f.Stats(); s.Faults != 0 || s.Reasons[proxyhook.Scored] != s.Decisions {
		t.Errorf("%+v", s)
	}
}

// A table whose bytes are wrong here and there, and whose hash is right all the same, as an
// attacker would make it.
func TestHostileTables(t *testing.T) {
	h := newHost(t)
	h.publish(time.Now(), visits(10, time.Now())...)
	b, err := featurestore.NewBuilder(h.aggregator.Schema(), h.publisher.Seed())
	must(t, err)
	must(t, h.aggregator.Build(b, time.Now().UnixNano()))
	good := b.Image()
	h.stopPublisher()
	w, err := mmapsync.OpenWriter(h.dir.Features(), mmapsync.WriterOptions{})
	must(t, err)
	defer w.Close()
	f := h.filter(proxyhook.Config{})
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		image := slices.Clone(good)
		for range 1 + random.IntN(4) {
			at := random.IntN(len(image))
			if random.IntN(2) == 0 {
				at = random.IntN(512) // header and directory
			}
			image[at] ^= byte(1 + random.IntN(255))
		}
		_, err := w.Publish(image[:len(image)-random.IntN(2)*random.IntN(len(image))])
		must(t, err)
		if d := decide(f); d.Reason != proxyhook.Scored || d.Score == 0 {
			t.Fatalf("%+v", d)
		}
	}
	if s := f.Stats(); s.Faults != 0 || s.NoFeatures == 0 {
		t.Errorf("%+v", s)
	}
}

func TestStaleTable(t *testing.T) {
	h := newHost(t)
	now := time.Now()
	h.publish(now, visits(10, now)...)
	f := h.filter(proxyhook.Config{StaleAfter: time.Second})
	for _, c := range []struct {
		age   time.Duration
		stale uint64
	}{{0, 0}, {time.Second, 0}, {time.Second + 1, 1}, {-time.Hour, 0}, {30 * 24 * time.Hour, 1}} {
		before := f.Stats()
		ev := visit(1, 0)
		ev.Time = now.Add(c.age).UnixNano()
		f.Decide(&ev)
		if s := f.Stats(); s.Stale-before.Stale != c.stale || s.NoFeatures != 0 {
			t.Errorf("age %v: counted as stale %d times, expected %d", c.age, s.Stale-before.Stale, c.stale)
		}
	}
	late := visit(1, 0)
	late.Time = now.Add(2 * time.Second).UnixNano()
	if d := f.Decide(&late); d.Score != knownBot {
		t.Errorf("stale features are not used: %+v", d)
	}
	late.Time = now.Add(time.Hour).UnixNano()
	if d := f.Decide(&late); d.Score != modelScore[0] {
		t.Errorf("features of an hour ago have not faded: %+v", d)
	}
}

// The ends of what a time can be.
func TestAbsurdTimes(t *testing.T) {
	h := newHost(t)
	h.publish(time.Now(), visits(10, time.Now())...)
	f := h.filter(proxyhook.Config{})
	for _, at := range []int64{-1 << 63, -1, 1, 1<<63 - 1} {
		ev := visit(1, 0)
		ev.Time = at
		d := f.Decide(&ev)
		f.Done(&ev, limits.Ticket{})
		if d.Reason != proxyhook.Scored || d.Action == proxyhook.Deny || ev.Time != at {
			t.Errorf("at %d: %+v, %+v", at, d, ev)
		}
	}
	var ev traffic.Event
	f.Done(&ev, limits.Ticket{})
	if age := time.Since(ev.At()); age < 0 || age > time.Minute || ev.Duration != 0 {
		t.Errorf("an event that nobody decided on is of %v, duration %d", ev.At(), ev.Duration)
	}
	if n := len(h.events()); n != 5 {
		t.Errorf("%d events", n)
	}
}

// What is mapped is read on while the files are gone, which is said once, and until another
// daemon's can be read.
func TestFeatureFilesAreRemoved(t *testing.T) {
	h := newHost(t)
	h.publish(time.Now(), visits(10, time.Now())...)
	var told syncBuffer
	f := h.filter(proxyhook.Config{Log: slog.New(slog.NewTextHandler(&told, nil))})
	awaitKnown(t, f)
	h.removeFeatures()
	await(t, "a word on the loss", func() bool { return strings.Contains(told.String(), "stay in use") })
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
		if d := decide(f); d.Score != knownBot {
			t.Fatalf("%+v while the files are gone", d)
		}
	}
	if n := strings.Count(told.String(), "stay in use"); n != 1 {
		t.Errorf("said %d times:\n%s", n, told.String())
	}
	found := strings.Count(told.String(), "features found")
	h.publish(time.Now(), visits(10, time.Now())...)
	await(t, "the new files", func() bool { return strings.Count(told.String(), "features found") > found })
	awaitKnown(t, f)
	if s := f.Stats(); s.NoFeatures != 0 || s.Faults != 0 {
		t.Errorf("%+v", s)
	}
}

// removeFeatures is what a tidy operator, or a tmp cleaner, does. The next publisher hashes keys
// with another seed, so what was aggregated is lost as well.
func (h *host) removeFeatures() {
	h.t.Helper()
	h.stopPublisher()
	var err error
	h.aggregator, err = window.New(window.Config{MaxKeys: maxKeys})
	must(h.t, err)
	files, err := filepath.Glob(h.dir.Features() + "_*")
	must(h.t, err)
	if len(files) != 4 {
		h.t.Fatalf("%v", files)
	}
	for _, file := range files {
		must(h.t, os.Remove(file))
	}
}

func TestRingIsRemoved(t *testing.T) {
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	first := f.Ring()
	must(t, os.Remove(first.Path()))
	await(t, "another ring", func() bool { p := f.Ring(); return p != nil && p != first })
	ev := visit(1, 0)
	f.Done(&ev, limits.Ticket{})
	if events := h.events(); len(events) != 1 || f.Stats().Events != 1 {
		t.Errorf("%d events; %+v", len(events), f.Stats())
	}
	if _, ok := first.Claim(); ok {
		t.Error("the removed ring is still written to")
	}
}

// A daemon that is dead or slow costs events, never time.
func TestRingIsFull(t *testing.T) {
	const n = 5000
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	for range n {
		ev := visit(1, 0)
		f.Done(&ev, limits.Ticket{})
	}
	s := f.Stats()
	if events := h.events(); s.Events+s.Dropped != n || s.Dropped == 0 || uint64(len(events)) != s.Events {
		t.Errorf("%d events; %+v", len(events), s)
	}
	ev := visit(1, 0)
	f.Done(&ev, limits.Ticket{})
	if events := h.events(); len(events) != 1 {
		t.Errorf("%d events after the daemon is back", len(events))
	}
}

// The largest event there is has a place in the ring, also where a caller has filled in more than
// that.
func TestLargestEvent(t *testing.T) {
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	long := strings.Repeat("x", 10_000)
	ev := traffic.Event{Time: 1<<63 - 1, Method: long, Host: long, Path: long, UserAgent: long, JA4: long, Origin: long,
		Query: 1<<16 - 1, Link: 1<<16 - 1, Facts: 1<<32 - 1, Headers: 1<<8 - 1, Version: 255, Session: 1<<64 - 1, Status: 1<<16 - 1, Bytes: 1<<64 - 1,
		Duration: 1<<64 - 1, Score: 99, Action: 4, Refused: true}
	for i := range ev.Client {
		ev.Client[i] = 255
	}
	f.Done(&ev, limits.Ticket{})
	if events := h.events(); len(events) != 1 || events[0] != ev || f.Stats().Dropped != 0 {
		t.Errorf("%+v, expected %+v; %+v", events, ev, f.Stats())
	}
}

// syncBuffer is where a logger writes to.
type syncBuffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.String()
}

// Lasting trouble is logged once, though each attempt names another file.
func TestTroubleIsToldOnce(t *testing.T) {
	dir := hostdir.Dir(t.TempDir())
	must(t, os.WriteFile(dir.Events(), nil, 0o600)) // no directory
	var told syncBuffer
	f := newFilter(t, proxyhook.Config{Dir: string(dir), Log: slog.New(slog.NewTextHandler(&told, nil))})
	for range 5 {
		proxyhook.Maintain(f)
	}
	if n := strings.Count(told.String(), "no ring could be made"); n != 1 {
		t.Errorf("told %d times: %s", n, told.String())
	}
}

// A fault met in what has been replaced meanwhile says nothing about what has replaced it.
func TestLateFault(t *testing.T) {
	h := newHost(t)
	h.publish(time.Now(), visits(10, time.Now())...)
	f := h.filter(proxyhook.Config{})
	old, oldRing := f.Connection(), f.Ring()
	f.DistrustFeatures(old)
	f.DistrustRing(oldRing)
	proxyhook.Maintain(f)
	connection, ring := f.Connection(), f.Ring()
	f.DistrustFeatures(old)
	f.DistrustRing(oldRing)
	if f.Connection() != connection || f.Ring() != ring || connection == old || ring == nil || ring == oldRing {
		t.Error("a late fault has cost the new files")
	}
	if d := decide(f); d.Score != knownBot {
		t.Errorf("%+v", d)
	}
}

func TestConfigurationErrors(t *testing.T) {
	for what, config := range map[string]proxyhook.Config{
		"no model":      {ModelFile: filepath.Join(t.TempDir(), "none")},
		"bad model":     {ModelFile: writeModel(t, "{}")},
		"bad limiter":   {Limits: limits.LimiterConfig{ExactKeys: -1}},
		"bad overrides": {Limits: limits.LimiterConfig{RetryAfter: -1}},
	} {
		config.Dir = t.TempDir()
		if f, err := proxyhook.New(config); err == nil {
			f.Close()
			t.Errorf("%s: taken", what)
		} else if !strings.HasPrefix(err.Error(), "proxyhook: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestClose(t *testing.T) {
	h := newHost(t)
	h.publish(time.Now(), visits(10, time.Now())...)
	f := h.filter(limited(10))
	ev := visit(1, 0)
	f.Decide(&ev)
	a, ok := f.Admit(&ev, "origin", new(limits.TicketState))
	if !ok || f.Close() != nil || f.Close() != nil {
		t.Error("not admitted, or not closed")
	}
	f.Done(&ev, a.Ticket)
	expectUnknown(t, "after Close", f)
	if s := f.Stats(); s.InFlight != 0 || s.Dropped != 1 || s.Faults != 0 {
		t.Errorf("%+v", s)
	}
}

// A filter may be closed while requests are in it: they are allowed, with features or without.
func TestCloseUnderLoad(t *testing.T) {
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	var deciders sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		deciders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if d := decide(f); d.Reason != proxyhook.Scored {
					t.Errorf("decided %+v", d)
					return
				}
			}
		})
	}
	more := func() {
		before := f.Stats().Decisions
		await(t, "decisions", func() bool { return f.Stats().Decisions > before+1000 || t.Failed() })
	}
	more()
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	more()
	close(stop)
	deciders.Wait()
	if s := f.Stats(); s.Faults != 0 {
		t.Errorf("%d faults in %d decisions", s.Faults, s.Decisions)
	}
}
