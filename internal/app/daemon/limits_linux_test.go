package daemon_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/app/daemon"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/mmapsync"
)

// The daemon removes the requests of dead processes from the counts, and reports that.
func TestDeadProcessesAreTakenOutOfTheLimits(t *testing.T) {
	r := start(t, daemon.Config{})
	live := newLimiter(t, r)
	open, _ := live.AdmitString(new(hostlimits.TicketState), "origin")
	r.until("a request in flight", func() bool { return r.Stats().Limits.InFlight == 1 })
	newLimiter(t, r).AdmitString(new(hostlimits.TicketState), "origin") // a process that ends with a request in flight
	r.until("the dead process reaped", func() bool { runtime.GC(); s := r.Stats().Limits; return s.Reaped == 1 && s.Orphans == 1 })
	if s := r.Stats().Limits; s.InFlight != 1 || s.Processes != 1 {
		t.Errorf("%+v, want the living process with its request", s)
	}
	live.SetDefault(1)
	if _, ok := live.AdmitString(new(hostlimits.TicketState), "origin"); ok {
		t.Error("admitted above the threshold")
	}
	live.WriteTallies()
	r.until("the refusal", func() bool { return r.Stats().Limits.Refused[hostlimits.OverThreshold] == 1 })
	_, body := get(r.Daemon, "/metrics")
	for _, line := range []string{
		"headgate_limits_processes 1", "headgate_limits_in_flight 1", "headgate_limits_reaped_processes_total 1",
		"headgate_limits_orphaned_requests_total 1", `headgate_limits_refused_total{reason="over_threshold"} 1`,
	} {
		if !strings.Contains(body, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	open.Ticket.Done()
}

func newLimiter(t *testing.T, r *running) *hostlimits.Limiter {
	t.Helper()
	l, err := hostlimits.Join(r.dir.Limits(), hostlimits.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// policy is what a proxy reads.
func policy(t *testing.T, r *running) hostlimits.Policy {
	t.Helper()
	reader, err := mmapsync.OpenReader(r.dir.Policy(), mmapsync.ReaderOptions{Slots: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	snapshot, err := reader.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Release()
	p, err := hostlimits.ParsePolicy(snapshot.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The operator's file is published whenever it changes; an invalid one leaves the current
// policy in force.
func TestPolicyFollowsTheOperatorsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "limits.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"threshold": 3, "overrides": {"a": 1, "b": 2}}`)
	r := start(t, daemon.Config{Policy: path})
	r.until("the policy", func() bool { return len(policy(t, r).Overrides) == 2 })
	r.until("exact counters for the keys", func() bool { return r.Stats().Limits.Pinned == 2 })
	write(`{"threshold": 3, "overrides": {"a": 1}}`)
	r.until("the changed policy", func() bool { return len(policy(t, r).Overrides) == 1 })
	r.until("one exact counter", func() bool { return r.Stats().Limits.Pinned == 1 })
	write(`{"thresholds": 3}`)
	r.until("trouble", func() bool { return strings.Contains(r.Stats().Trouble, "unknown field") })
	if len(policy(t, r).Overrides) != 1 {
		t.Error("the former policy does not hold any more")
	}
	write(`{}`)
	r.until("no policy", func() bool { return policy(t, r).Threshold == 0 })
	r.until("no trouble", func() bool { return r.Stats().Trouble == "" })
	if _, err := daemon.Open(daemon.Config{Dir: t.TempDir(), Policy: filepath.Join(t.TempDir(), "missing")}); err == nil {
		t.Error("a daemon starts with a policy that is not there")
	}
}

// Processes that count their requests and make no ring are said to do so, and no more once they
// have one.
func TestProcessesWithoutRingsAreTrouble(t *testing.T) {
	r := start(t, daemon.Config{})
	live := newLimiter(t, r)
	r.until("trouble", func() bool {
		return strings.Contains(r.Stats().Trouble, "1 proxy processes count their requests, but only 0 report events")
	})
	proxy(t, r.dir)
	r.until("no trouble", func() bool { return r.Stats().Trouble == "" })
	runtime.KeepAlive(live)
}

// A limits file that is a day old is replaced by one with another secret, once.
func TestOldSecretsAreRenewed(t *testing.T) {
	first := start(t, daemon.Config{})
	dir := first.dir
	first.stop()
	f, err := os.OpenFile(dir.Limits(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	made := binary.LittleEndian.AppendUint64(nil, uint64(time.Now().Add(-25*time.Hour).UnixNano()))
	if _, err := f.WriteAt(made, 32); err != nil {
		t.Fatal(err)
	}
	f.Close()
	old, err := hostlimits.Join(dir.Limits(), hostlimits.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, daemon.Config{Dir: string(dir)})
	r.until("another file", func() bool { return !old.Current(dir.Limits()) && r.Stats().Limits.Processes == 0 })
	next := newLimiter(t, r)
	if next.Hash([]byte("k")) == old.Hash([]byte("k")) {
		t.Error("the secret is the same")
	}
	published := r.Stats().Publishes
	r.until("a few rounds", func() bool { return r.Stats().Publishes > published+5 })
	if !next.Current(dir.Limits()) {
		t.Error("the new file was replaced, too")
	}
}

// Open requests that zeros in the file made vanish are trouble when they end.
func TestZerosInTheLimitsAreTrouble(t *testing.T) {
	r := start(t, daemon.Config{})
	l := newLimiter(t, r)
	held, _ := l.AdmitString(new(hostlimits.TicketState), "origin")
	f, err := os.OpenFile(r.dir.Limits(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	counters := int64(256 + 256*hostlimits.DefaultProcesses + (8+64+1024)*hostlimits.DefaultSharedKeys/8)
	if _, err := f.WriteAt(make([]byte, info.Size()-counters), counters); err != nil {
		t.Fatal(err)
	}
	held.Ticket.Done()
	l.WriteTallies()
	r.until("trouble", func() bool {
		return strings.Contains(r.Stats().Trouble, "requests ended that were not counted any more")
	})
	_, body := get(r.Daemon, "/metrics")
	if !strings.Contains(body, "headgate_limits_clipped_total 1\n") {
		t.Error("no metric counts it")
	}
}
