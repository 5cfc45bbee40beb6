package limits_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/limits"
)

const goodPolicy = `{"key": ["tenant", "origin"], "threshold": 200, "retry_after": "2s", "overrides": {"acme 10.0.0.1:80": 20},
	"shed_from": 0.8, "adaptive": {"latency": "250ms", "floor": 8}}`

func TestPolicyFromJSON(t *testing.T) {
	p := must(limits.ParsePolicy([]byte(goodPolicy)))
	want := limits.Policy{
		Key: []string{limits.KeyTenant, limits.KeyOrigin}, Threshold: 200, RetryAfter: limits.Duration(2 * time.Second),
		Overrides: map[string]uint32{"acme 10.0.0.1:80": 20}, ShedFrom: 0.8,
		Adaptive: &limits.AdaptivePolicy{Latency: limits.Duration(250 * time.Millisecond), Floor: 8},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v", p)
	}
	again := must(limits.ParsePolicy(must(json.Marshal(p))))
	if !reflect.DeepEqual(again, want) {
		t.Errorf("written and read again: %+v", again)
	}
	if got := string(p.AppendKey(nil, "acme", "10.0.0.1:80", "host")); got != "acme 10.0.0.1:80" {
		t.Errorf("key %q", got)
	}
	if got := string((&limits.Policy{}).AppendKey([]byte("> "), "acme", "origin", "host")); got != "> origin host" {
		t.Errorf("key %q", got)
	}
}

func TestPoliciesThatMakeNoSense(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{"threshold": -1}`, `{"threshold": 5000000000}`, `{"treshold": 1}`, `{} {}`, `{"retry_after": "-1s"}`,
		`{"retry_after": 1}`, `{"shed_from": 1}`, `{"shed_from": -0.1}`, `{"adaptive": {}}`, `{"key": ["path"]}`,
		`{"key": ["host", "host"]}`, `{"overrides": {"a": "b"}}`, strings.Repeat(" ", 20<<20),
	} {
		if p, err := limits.ParsePolicy([]byte(text)); err == nil {
			t.Errorf("%.40q is %+v", text, p)
		}
	}
	many := limits.Policy{Overrides: make(map[string]uint32)}
	for i := range limits.MaxOverrides + 1 {
		many.Overrides[fmt.Sprint(i)] = 1
	}
	l := must(limits.NewLimiter(limits.LimiterConfig{Threshold: 7}))
	if err := l.Apply(many); !errors.Is(err, limits.ErrTooManyOverrides) || l.Threshold([]byte("1")) != 7 {
		t.Errorf("%v, threshold %d", err, l.Threshold([]byte("1")))
	}
}

func FuzzPolicy(f *testing.F) {
	for _, seed := range []string{goodPolicy, `{}`, `{"shed_from": 0.5}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := limits.ParsePolicy(text)
		if err != nil {
			return
		}
		l := must(limits.NewLimiter(limits.LimiterConfig{}))
		if err := l.Apply(p); err != nil {
			t.Fatalf("a policy that was read is refused: %v", err)
		}
		for _, threshold := range []uint32{0, 1, 100, limits.Unlimited} {
			for score := range uint8(101) {
				if got := p.ShedThreshold(threshold, score); got > threshold || threshold > 0 && got == 0 {
					t.Fatalf("score %d: %d of %d", score, got, threshold)
				}
			}
		}
		if _, err := limits.ParsePolicy(must(json.Marshal(p))); err != nil {
			t.Fatalf("written and read again: %v", err)
		}
	})
}

func TestApplyReplacesAllThresholds(t *testing.T) {
	l := must(limits.NewLimiter(limits.LimiterConfig{Threshold: 1, Overrides: map[string]uint32{"a": 2, "b": 3}}))
	policy := limits.Policy{Threshold: 5, Overrides: map[string]uint32{"b": 7, "c": 0}, RetryAfter: limits.Duration(3 * time.Second)}
	if err := l.Apply(policy); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]uint32{"a": 5, "b": 7, "c": 0, "d": 5} {
		if got := l.Threshold([]byte(key)); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
	if a, ok := l.AdmitString(new(limits.TicketState), "c"); ok || a.Reason != limits.Drained || a.RetryAfter != 3*time.Second {
		t.Errorf("%v %+v", ok, a)
	}
	if s := l.Stats(); s.Overrides != 2 || s.PinnedKeys != 2 {
		t.Errorf("%+v", s)
	}
}

// As an origin fills up, low scores are refused first, and what is left is for high ones.
func TestSheddingByScore(t *testing.T) {
	p := limits.Policy{Threshold: 100, ShedFrom: 0.5}
	l := must(limits.NewLimiter(limits.LimiterConfig{Threshold: 100}))
	admitted := make(map[uint8]int)
	for _, score := range []uint8{1, 50, 99, 0} {
		for {
			a, ok := l.AdmitBelow(new(limits.TicketState), []byte("origin"), func(n uint32) uint32 { return p.ShedThreshold(n, score) })
			if !ok {
				want := limits.Shed
				if score == 0 || score == 99 {
					want = limits.OverThreshold
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
	if s := l.Stats(); s.Refused[limits.Shed] != 2 || s.Refused[limits.OverThreshold] != 2 {
		t.Errorf("%+v", s)
	}
	if got := (&limits.Policy{}).ShedThreshold(100, 1); got != 100 {
		t.Errorf("switched off: %d", got)
	}
}
