package main

import (
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/ring"
)

const (
	ringCells  = 4096 // of ring.Config's default
	ringHeadAt = 256  // see docs/format.md
)

// stream is a proxy process that reports events at a steady rate.
type stream struct {
	*ring.Producer
	file    *os.File
	refused atomic.Uint64 // events that found no place
	roomy   atomic.Uint64 // of these, events that found none although there was room
}

func newStream(t *testing.T, dir string) *stream {
	t.Helper()
	p, err := ring.Create(hostdir.Dir(dir).Events(), ring.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(p.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(); f.Close() })
	return &stream{Producer: p, file: f}
}

// taken is how many positions consumers have given back so far, those of dead ones too.
func (s *stream) taken() uint64 {
	var head [8]byte
	s.file.ReadAt(head[:], ringHeadAt)
	return binary.LittleEndian.Uint64(head[:])
}

// run reports perSecond events a second until stop is closed.
func (s *stream) run(perSecond int, stop <-chan struct{}) {
	ev := traffic.Event{Method: "GET", Host: "a.test", Path: "/"}
	ev.SetClient(netip.MustParseAddr("203.0.113.7"))
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for began, n := time.Now(), 0; ; {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		for due := int(time.Since(began).Seconds() * float64(perSecond)); n < due; n++ {
			ev.Time = time.Now().UnixNano()
			waiting := s.Claimed() - s.taken()
			if !s.Put(func(dst []byte) ([]byte, error) { return ev.MarshalMsg(dst) }) {
				s.refused.Add(1)
				if waiting < ringCells {
					s.roomy.Add(1)
				}
			}
		}
	}
}

// endedWith reads a count from the line that a daemon logs at its end.
func (d *daemonProcess) endedWith(t *testing.T, name string) uint64 {
	t.Helper()
	m := regexp.MustCompile(`msg="headgate: daemon stopped".* ` + name + `=(\d+)`).FindStringSubmatch(d.said.String())
	if m == nil {
		t.Fatalf("the daemon did not say how many events it %s:\n%s", name, d.said.String())
	}
	n, err := strconv.ParseUint(m[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A daemon takes events in from its start and from that of a proxy on, not from its next beat on.
// So what comes while it is restarted, however it ended, is lost only where a ring is full, and
// every event is accounted for.
func TestRestartUnderLoadLosesNothingThatFits(t *testing.T) {
	const (
		streams  = 8
		rate     = 20_000
		interval = time.Hour // a daemon that is deaf until its first beat hears nothing for as long as the test waits
	)
	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "hg")
			run := func() *daemonProcess {
				d := startProcess(t, dir, "--interval", interval.String(), "--checkpoint", interval.String())
				until(t, "running", func() bool { return strings.Contains(d.said.String(), "headgate: daemon started") })
				return d
			}
			first := run()
			stop := make(chan struct{})
			var all []*stream
			var senders sync.WaitGroup
			for range streams {
				s := newStream(t, dir)
				all = append(all, s)
				senders.Go(func() { s.run(rate/streams, stop) })
			}
			end := sync.OnceFunc(func() { close(stop); senders.Wait() })
			defer end()
			sum := func(of func(*stream) uint64) (n uint64) {
				for _, s := range all {
					n += of(s)
				}
				return n
			}
			hears := func(what string) {
				t.Helper()
				before := make(map[*stream]uint64)
				for _, s := range all {
					before[s] = s.taken()
				}
				until(t, what, func() bool {
					for s, n := range before {
						if s.taken() <= n {
							return false
						}
					}
					return true
				})
			}
			hears("events of new proxies taken in")
			time.Sleep(500 * time.Millisecond)

			if err := first.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			first.Wait()
			byFirst := sum((*stream).taken)
			if signal == syscall.SIGTERM {
				if said := first.endedWith(t, "events"); said != byFirst {
					t.Errorf("the first daemon says that it took %d events, the rings that it took %d", said, byFirst)
				}
			}
			second := run()
			hears("events taken in after the restart")
			time.Sleep(500 * time.Millisecond)
			end()
			until(t, "empty rings", func() bool {
				return sum((*stream).taken) == sum(func(s *stream) uint64 { return s.Claimed() })
			})
			second.ends(t)

			claimed := sum(func(s *stream) uint64 { return s.Claimed() })
			refused := sum(func(s *stream) uint64 { return s.refused.Load() })
			taken := byFirst + second.endedWith(t, "events") + second.endedWith(t, "lost")
			// A daemon killed between two stores has delivered an event that the rings do not show
			// as taken.
			if short := claimed - taken; short != 0 && !(signal == syscall.SIGKILL && short <= streams) {
				t.Errorf("%d events were sent; %d are accounted for", claimed, taken)
			}
			if said := second.endedWith(t, "dropped"); said != refused {
				t.Errorf("%d events found no place; the daemon says %d", refused, said)
			}
			if n := sum(func(s *stream) uint64 { return s.roomy.Load() }); n > 0 {
				t.Errorf("%d events were dropped by rings that had room", n)
			}
			t.Logf("%d events sent, %d taken by the first daemon, %d found no place", claimed, byFirst, refused)
		})
	}
}
