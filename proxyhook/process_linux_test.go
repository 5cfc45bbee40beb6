package proxyhook_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// The publisher of these tests is a process of its own: the test binary, which executes itself.
const publisherVariable = "PROXYHOOK_TEST_PUBLISHER"

// testInterval is the supervisor's in these tests.
const testInterval = 5 * time.Millisecond

func TestMain(m *testing.M) {
	if dir := os.Getenv(publisherVariable); dir != "" {
		fmt.Fprintln(os.Stderr, publishForEver(hostdir.Dir(dir)))
		os.Exit(1)
	}
	proxyhook.SuperviseEvery(testInterval)
	os.Exit(m.Run())
}

// publishForEver sees client 1 again and again, and publishes that as fast as it can. It says so
// once.
func publishForEver(dir hostdir.Dir) error {
	a, err := window.New(window.Config{MaxKeys: maxKeys})
	if err != nil {
		return err
	}
	p, err := featurestore.OpenPublisher(dir.Features(), a.Schema(), featurestore.PublisherConfig{Capacity: a.Capacity()})
	if err != nil {
		return err
	}
	var o traffic.Observation
	for n := 0; ; n++ {
		now := time.Now()
		for i := range 200 {
			ev := visit(i%20, 0)
			ev.Time = now.UnixNano()
			traffic.Observe(&ev, p.Seed(), &o)
			a.Add(&o)
		}
		if err := a.Publish(p, now.UnixNano()); err != nil {
			return err
		}
		if n == 3 {
			fmt.Println("publishing")
		}
	}
}

// startPublisher returns when the process publishes.
func startPublisher(t *testing.T, dir hostdir.Dir) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	c := exec.Command(self)
	c.Env = append(os.Environ(), publisherVariable+"="+string(dir))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	t.Cleanup(func() { kill(c) })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "publishing\n" {
		t.Fatalf("the publisher said %q, %v", line, err)
	}
	return c
}

func kill(c *exec.Cmd) {
	c.Process.Kill()
	c.Wait()
}

// A publisher is killed again and again while requests are decided. Every decision is made with
// features, and those of the next publisher are fresh.
func TestPublisherIsKilled(t *testing.T) {
	h := newHost(t)
	publisher := startPublisher(t, h.dir)
	f := h.filter(proxyhook.Config{StaleAfter: time.Hour})
	var stop atomic.Bool
	var decided, wrong atomic.Uint64
	var deciders sync.WaitGroup
	goroutines := 4
	if raceEnabled {
		// The detector does not see atomic operations on mapped memory, by which mmapsync's readers
		// and the unmapping of a replaced file are ordered, and takes them for a race.
		goroutines = 1
	}
	for range goroutines {
		deciders.Go(func() {
			for !stop.Load() {
				if d := decide(f); d.Score != knownBot {
					wrong.Add(1)
				}
				decided.Add(1)
			}
		})
	}
	goOn := func() {
		before := decided.Load()
		await(t, "decisions", func() bool { return decided.Load() > before+1000 })
	}
	for range 3 {
		goOn()
		kill(publisher)
		killed := time.Now()
		goOn()
		publisher = startPublisher(t, h.dir)
		if published := h.published(); !published.After(killed) {
			t.Errorf("the restarted publisher's table is of %v, the former was killed at %v", published, killed)
		}
	}
	goOn()
	stop.Store(true)
	deciders.Wait()
	if s := f.Stats(); wrong.Load() != 0 || s.NoFeatures != 0 || s.Faults != 0 || s.Decisions != decided.Load() || s.Stale != 0 {
		t.Errorf("%d of %d decisions went wrong; %+v", wrong.Load(), decided.Load(), s)
	}
}

// published returns the time of the current publication.
func (h *host) published() (at time.Time) {
	h.t.Helper()
	store, err := featurestore.Open(h.dir.Features())
	must(h.t, err)
	defer store.Close()
	must(h.t, store.View(func(t *featurestore.Table) error { at = time.Unix(0, t.Published); return nil }))
	return at
}

// Decide, Admit and Done from many goroutines: the counts add up.
func TestCountsAddUp(t *testing.T) {
	const workers, each = 8, 500
	h := newHost(t)
	h.publish(time.Now(), visits(10, time.Now())...)
	f := h.filter(proxyhook.Config{Policy: thresholds, Limits: limits.LimiterConfig{Threshold: 3}})
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			var state limits.TicketState
			for i := range each {
				ev := visit(100+i, (w+i)%5)
				f.Decide(&ev)
				a, _ := f.Admit(&ev, "origin", &state)
				f.Done(&ev, a.Ticket)
			}
		})
	}
	group.Wait()
	s := f.Stats()
	var actions, reasons uint64
	for _, n := range s.Actions {
		actions += n
	}
	for _, n := range s.Reasons {
		reasons += n
	}
	if s.Decisions != workers*each || actions != s.Decisions || reasons != s.Decisions || s.Scored != s.Decisions ||
		s.Admitted+s.Refused != s.Decisions || s.Events+s.Dropped != s.Decisions || s.InFlight != 0 || s.DoubleDone != 0 || s.Stale != 0 {
		t.Errorf("%+v", s)
	}
	for a := proxyhook.Allow; a <= proxyhook.Deny; a++ {
		if s.Action(a) != workers*each/5 {
			t.Errorf("%d times %v, expected %d", s.Action(a), a, workers*each/5)
		}
	}
	if s.P50 <= 0 || s.P99 < s.P50 || f.LimiterStats().Admitted != s.Admitted {
		t.Errorf("P50 %v, P99 %v; %+v", s.P50, s.P99, f.LimiterStats())
	}
	if refused := 0; true {
		for _, ev := range h.events() {
			if ev.Refused {
				refused++
			}
		}
		if s.Dropped == 0 && uint64(refused) != s.Refused {
			t.Errorf("%d events tell of a refusal, expected %d", refused, s.Refused)
		}
	}
}
