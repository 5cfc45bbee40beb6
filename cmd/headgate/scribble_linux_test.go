package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// asScribbler makes this test binary a process of the group that writes to a limits file what
// nobody has counted.
const asScribbler = "HEADGATE_TEST_SCRIBBLE"

func init() {
	if path := os.Getenv(asScribbler); path != "" {
		if err := scribble(path, os.Getenv("HEADGATE_TEST_VALUE")); err != nil {
			fmt.Fprintln(os.Stderr, "scribbling:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// scribble maps the file and fills all counters with one byte, or with one value.
func scribble(path, value string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return err
	}
	const processes, sets = hostlimits.DefaultProcesses, hostlimits.DefaultSharedKeys / 8
	held := 256 + 256*processes + 8*sets + 64*sets + 1024*sets
	cells := held + 64*sets*processes
	switch value {
	case "hundreds": // in every exact counter and in every cell
		for at := held; at < cells; at += 8 {
			b[at] = 100
		}
		for at := cells; at < len(b); at += 4 {
			b[at] = 100
		}
	case "ones": // all bits
		for at := held; at < len(b); at++ {
			b[at] = 0xff
		}
	case "bytes":
		for at := held; at < len(b); at++ {
			b[at] = byte(at * 7 % 64)
		}
	default:
		return errors.New("no such value: " + value)
	}
	return nil
}

func scribbler(t *testing.T, path, value string) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), asScribbler+"="+path, "HEADGATE_TEST_VALUE="+value)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// What one process of the group writes into all ledgers, also those that nobody has, refuses
// requests for a few seconds at most, and the daemon says that it was there.
func TestScribblesInTheLimitsAreMendedAndSaid(t *testing.T) {
	for _, value := range []string{"hundreds", "bytes", "ones"} {
		t.Run(value, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "hg")
			daemon := startProcess(t, dir)
			until(t, "the limits file", func() bool { _, err := hostlimits.ReadReport(hostdir.Dir(dir).Limits(), 0); return err == nil })
			f, err := proxyhook.New(proxyhook.Config{Dir: dir, Limits: limits.LimiterConfig{Threshold: 50}})
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			admitted := func(host string) bool {
				a, ok := f.Admit(&traffic.Event{Host: host}, "10.0.0.1:80", new(limits.TicketState))
				a.Ticket.Done()
				return ok
			}
			until(t, "a shared limit", func() bool { return f.Stats().Shared })
			held, _ := f.Admit(&traffic.Event{Host: "shop"}, "10.0.0.1:80", new(limits.TicketState))
			defer held.Ticket.Done()
			file := hostdir.Dir(dir).Limits()
			sendSignal(t, daemon, syscall.SIGSTOP) // so that what it mends can be seen
			scribbler(t, file, value)
			if value != "ones" && admitted("shop") { // counters of all bits are damage, and read as nothing
				t.Error("the scribble refuses nothing: this test shows nothing")
			}
			sendSignal(t, daemon, syscall.SIGCONT)
			until(t, "requests admitted again", func() bool {
				return admitted("shop") && admitted("other") && f.Stats().Shared && f.LimiterStats().InFlight <= 2
			})
			until(t, "no counts of nobody", func() bool { r, err := hostlimits.ReadReport(file, 0); return err == nil && r.InFlight <= 1 })
			until(t, "trouble", func() bool {
				_, body := daemon.ask(t, "/readyz?verbose")
				return strings.Contains(body, "unknown process has written") || strings.Contains(body, "unknown process had written")
			})
			until(t, "a metric that counts it", func() bool { // the counts come a moment after the trouble
				_, metrics := daemon.ask(t, "/metrics")
				return !strings.Contains(metrics, "headgate_limits_scrubbed_total 0\n") || !strings.Contains(metrics, "headgate_limits_given_up_total 0\n")
			})
		})
	}
}

func sendSignal(t *testing.T, d *daemonProcess, s syscall.Signal) {
	t.Helper()
	if err := d.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
