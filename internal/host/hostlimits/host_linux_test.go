package hostlimits_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/host/hostlimits"
)

// A few processes are a few opened files here: locks belong to the open file.

func newHost(t *testing.T, config hostlimits.KeeperConfig) (path string,
	keeper *hostlimits.Keeper) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "limits")
	keeper = must(hostlimits.OpenKeeper(path, config))
	t.Cleanup(func() { keeper.Close() })
	return path, keeper
}

func report(t *testing.T, keeper *hostlimits.Keeper) hostlimits.Report {
	t.Helper()
	r, err := keeper.Report(10)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestProcessesShareAThreshold(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{})
	var processes []*hostlimits.Limiter
	for range 3 {
		processes = append(processes, must(hostlimits.Join(path, hostlimits.Config{Threshold: 4})))
	}
	var states [6]hostlimits.TicketState
	var open []hostlimits.Ticket
	for i := range states {
		a, ok := processes[i%3].AdmitString(&states[i], "origin")
		if want := i < 4; ok != want || a.Estimate != uint64(min(i+1, 4)) {
			t.Errorf("request %d: %v %+v", i, ok, a)
		}
		if ok {
			open = append(open, a.Ticket)
		} else if a.Reason != hostlimits.OverThreshold {
			t.Errorf("refused for %v", a.Reason)
		}
	}
	for _, l := range processes {
		l.WriteTallies()
	}
	r := report(t, keeper)
	if len(r.Heaviest) != 1 || r.Heaviest[0].Key != "origin" || r.Heaviest[0].InFlight != 4 ||
		r.Heaviest[0].Admitted != 4 {
		t.Errorf("the heaviest keys are %+v", r.Heaviest)
	}
	if r.Processes != 3 || r.InFlight != 4 || r.Admitted != 4 ||
		r.Refused[hostlimits.OverThreshold] != 2 {
		t.Errorf("%+v", r.SharedStats)
	}
	for _, ticket := range open {
		ticket.Done()
	}
	if n := processes[1].InFlight([]byte("origin")); n != 0 {
		t.Errorf("%d in flight at the end", n)
	}
	runtime.KeepAlive(processes)
}

// Keys without an exact counter are counted together, too.
func TestProcessesShareTheSketch(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{ExactKeys: 1})
	a := must(hostlimits.Join(path, hostlimits.Config{Threshold: 1}))
	b := must(hostlimits.Join(path, hostlimits.Config{Threshold: 1}))
	defer runtime.KeepAlive(a)
	states := make([]hostlimits.TicketState, 100)
	tickets := make([]hostlimits.Ticket, 100)
	for i := range states {
		admission, ok := a.AdmitString(&states[i], fmt.Sprint(i))
		if tickets[i] = admission.Ticket; !ok {
			t.Fatalf("key %d: %+v", i, admission)
		}
	}
	for i := range states {
		if admission, ok := b.AdmitString(new(hostlimits.TicketState), fmt.Sprint(i)); ok {
			t.Errorf("key %d is admitted twice: %+v", i, admission)
		}
	}
	if r := report(t, keeper); r.InFlight != 100 || r.ExactKeys != 8 {
		t.Errorf("%+v", r.SharedStats)
	}
	for _, ticket := range tickets {
		ticket.Done()
	}
	if r := report(t, keeper); r.InFlight != 0 {
		t.Errorf("at the end: %+v", r.SharedStats)
	}
}

// An unreachable limiter has released its seat; one with an open ticket has not.
func TestLedgersOfForgottenLimiters(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{Processes: 2})
	var state hostlimits.TicketState
	hold := func() hostlimits.Ticket {
		a, _ := must(hostlimits.Join(path, hostlimits.Config{Threshold: 9})).AdmitString(&state,
			"k")
		return a.Ticket
	}
	ticket := hold()
	lose := func() {
		must(hostlimits.Join(path, hostlimits.Config{})).AdmitString(new(hostlimits.TicketState),
			"lost")
	}
	lose()
	if _, err := hostlimits.Join(path, hostlimits.Config{}); !errors.Is(err, hostlimits.ErrNoSeat) {
		t.Errorf("a third of two: %v", err)
	}
	for end := time.Now().Add(time.Minute); report(t, keeper).Reaped == 0 &&
		time.Now().Before(end); {
		runtime.GC() // cleanups run some time after a collection
		time.Sleep(time.Millisecond)
		must(keeper.Reap())
	}
	r := report(t, keeper)
	if r.Processes != 1 || r.InFlight != 1 || r.Reaped != 1 || r.Orphans != 1 {
		t.Errorf("%+v, want the one with the open ticket", r.SharedStats)
	}
	if !ticket.Done() || report(t, keeper).InFlight != 0 {
		t.Errorf("the ticket was not released: %+v", report(t, keeper).SharedStats)
	}
}

func TestKeeperTakesOverAndReplaces(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{})
	l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 2}))
	var states [3]hostlimits.TicketState
	first, _ := l.AdmitString(&states[0], "k")
	keeper.Close()
	second := must(hostlimits.OpenKeeper(path, hostlimits.KeeperConfig{}))
	if r := report(t, second); r.InFlight != 1 || r.Processes != 1 || !l.Current(path) {
		t.Errorf("after a restart: %+v, current %v", r.SharedStats, l.Current(path))
	}
	second.Close()
	third := must(hostlimits.OpenKeeper(path, hostlimits.KeeperConfig{Processes: 3}))
	defer third.Close()
	if l.Current(path) {
		t.Error("the limiter takes a new file for its own")
	}
	if a, ok := l.AdmitString(&states[1], "k"); !ok || a.Estimate != 2 || !first.Ticket.Done() {
		t.Errorf("the old file does not count on: %v %+v", ok, a)
	}
	if r := report(t, third); r.Capacity != 3 || r.InFlight != 0 {
		t.Errorf("the new file: %+v", r.SharedStats)
	}
}

