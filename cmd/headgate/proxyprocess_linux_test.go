package main

import (
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// testOrigin and testHost are where the requests of these tests go.
const (
	testOrigin = "10.0.0.1:80"
	testHost   = "shop.example"
)

// proxyConfig configures a proxy process.
type proxyConfig struct{ Dir, DirOwner string }

// proxyState is what a proxy process says about itself, again and again.
type proxyState struct {
	proxyhook.Stats
	Drained uint64 // refused by a threshold of 0
}

// proxyProcess decides, admits and reports requests until it is killed, and writes its state.
func proxyProcess(config string) error {
	var c proxyConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	filter, err := proxyhook.New(proxyhook.Config{Dir: c.Dir, DirOwner: c.DirOwner,
		Limits: limits.LimiterConfig{Threshold: 100}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	for out := json.NewEncoder(os.Stdout); ; time.Sleep(20 * time.Millisecond) {
		oneRequest(filter)
		state := proxyState{filter.Stats(), filter.LimiterStats().Refused[limits.Drained]}
		if err := out.Encode(state); err != nil {
			return err
		}
	}
}

// oneRequest takes one request through a filter, and reports whether it was admitted.
func oneRequest(filter *proxyhook.Filter) bool {
	ev := traffic.Event{Method: "GET", Host: testHost, Path: "/"}
	ev.SetClient(netip.MustParseAddr("203.0.113.7"))
	filter.Decide(&ev)
	admission, ok := filter.Admit(&ev, testOrigin, new(limits.TicketState))
	filter.Done(&ev, admission.Ticket)
	return ok
}

// proxyAs starts a proxy process as another user.
func proxyAs(t *testing.T, who account, umask string, config proxyConfig) *spawned {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return spawn(t, who, []string{withUmask + "=" + umask, asProxy + "=" + string(text)})
}

// state is what a proxy process said last.
func (p *spawned) state(t *testing.T) (s proxyState) {
	t.Helper()
	lines := strings.Split(p.out.String(), "\n")
	if len(lines) < 2 {
		return s
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-2]), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// works waits until a proxy process has everything that the daemon has for it: features that a
// decision was made with, a ring that takes events, and the limits of all.
func (p *spawned) works(t *testing.T) {
	t.Helper()
	var first proxyState
	until(t, "features, events and limits of the proxy", func() bool {
		s := p.state(t)
		if !s.Shared || s.Events == 0 {
			return false
		}
		if first.Decisions == 0 || s.NoFeatures != first.NoFeatures || s.Dropped != first.Dropped {
			first = s
		}
		return s.Decisions > first.Decisions+5 && s.Events > first.Events+5
	})
}

// isRefused waits until a proxy process has looked at the directory several times, and checks that
// it uses nothing of it.
func (p *spawned) isRefused(t *testing.T, want string) {
	t.Helper()
	until(t, "requests of the proxy", func() bool { return p.state(t).Decisions > 100 })
	s := p.state(t)
	if s.Shared || s.Policy || s.Events != 0 || s.NoFeatures != s.Decisions || s.Refused != 0 || s.Admitted < s.Decisions {
		t.Errorf("the proxy uses what it must not: %+v", s)
	}
	until(t, want+" in its log", func() bool { return strings.Contains(p.said.String(), want) })
}
