package daemon_test

import (
	"testing"
	"time"

	"github.com/headgate/headgate/internal/app/daemon"
)

// What a client has just done is published at once, not at the end of an interval.
func TestEventsArePublishedSoon(t *testing.T) {
	r := start(t, daemon.Config{Interval: time.Hour, Checkpoint: time.Hour})
	r.until("first publication", func() bool { return r.Stats().Publishes > 0 })
	p := proxy(t, r.dir)
	for n := uint64(1); n <= 3; n++ {
		report(t, p, visit(int(n), "/", time.Now()))
		for deadline := time.Now().Add(patience + r.Stats().Pause); r.Stats().Rings.Events < n; time.Sleep(interval / 4) {
			if time.Now().After(deadline) {
				t.Fatalf("event %d is not published; %+v", n, r.Stats())
			}
		}
	}
	if s := r.Stats(); s.Pause < 50*time.Millisecond || s.Pause > s.PublishTime*100+50*time.Millisecond {
		t.Errorf("the next publication begins %v after one that took %v", s.Pause, s.PublishTime)
	}
}

// Without events there is one publication in an interval.
func TestQuietDaemonPublishesOnceAnInterval(t *testing.T) {
	r := start(t, daemon.Config{Interval: time.Hour, Checkpoint: time.Hour})
	r.until("first publication", func() bool { return r.Stats().Publishes > 0 })
	time.Sleep(500 * time.Millisecond) // ten times the shortest pause
	if n := r.Stats().Publishes; n != 1 {
		t.Errorf("%d publications of a table that nobody changed, want 1", n)
	}
}

// Publishing takes a hundredth of the time, and no more often than every 50 ms.
func TestPauseBetweenPublications(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0:                      50 * time.Millisecond,
		500 * time.Microsecond: 50 * time.Millisecond,
		3 * time.Millisecond:   300 * time.Millisecond,
		2 * time.Second:        time.Second, // never less often than configured
	} {
		if got := daemon.PauseAfter(took, time.Second); got != want {
			t.Errorf("after a publication of %v the next one begins %v later, want %v", took, got, want)
		}
	}
	if got := daemon.PauseAfter(0, 10*time.Millisecond); got != 10*time.Millisecond {
		t.Errorf("with an interval of 10 ms the next one begins %v later", got)
	}
}
