package hostlimits_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

const goodPolicy = `{"key": ["tenant", "origin"], "threshold": 200, "retry_after": "2s", "overrides": {"acme 10.0.0.1:80": 20},
	"shed_from": 0.8, "adaptive": {"latency": "250ms", "floor": 8}}`

func TestPolicyFromJSON(t *testing.T) {
	p := must(hostlimits.ParsePolicy([]byte(goodPolicy)))
	want := hostlimits.Policy{
		Key: []string{hostlimits.KeyTenant,
			hostlimits.KeyOrigin}, Threshold: 200, RetryAfter: hostlimits.Duration(2 * time.Second),
		Overrides: map[string]uint32{"acme 10.0.0.1:80": 20}, ShedFrom: 0.8,
		Adaptive: &hostlimits.AdaptivePolicy{Latency: hostlimits.Duration(250 * time.Millisecond),
			Floor: 8}}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v", p)
	}
	again := must(hostlimits.ParsePolicy(must(json.Marshal(p))))
	if !reflect.DeepEqual(again, want) {
		t.Errorf("written and read again: %+v", again)
	}
	if got := string(p.AppendKey(nil, "acme", "10.0.0.1:80", "host")); got != "acme 10.0.0.1:80" {
		t.Errorf("key %q", got)
	}
	if got := string((&hostlimits.Policy{}).AppendKey([]byte("> "), "acme", "origin",
		"host")); got != "> origin" {
		t.Errorf("key %q", got)
	}
}

func TestPoliciesThatMakeNoSense(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{"threshold": -1}`, `{"threshold": 5000000000}`, `{"treshold": 1}`, `{} {}`, `{"retry_after": "-1s"}`,
		`{"retry_after": 1}`, `{"shed_from": 1}`, `{"shed_from": -0.1}`, `{"adaptive": {}}`, `{"key": ["path"]}`,
		`{"key": ["host", "host"]}`, `{"overrides": {"a": "b"}}`, strings.Repeat(" ", 20<<20),
	} {
		if p, err := hostlimits.ParsePolicy([]byte(text)); err == nil {
			t.Errorf("%.40q is %+v", text, p)
		}
	}
	many := hostlimits.Policy{Overrides: make(map[string]uint32)}
	for i := range hostlimits.MaxOverrides + 1 {
		many.Overrides[fmt.Sprint(i)] = 1
	}
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 7}))
	if err := l.Apply(many); !errors.Is(err, hostlimits.ErrTooManyOverrides) ||
		l.Threshold([]byte("1")) != 7 {
		t.Errorf("%v, threshold %d", err, l.Threshold([]byte("1")))
	}
}

func FuzzPolicy(f *testing.F) {
	for _, seed := range []string{goodPolicy, `{}`, `{"shed_from": 0.5}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := hostlimits.ParsePolicy(text)
		if err != nil {
			return
		}
		l := must(hostlimits.NewLimiter(hostlimits.Config{}))
		if err := l.Apply(p); err != nil {
			t.Fatalf("a policy that was read is refused: %v", err)
		}
		for _, threshold := range []uint32{0, 1, 100, hostlimits.Unlimited} {
			for score := range uint8(101) {
				if got := p.ShedThreshold(threshold, score); got > threshold ||
					threshold > 0 && got == 0 {
					t.Fatalf("score %d: %d of %d", score, got, threshold)
				}
			}
		}
		if _, err := hostlimits.ParsePolicy(must(json.Marshal(p))); err != nil {
			t.Fatalf("written and read again: %v", err)
		}
	})
}

func TestApplyReplacesAllThresholds(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1,
		Overrides: map[string]uint32{"a": 2, "b": 3}}))
	policy := hostlimits.Policy{Threshold: 5, Overrides: map[string]uint32{"b": 7, "c": 0},
		RetryAfter: hostlimits.Duration(3 * time.Second)}
	if err := l.Apply(policy); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]uint32{"a": 5, "b": 7, "c": 0, "d": 5} {
		if got := l.Threshold([]byte(key)); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
	if a, ok := l.AdmitString(new(hostlimits.TicketState), "c"); ok ||
		a.Reason != hostlimits.Drained || a.RetryAfter != 3*time.Second {
		t.Errorf("%v %+v", ok, a)
	}
	if s := l.Stats(); s.Overrides != 2 || s.PinnedKeys != 2 {
		t.Errorf("%+v", s)
	}
}