func TestPinnedKeysKeepTheirCounters(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{ExactKeys: 8})
	if crowded, err := keeper.Pin([]string{"a", "b"}); crowded != 0 || err != nil {
		t.Fatal(crowded, err)
	}
	l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 5}))
	for i := range 1000 {
		a, _ := l.AdmitString(new(hostlimits.TicketState), fmt.Sprint(i))
		a.Ticket.Done()
	}
	names := make(map[string]bool)
	for _, load := range report(t, keeper).Heaviest {
		names[load.Key] = load.Pinned
	}
	if !names["a"] || !names["b"] {
		t.Errorf("pinned keys lost their counters: %v", names)
	}
	if crowded, err := keeper.Pin([]string{"b", "c", "d", "e", "f", "g", "h", "i",
		"j"}); crowded != 1 || err != nil {
		t.Errorf("%d of 9 keys without a place among 8, %v; want 1", crowded, err)
	}
	if r := report(t, keeper); r.Pinned != 8 {
		t.Errorf("%+v", r.SharedStats)
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	folder := t.TempDir()
	good := filepath.Join(folder, "good")
	must(hostlimits.OpenKeeper(good, hostlimits.KeeperConfig{})).Close()
	content := must(os.ReadFile(good))
	var format *hostlimits.FormatError
	for name, change := range map[string]func([]byte) []byte{
		"short":     func(b []byte) []byte { return b[:100] },
		"empty":     func(b []byte) []byte { return nil },
		"truncated": func(b []byte) []byte { return b[:len(b)-1] },
		"longer":    func(b []byte) []byte { return append(b, 0) },
		"magic":     func(b []byte) []byte { b[0]++; return b },
		"format":    func(b []byte) []byte { b[8]++; return b },
		"rows":      func(b []byte) []byte { b[12] = 0; return b },
		"columns":   func(b []byte) []byte { b[17]++; return b },
		"sets":      func(b []byte) []byte { b[20] = 3; return b },
		"processes": func(b []byte) []byte { b[27] = 0xff; return b },
		"too few":   func(b []byte) []byte { b[24]--; return b },
	} {
		path := filepath.Join(folder, "bad")
		if err := os.WriteFile(path, change(append([]byte(nil), content...)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := hostlimits.Join(path, hostlimits.Config{}); !errors.As(err, &format) {
			t.Errorf("%s: %v, want a *FormatError", name, err)
		}
		if _, err := hostlimits.ReadReport(path, 1); !errors.As(err, &format) {
			t.Errorf("%s: looking: %v, want a *FormatError", name, err)
		}
		must(hostlimits.OpenKeeper(path, hostlimits.KeeperConfig{})).Close() // makes another
		if _, err := hostlimits.Join(path, hostlimits.Config{}); err != nil {
			t.Errorf("%s: after the keeper: %v", name, err)
		}
	}
	if _, err := hostlimits.Join(filepath.Join(folder, "missing"),
		hostlimits.Config{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	link := filepath.Join(folder, "link")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	if _, err := hostlimits.Join(link, hostlimits.Config{}); err == nil {
		t.Error("a symbolic link is followed")
	}
	for _, config := range []hostlimits.KeeperConfig{{Processes: -1}, {Processes: 1025},
		{ExactKeys: -1}, {ExactKeys: 1 << 20},
		{Sketch: countmin.Size{Columns: 5}}, {Processes: 1024,
			Sketch: countmin.Size{Rows: 4, Columns: 1 << 16}}} {
		if _, err := hostlimits.OpenKeeper(good, config); !errors.Is(err, hostlimits.ErrConfig) {
			t.Errorf("%+v: %v, want ErrConfig", config, err)
		}
	}
}

// A file truncated under its users costs them the file: requests go on, nothing is refused, each
// call is counted.
func TestTruncatedFile(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{})
	l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 1}))
	var states [3]hostlimits.TicketState
	open, _ := l.AdmitString(&states[0], "k")
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 3; i++ {
		if a, ok := l.AdmitString(&states[i], "k"); !ok || a.Ticket.Valid() || states[i].Open() {
			t.Errorf("request %d: %v %+v", i, ok, a)
		}
	}
	if !open.Ticket.Done() || open.Ticket.Done() {
		t.Error("the open ticket is not released exactly once")
	}
	if s := l.Stats(); s.Faults != 3 || s.Shared || l.Current(path) ||
		l.InFlight([]byte("k")) != 0 {
		t.Errorf("%+v", s)
	}
	l.WriteTallies()
	if _, err := keeper.Reap(); err == nil || keeper.Intact() {
		t.Errorf("the keeper does not notice: %v", err)
	}
}

func TestSharedRequestPathAllocatesNothing(t *testing.T) {
	path, _ := newHost(t, hostlimits.KeeperConfig{})
	l := must(hostlimits.Join(path, hostlimits.Config{Threshold: 1}))
	key := []byte("203.0.113.7:8443 a-rather-long-host-name.shop.example")
	name := string(key)
	state, refused := new(hostlimits.TicketState), new(hostlimits.TicketState)
	i := uint64(0)
	for what, op := range map[string]func(){
		"one key": func() {
			a, _ := l.Admit(state, key)
			l.AdmitString(refused, name)
			a.Ticket.Done()
		},
		"ever new keys": func() {
			i++
			a, _ := l.AdmitHash(state, i*0x9E3779B97F4A7C15)
			a.Ticket.Done()
		},
	} {
		if n := testing.AllocsPerRun(100, op); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}
