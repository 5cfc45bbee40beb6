package proxyhook_test

import (
	"log/slog"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/scorer"
)

// somebody returns a random request.
func somebody(random *rand.Rand, now time.Time) traffic.Event {
	ev := visit(random.IntN(1+random.IntN(500)), random.IntN(5))
	ev.Time = now.Add(-time.Duration(random.Int64N(int64(10 * time.Minute)))).UnixNano()
	ev.Status, ev.Bytes = []uint16{200, 404, 301, 403}[random.IntN(4)], random.Uint64N(1e6)
	ev.Path = []string{"/", "/a.css", "/wp-login.php", "/.env", "/robots.txt"}[random.IntN(5)]
	return ev
}

// With a shadow every decision is the one that it is without, each model's score is the same as
// alone, and the counts are those of going through the requests by hand.
func TestShadowOnlyCounts(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	now := time.Now()
	h := newHost(t)
	var events []traffic.Event
	for range 3000 {
		events = append(events, somebody(random, now))
	}
	h.publish(now, events...)
	file := writeModel(t, string(models.Default()))
	candidates := []*scorer.Model{loadModel(t, randomModel(11, 40, featureNames(defaultModel(t)))), loadModel(t, turnedModel), defaultModel(t)}
	policy := proxyhook.Thresholds{TagBelow: 80, ChallengeBelow: 60, ThrottleBelow: 40, DenyBelow: 20}
	other := proxyhook.Thresholds{TagBelow: 70, ChallengeBelow: 50, ThrottleBelow: 45, DenyBelow: 10}
	for i, candidate := range candidates {
		var shadowScore uint8
		seen := judge(func(ev *traffic.Event, score uint8) proxyhook.Action {
			shadowScore = score
			return other.Judge(ev, score)
		})
		plain := h.filter(proxyhook.Config{ModelFile: file, Policy: policy})
		f := h.filter(proxyhook.Config{ModelFile: file, Policy: policy, ShadowPolicy: seen})
		must(t, f.ReplaceShadow(candidate))
		want := proxyhook.ShadowStats{Model: true}
		for j := range 1000 {
			ev := events[j]
			ev.Time = now.UnixNano() + random.Int64N(int64(time.Minute))
			again := ev
			d, alone := f.Decide(&ev), plain.Decide(&again)
			if d != alone || ev != again {
				t.Fatalf("candidate %d: %+v with a shadow, %+v without", i, d, alone)
			}
			if would := offline(t, h, candidate, &ev); shadowScore != would {
				t.Fatalf("candidate %d: the shadow's score is %d, offline %d", i, shadowScore, would)
			}
			would := other.Judge(&ev, shadowScore)
			want.Judged++
			want.Actions[would]++
			want.Matrix[d.Action][would]++
			want.Distances[bits.Len(uint(max(d.Score, shadowScore)-min(d.Score, shadowScore)))]++
			if would != d.Action {
				want.Changed++
			}
		}
		if got := f.Stats().Shadow; got != want {
			t.Errorf("candidate %d: %+v, expected %+v", i, got, want)
		}
		if i < 2 && (want.Changed == 0 || want.Distances[0] == 1000) {
			t.Errorf("candidate %d never differs: the comparison says little", i)
		}
		if s := plain.Stats().Shadow; s != (proxyhook.ShadowStats{}) {
			t.Errorf("without a shadow: %+v", s)
		}
	}
}

// A policy can be tried without a model, and a model without a policy.
func TestShadowOfOneKind(t *testing.T) {
	deny := proxyhook.Thresholds{DenyBelow: modelScore[1] + 1}
	policy := newFilter(t, proxyhook.Config{Dir: t.TempDir(), ShadowPolicy: deny})
	model := newFilter(t, proxyhook.Config{Dir: t.TempDir(), Policy: proxyhook.Thresholds{TagBelow: 1 + turnedScoreOf[1]}})
	must(t, model.ReplaceShadow(loadModel(t, turnedModel)))
	for tens := range 5 {
		for _, f := range []*proxyhook.Filter{policy, model} {
			ev := visit(1, tens)
			if d := f.Decide(&ev); d.Score != modelScore[tens] || d.Action > proxyhook.Tag {
				t.Errorf("%+v", d)
			}
		}
	}
	s := policy.Stats().Shadow
	if s.Model || s.Judged != 5 || s.Action(proxyhook.Deny) != 4 || s.Action(proxyhook.Allow) != 1 || s.Changed != 4 || s.Distances != [8]uint64{} {
		t.Errorf("a policy: %+v", s)
	}
	s = model.Stats().Shadow
	if !s.Model || s.Judged != 5 || s.Action(proxyhook.Tag) != 2 || s.Action(proxyhook.Allow) != 3 {
		t.Errorf("a model: %+v", s)
	}
	must(t, model.ReplaceShadow(nil))
	decide(model)
	if s := model.Stats().Shadow; s.Model || s.Judged != 5 {
		t.Errorf("ended: %+v", s)
	}
}

