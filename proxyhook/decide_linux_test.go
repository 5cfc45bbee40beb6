package proxyhook_test

import (
	"math/rand/v2"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/scorer"
)

// offline scores by hand what a Filter scores: the same features, read and put in order by the
// packages that training uses.
func offline(t *testing.T, h *host, model *scorer.Model, ev *traffic.Event) uint8 {
	t.Helper()
	var names, dimensions []string
	for _, f := range model.Features() {
		names = append(names, f.Name)
	}
	for d := range traffic.NumDimensions {
		dimensions = append(dimensions, d.String())
	}
	store, err := featurestore.Open(h.dir.Features())
	must(t, err)
	defer store.Close()
	v := traffic.NewVector(names)
	selection := store.Select(dimensions, v.Inter())
	inter, inputs := make([]float32, len(v.Inter())), make([]float32, v.Len())
	keys := traffic.NewKeys(ev, h.publisher.Seed())
	info, err := selection.Read(inter, keys[:], ev.Time)
	must(t, err)
	if len(inter) > 0 && info.Found == 0 {
		t.Fatal("nothing was found: the comparison would say nothing")
	}
	v.Fill(inputs, ev, inter)
	raw, err := model.Raw(nil, inputs)
	must(t, err)
	return uint8(scorer.Score(scorer.Probability(raw)))
}

// The online decision is the offline one, for the test's model and for the one that is built in.
func TestDecisionEqualsOffline(t *testing.T) {
	builtIn := t.TempDir() + "/model"
	must(t, os.WriteFile(builtIn, models.Default(), 0o600))
	random := rand.New(rand.NewPCG(5, 5))
	now := time.Now()
	var events []traffic.Event
	for range 3000 {
		ev := visit(random.IntN(1+random.IntN(1000)), random.IntN(5))
		ev.Time = now.Add(-time.Duration(random.Int64N(int64(10 * time.Minute)))).UnixNano()
		ev.Status, ev.Bytes = []uint16{200, 404, 301, 403}[random.IntN(4)], random.Uint64N(1e6)
		ev.Path = []string{"/", "/a.css", "/wp-login.php", "/.env", "/robots.txt"}[random.IntN(5)]
		ev.UserAgent = []string{"", "curl/8.0", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0"}[random.IntN(3)]
		events = append(events, ev)
	}
	h := newHost(t)
	h.publish(now, events...)
	for _, file := range []string{writeModel(t, testModel), builtIn} {
		model, err := scorer.LoadFile(file)
		must(t, err)
		f := h.filter(proxyhook.Config{ModelFile: file})
		scores := make(map[uint8]bool)
		for i := range 500 {
			ev := events[i]
			ev.Time = now.UnixNano() + random.Int64N(int64(time.Minute))
			want := offline(t, h, model, &ev)
			if d := f.Decide(&ev); d.Score != want || ev.Score != want || d.Reason != proxyhook.Scored {
				t.Fatalf("%s: %+v, offline %d: %+v", file, d, want, ev)
			}
			scores[want] = true
		}
		if len(scores) < 2 {
			t.Errorf("%s: all scores are the same: the comparison says little", file)
		}
		if s := f.Stats(); s.NoFeatures != 0 || len(s.Unknown) != 0 {
			t.Errorf("%s: %+v", file, s)
		}
	}
}

// The request path allocates nothing. The race detector has sync.Pool drop what it is given now and
// then, so that only the run without it counts.
func TestRequestPathAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops items at random under the race detector; run go test without -race")
	}
	unsupervised(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pool
	h := newHost(t)
	now := time.Now()
	h.publish(now, visits(10, now)...)
	f := h.filter(proxyhook.Config{
		Limits: limits.LimiterConfig{Threshold: 10},
		Policy: proxyhook.Thresholds{TagBelow: 30, Hosts: map[string]proxyhook.Thresholds{"other": {}}},
	})
	if d := decide(f); d.Score != knownBot || d.Action != proxyhook.Tag {
		t.Fatalf("%+v", d)
	}
	ev, state := visit(1, 0), new(limits.TicketState)
	for what, run := range map[string]func(){
		"Decide": func() { ev.Time = 0; f.Decide(&ev) },
		"Admit, Done": func() {
			a, ok := f.Admit(&ev, "192.0.2.1:8080", state)
			if !ok {
				t.Error("refused")
			}
			f.Done(&ev, a.Ticket)
		},
		"all of a request": func() {
			ev.Time, ev.Duration = 0, 0
			f.Decide(&ev)
			a, _ := f.Admit(&ev, "192.0.2.1:8080", state)
			f.Done(&ev, a.Ticket)
		},
	} {
		if n := testing.AllocsPerRun(1000, run); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	if s := f.Stats(); s.Dropped != 0 || s.NoFeatures != 0 {
		t.Errorf("not the path that was meant: %+v", s)
	}
	f.Close()
	if n := testing.AllocsPerRun(1000, func() { ev.Time = 0; f.Decide(&ev) }); n != 0 {
		t.Errorf("Decide without features: %v allocations", n)
	}
	if n := testing.AllocsPerRun(1000, func() { f.Done(&ev, limits.Ticket{}) }); n != 0 {
		t.Errorf("Done without a ring: %v allocations", n)
	}
}

// judge is a policy that is a function.
type judge func(*traffic.Event, uint8) proxyhook.Action

func (j judge) Judge(ev *traffic.Event, score uint8) proxyhook.Action { return j(ev, score) }

func TestPolicies(t *testing.T) {
	h := newHost(t)
	odd := h.filter(proxyhook.Config{Policy: judge(func(ev *traffic.Event, score uint8) proxyhook.Action {
		if ev.Time == 0 || ev.Host == "" || score != modelScore[0] {
			t.Errorf("judging %+v, score %d", ev, score)
		}
		return 200
	})})
	if d := decide(odd); d != unknownClient || odd.Stats().Action(proxyhook.Allow) != 1 {
		t.Errorf("an action that is none: %+v, %+v", d, odd.Stats())
	}
	faulty := h.filter(proxyhook.Config{Policy: judge(func(*traffic.Event, uint8) proxyhook.Action { panic("policy") })})
	want := proxyhook.Decision{Action: proxyhook.Allow, Score: unknownClient.Score, Reason: proxyhook.PolicyFailed}
	if d := decide(faulty); d != want || faulty.Stats().Reasons[proxyhook.PolicyFailed] != 1 {
		t.Errorf("a policy's panic gives %+v, %+v", d, faulty.Stats())
	}
}
