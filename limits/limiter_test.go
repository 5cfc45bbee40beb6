package limits_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/headgate/headgate/limits"
)

// What a limiter counts is tested where it is counted, in internal/host/hostlimits. Here each method and
// field reaches it.

func TestLimiterAdmitsUpToItsThreshold(t *testing.T) {
	l := must(limits.NewLimiter(limits.LimiterConfig{Threshold: 2, RetryAfter: 3 * time.Second}))
	key := []byte("10.0.0.1:80 a.example")
	var states [3]limits.TicketState
	first, ok1 := l.Admit(&states[0], key)
	second, ok2 := l.AdmitString(&states[1], string(key))
	if !ok1 || !ok2 || first.Estimate != 1 || second.Estimate != 2 || !first.Ticket.Valid() ||
		!states[0].Open() {
		t.Fatalf("the first two: %+v, %+v", first, second)
	}
	third, ok := l.Admit(&states[2], key)
	want := limits.Admission{Estimate: 2, Threshold: 2, Reason: limits.OverThreshold,
		RetryAfter: 3 * time.Second}
	if ok || third != want || states[2].Open() {
		t.Errorf("the third: %v %+v, want %+v", ok, third, want)
	}
	if n := l.InFlight(key); n != 2 {
		t.Errorf("%d in flight, want 2", n)
	}
	if !first.Ticket.Done() || first.Ticket.Done() || third.Ticket.Done() || states[0].Open() {
		t.Error("the first ticket is not released exactly once, or that of a refusal is")
	}
	if s := l.Stats(); s.Admitted != 2 || s.InFlight != 1 || s.DoubleReleases != 1 ||
		s.RefusedTotal() != 1 ||
		s.Refused[limits.OverThreshold] != 1 || s.ExactKeys != 1 || s.Shared {
		t.Errorf("%+v", s)
	}
}

func TestLimiterThresholds(t *testing.T) {
	l := must(limits.NewLimiter(limits.LimiterConfig{Threshold: 5,
		Overrides: map[string]uint32{"off": 0}}))
	if a, ok := l.AdmitString(new(limits.TicketState), "off"); ok || a.Reason != limits.Drained {
		t.Errorf("a drained key: %v %+v", ok, a)
	}
	if err := l.SetThreshold([]byte("k"), 7); err != nil || l.Threshold([]byte("k")) != 7 {
		t.Errorf("threshold %d, %v", l.Threshold([]byte("k")), err)
	}
	if s := l.Stats(); s.Overrides != 2 || s.PinnedKeys != 2 {
		t.Errorf("%+v, want two overrides", s)
	}
	l.ClearThreshold([]byte("k"))
	if n := l.Threshold([]byte("k")); n != 5 {
		t.Errorf("cleared: threshold %d", n)
	}
	l.SetDefault(0)
	if n := l.Threshold([]byte("k")); n != 0 {
		t.Errorf("without a default: threshold %d", n)
	}
}

func TestLimiterConfigErrors(t *testing.T) {
	for _, c := range []limits.LimiterConfig{
		{ExactKeys: -1}, {ExactKeys: 1<<16 +
			1}, {RetryAfter: -1}, {Sketch: limits.SketchConfig{Rows: -1}}} {
		var detail *limits.ConfigError
		if _, err := limits.NewLimiter(c); !errors.Is(err, limits.ErrConfig) ||
			!errors.As(err, &detail) {
			t.Errorf("%+v: error %v, want a *ConfigError", c, err)
		}
	}
	many := make(map[string]uint32)
	for i := range 1<<16 + 1 {
		many[fmt.Sprint(i)] = 1
	}
	if _, err := limits.NewLimiter(limits.LimiterConfig{Overrides: many}); !errors.Is(err,
		limits.ErrTooManyOverrides) {
		t.Errorf("error %v, want ErrTooManyOverrides", err)
	}
}

func TestReasonNames(t *testing.T) {
	seen := make(map[string]bool)
	for r := limits.Admitted; r <= limits.OverLowered; r++ {
		if name := r.String(); name == "" || name == "unknown" || seen[name] {
			t.Errorf("reason %d is called %q", r, name)
		}
		seen[r.String()] = true
	}
	if got := limits.Reason(200).String(); got != "unknown" {
		t.Errorf("a reason that does not exist is called %q", got)
	}
}

// Each hasher has a secret of its own.
func TestHashersHaveSecrets(t *testing.T) {
	a, b := limits.NewHasher(), limits.NewHasher()
	key := []byte("k")
	first, again := a.Hash(key), a.Hash(key)
	if first != again || first == b.Hash(key) {
		t.Error("two hashers have the same secret, or one of them two")
	}
}

func TestRequestPathAllocatesNothing(t *testing.T) {
	e := must(limits.NewEstimator(limits.SketchConfig{}))
	f := must(limits.NewInflight(limits.SketchConfig{}))
	r := must(limits.NewRate(limits.RateConfig{}))
	l := must(limits.NewLimiter(limits.LimiterConfig{Threshold: 1,
		Overrides: map[string]uint32{"a": 1}}))
	key := []byte("203.0.113.7:8443 a-rather-long-host-name.shop.example")
	name := string(key)
	state, refused := new(limits.TicketState), new(limits.TicketState)
	factor := 2.0
	for what, op := range map[string]func(){
		"Hash":          func() { limits.HashString(name) },
		"Estimator.Add": func() { e.Add(key, 1); e.Count(key) },
		"Inflight": func() {
			ticket, _ := f.Begin(state, limits.Hash(key), 1)
			ticket.Done()
			ticket.Done()
		},
		"Rate": func() {
			r.Observe(key, 1)
			r.Rate(key)
			r.Peek(key)
			r.RateWith(key, func(c limits.RateComponents) float64 { return factor * limits.Proportional(c) })
		},
		"Limiter": func() {
			a, _ := l.Admit(state, key)
			l.AdmitString(refused, name)
			a.Ticket.Done()
		},
	} {
		if n := testing.AllocsPerRun(100, op); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}