// What a shadow's policy does wrong costs one counter, and one line in the log.
func TestShadowPolicyFails(t *testing.T) {
	var told syncBuffer
	bad := judge(func(ev *traffic.Event, _ uint8) proxyhook.Action {
		if ev.Query == 0 {
			panic("shadow")
		}
		return 200
	})
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir(), ShadowPolicy: bad, Log: slog.New(slog.NewTextHandler(&told, nil))})
	for range 3 {
		if d := decide(f); d != unknownClient {
			t.Errorf("%+v", d)
		}
	}
	odd := visit(1, 4)
	if d := f.Decide(&odd); d.Score != modelScore[4] || d.Action != proxyhook.Tag || d.Reason != proxyhook.Scored {
		t.Errorf("%+v", d)
	}
	s := f.Stats()
	if s.Shadow.Failed != 3 || s.Shadow.Judged != 1 || s.Shadow.Matrix[proxyhook.Tag][proxyhook.Allow] != 1 || s.Reasons[proxyhook.PolicyFailed] != 0 {
		t.Errorf("%+v", s)
	}
	if n := strings.Count(told.String(), "the shadow's policy panicked"); n != 1 {
		t.Errorf("told %d times: %s", n, told.String())
	}
}

// A shadow has nothing to say about a decision that the policy's panic has cut short.
func TestPolicyFailsBesideShadow(t *testing.T) {
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir(), ShadowPolicy: proxyhook.Thresholds{},
		Policy: judge(func(*traffic.Event, uint8) proxyhook.Action { panic("policy") })})
	if d, s := decide(f), f.Stats(); d.Reason != proxyhook.PolicyFailed || s.Shadow.Judged != 0 || s.Shadow.Failed != 0 {
		t.Errorf("%+v, %+v", d, s.Shadow)
	}
}

// A model that returns no number, as linear trees do on infinite inputs, has no score: as a shadow
// that is counted, and in use it allows the request.
func TestModelWithoutScore(t *testing.T) {
	h := newHost(t)
	schema := featurestore.Schema{Dimensions: []featurestore.Dimension{{Name: "ip", Columns: []featurestore.Column{{Name: "requests_1h"}, {Name: "requests_1m"}}}}}
	p, err := featurestore.OpenPublisher(h.dir.Features(), schema, featurestore.PublisherConfig{Capacity: []int{1}})
	must(t, err)
	defer p.Close()
	infinite, ev := float32(math.Inf(1)), visit(1, 0)
	must(t, p.Put(0, traffic.NewKeys(&ev, p.Seed())[traffic.DimIP], time.Now().UnixNano(), []float32{infinite, infinite}))
	must(t, p.Publish(time.Now().UnixNano()))

	f := h.filter(proxyhook.Config{})
	must(t, f.ReplaceShadow(loadModel(t, infiniteText)))
	awaitKnown(t, f)
	before := f.Stats().Shadow
	if d, s := decide(f), f.Stats().Shadow; d.Score != knownBot || s.Failed != before.Failed+1 || s.Judged != before.Judged {
		t.Errorf("as a shadow: %+v, %+v", d, s)
	}
	must(t, f.ReplaceModel(loadModel(t, infiniteText)))
	must(t, f.ReplaceShadow(loadModel(t, testModel)))
	before = f.Stats().Shadow
	want := proxyhook.Decision{Action: proxyhook.Allow, Reason: proxyhook.NotScored}
	if d, s := decide(f), f.Stats().Shadow; d != want || s.Judged != before.Judged+1 || s.Distances != before.Distances {
		t.Errorf("in use: %+v, %+v", d, s)
	}
}

// Scoring beside a shadow allocates nothing, also right after a replacement.
func TestShadowAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items at random under the race detector; run go test without -race")
	}
	unsupervised(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pool
	h := newHost(t)
	now := time.Now()
	h.publish(now, visits(10, now)...)
	f := h.filter(proxyhook.Config{ShadowPolicy: proxyhook.Thresholds{DenyBelow: 50}})
	ev := visit(1, 0)
	for i, m := range []*scorer.Model{nil, loadModel(t, turnedModel), loadModel(t, randomModel(2, 100, featureNames(defaultModel(t)))), loadModel(t, infiniteText)} {
		must(t, f.ReplaceShadow(m))
		if n := testing.AllocsPerRun(1000, func() { ev.Time = 0; f.Decide(&ev) }); n != 0 {
			t.Errorf("shadow %d: %v allocations", i, n)
		}
	}
	if s := f.Stats(); s.NoFeatures != 0 || s.Shadow.Judged != s.Decisions || s.Shadow.Failed != 0 {
		t.Errorf("not the path that was meant: %+v", s)
	}
}

// Shadows judge while their stats are read.
func TestShadowStatsUnderLoad(t *testing.T) {
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir(), ShadowPolicy: proxyhook.Thresholds{DenyBelow: 50}})
	const deciders, each = 4, 500
	var all sync.WaitGroup
	for n := range deciders {
		all.Go(func() {
			for i := range each {
				ev := visit(n, i%5)
				f.Decide(&ev)
				if s := f.Stats().Shadow; s.Judged > deciders*each || s.Changed > s.Judged {
					t.Errorf("%+v", s)
				}
			}
		})
	}
	all.Wait()
	if s := f.Stats().Shadow; s.Judged != deciders*each || s.Action(proxyhook.Deny) != deciders*each*3/5 {
		t.Errorf("%+v", s)
	}
}