// As an origin fills up, low scores are refused first, and what is left is for high ones.
func TestSheddingByScore(t *testing.T) {
	p := hostlimits.Policy{Threshold: 100, ShedFrom: 0.5}
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 100}))
	admitted := make(map[uint8]int)
	for _, score := range []uint8{1, 50, 99, 0} {
		for {
			a, ok := l.AdmitBelow(new(hostlimits.TicketState), []byte("origin"),
				func(n uint32) (lowered, shed uint32) { return n, p.ShedThreshold(n, score) })
			if !ok {
				want := hostlimits.Shed
				if score == 0 || score == 99 {
					want = hostlimits.OverThreshold
				}
				if a.Reason != want || a.RetryAfter == 0 || a.Threshold != 100 {
					t.Errorf("score %d: %+v", score, a)
				}
				break
			}
			admitted[score]++
		}
	}
	if admitted[1] != 50 || admitted[50] != 25 || admitted[99] != 25 || admitted[0] != 0 {
		t.Errorf("admitted by score: %v", admitted)
	}
	if s := l.Stats(); s.Refused[hostlimits.Shed] != 2 || s.Refused[hostlimits.OverThreshold] != 2 {
		t.Errorf("%+v", s)
	}
	if got := (&hostlimits.Policy{}).ShedThreshold(100, 1); got != 100 {
		t.Errorf("switched off: %d", got)
	}
}

// A refusal at a threshold that an adaptive policy has lowered has a reason of its own, also beside
// shedding.
func TestRefusalAtALoweredThreshold(t *testing.T) {
	l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 10}))
	p := hostlimits.Policy{ShedFrom: 0.5}
	ask := func(score uint8) (hostlimits.Admission, bool) {
		return l.AdmitBelow(new(hostlimits.TicketState), []byte("origin"),
			func(uint32) (lowered, shed uint32) { return 4, p.ShedThreshold(4, score) })
	}
	for i := range 7 {
		score, want := uint8(99), hostlimits.Admitted
		if i == 2 {
			score, want = 1, hostlimits.Shed
		} else if i > 4 {
			want = hostlimits.OverLowered
		}
		if a, ok := ask(score); a.Reason != want || ok != (want == hostlimits.Admitted) {
			t.Errorf("attempt %d: %v %v, want %v", i, ok, a.Reason, want)
		}
	}
	if a, _ := ask(1); a.Reason != hostlimits.OverLowered {
		t.Errorf("a low score at the lowered threshold: %v", a.Reason)
	}
	if s := l.Stats(); s.Refused[hostlimits.OverLowered] != 3 || s.Refused[hostlimits.Shed] != 1 ||
		hostlimits.OverLowered.String() != "over_lowered" {
		t.Errorf("%+v", s)
	}
}

func TestWhatAWaitCountsAs(t *testing.T) {
	p := &hostlimits.AdaptivePolicy{Latency: hostlimits.Duration(time.Second),
		LongLived: hostlimits.Duration(time.Minute)}
	for _, c := range []struct {
		took     time.Duration
		how      hostlimits.Ending
		answered time.Duration // before: the last answer
		slow     bool
	}{
		{time.Millisecond, hostlimits.Answered, time.Hour, false},
		{2 * time.Second, hostlimits.Answered, 0, true},
		{time.Minute, hostlimits.Answered, 0, false},
		{time.Millisecond, hostlimits.Failed, 0, true},
		{time.Hour, hostlimits.Failed, 0, false},
		{time.Second + 1, hostlimits.Abandoned, 0, true},
		{time.Second, hostlimits.Abandoned, 0, false},
		{time.Second / 8, hostlimits.Abandoned, 2 * time.Second, true},
		{time.Second / 8, hostlimits.Abandoned, time.Second / 2, false},
		{time.Second / 9, hostlimits.Abandoned, time.Hour, false},
		{time.Hour, hostlimits.Abandoned, time.Hour, false},
	} {
		var a hostlimits.Adaptive
		now := time.Unix(1e6, 0)
		a.Observe(p, 7, 100, 1, 0, now.Add(-c.answered))
		a.ObserveEnding(p, 7, 100, 1, c.took, c.how, now)
		if got := a.Lowered() == 1; got != c.slow {
			t.Errorf("%v, ending %d, last answer %v before: slow %v", c.took, c.how, c.answered,
				got)
		}
	}
	if _, err := hostlimits.ParsePolicy([]byte(`{"adaptive": {"latency": "1s", "long_lived": "1s"}}`)); err == nil {
		t.Error("long-lived requests that are as long as slow ones")
	}
}
