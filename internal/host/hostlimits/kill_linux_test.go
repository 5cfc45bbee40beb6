package hostlimits_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// These tests run real processes, which the test binary becomes by executing itself, and kill them.
// By default a few dozen;
//
//	LIMITS_KILLS=5000 go test -run TestKilled -timeout 0 -v ./internal/host/hostlimits
//
// takes a few minutes.

const (
	workerVariable = "LIMITS_TEST_WORKER" // path of the limits file
	seedVariable   = "LIMITS_TEST_SEED"
	killsVariable  = "LIMITS_KILLS"
)

func TestMain(m *testing.M) {
	path := os.Getenv(workerVariable)
	if path == "" {
		os.Exit(m.Run())
	}
	seed, _ := strconv.ParseUint(os.Getenv(seedVariable), 10, 64)
	if err := workerProcess(path, seed); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

const (
	workerKeys      = 20 // more than there are exact counters
	workerThreshold = 12
)

func workerKey(i int) string { return fmt.Sprintf("10.0.0.%d:80 host", i) }

// workerTruth is what a worker knows that it has in flight, by key, and what it has counted.
type workerTruth struct {
	Open     [workerKeys]uint64
	Admitted uint64
}

// workerProcess holds and releases tickets at random from several goroutines. On each line that it
// reads it stops, tells the truth, and goes on with the next. At the end of its input it releases
// everything and tells the truth again.
func workerProcess(path string, seed uint64) error {
	l, err := hostlimits.Join(path, hostlimits.Config{Threshold: workerThreshold})
	if err != nil {
		return err
	}
	var pause sync.RWMutex // held for writing: everybody stands still
	const goroutines = 3
	holders := make([]holder, goroutines)
	for i := range holders {
		holders[i].random = rand.New(rand.NewPCG(seed, uint64(i)))
		go func() {
			for {
				pause.RLock()
				holders[i].step(l)
				pause.RUnlock()
			}
		}()
	}
	fmt.Println("ready")
	tell := func() {
		var truth workerTruth
		for i := range holders {
			for _, held := range holders[i].held {
				truth.Open[held.key]++
			}
		}
		truth.Admitted = l.Stats().Admitted
		json.NewEncoder(os.Stdout).Encode(truth)
	}
	for in := bufio.NewScanner(os.Stdin); ; pause.Unlock() {
		more := in.Scan()
		pause.Lock()
		if !more {
			break
		}
		if tell(); !in.Scan() {
			break
		}
	}
	for i := range holders {
		for _, held := range holders[i].held {
			if !held.ticket.Done() {
				return fmt.Errorf("an open ticket was not released")
			}
		}
		holders[i].held = nil
	}
	tell()
	if s := l.Stats(); s.InFlight != 0 || s.Clipped != 0 || s.DoubleReleases != 0 {
		return fmt.Errorf("at the end: %+v", s)
	}
	return nil
}

type holder struct {
	random *rand.Rand
	held   []heldTicket
}

type heldTicket struct {
	key    int
	ticket hostlimits.Ticket
}

func (h *holder) step(l *hostlimits.Limiter) {
	if n := len(h.held); n > 0 && h.random.IntN(16) < n {
		i := h.random.IntN(n)
		h.held[i].ticket.Done()
		h.held[i] = h.held[n-1]
		h.held = h.held[:n-1]
		return
	}
	key := h.random.IntN(workerKeys)
	if a, ok := l.AdmitString(new(hostlimits.TicketState), workerKey(key)); ok {
		h.held = append(h.held, heldTicket{key, a.Ticket})
	}
}

// worker is a worker process as its parent sees it.
type worker struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

func startWorker(t *testing.T, path string, seed int) *worker {
	t.Helper()
	c := exec.Command(must(os.Executable()))
	c.Env = append(os.Environ(), workerVariable+"="+path, seedVariable+"="+strconv.Itoa(seed))
	c.Stderr = os.Stderr
	w := &worker{command: c, in: must(c.StdinPipe()), out: bufio.NewScanner(must(c.StdoutPipe()))}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	if !w.out.Scan() || w.out.Text() != "ready" {
		t.Fatalf("the worker says %q", w.out.Text())
	}
	return w
}

func (w *worker) truth(t *testing.T) (truth workerTruth) {
	t.Helper()
	if !w.out.Scan() {
		t.Fatal("the worker has ended")
	}
	if err := json.Unmarshal(w.out.Bytes(), &truth); err != nil {
		t.Fatal(err)
	}
	return truth
}

func kills(t *testing.T, byDefault int) int {
	if s := os.Getenv(killsVariable); s != "" {
		return must(strconv.Atoi(s))
	}
	if testing.Short() || underRace {
		return byDefault / 4
	}
	return byDefault
}

// Processes die at random instructions, in the middle of admissions, releases and assignments of
// exact counters. What is counted afterwards is what the survivors have: exactly, for every key, in
// the table and in the sketch.
func TestKilledProcessesAreCountedOutExactly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "limits")
	keeper := must(hostlimits.OpenKeeper(path, hostlimits.KeeperConfig{Processes: 8, ExactKeys: 8}))
	defer keeper.Close()
	survivors := []*worker{startWorker(t, path, 1), startWorker(t, path, 2)}
	observer := must(hostlimits.Join(path, hostlimits.Config{}))
	random := rand.New(rand.NewPCG(1, 2))
	const atOnce = 3
	orphans := uint64(0)
	for killed := 0; killed < kills(t, 24); killed += atOnce {
		var victims [atOnce]*worker
		for i := range victims {
			victims[i] = startWorker(t, path, 10+killed+i)
		}
		for _, v := range victims {
			time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
			v.command.Process.Kill()
			v.command.Wait()
		}
		if random.IntN(2) == 0 { // sometimes the next process to join finds them first
			must(keeper.Reap())
		}
		compareWithSurvivors(t, keeper, observer, survivors)
		orphans = report(t, keeper).Orphans
		if t.Failed() {
			t.Fatalf("after %d kills", killed+atOnce)
		}
	}
	if orphans == 0 {
		t.Error("no process had anything in flight when killed")
	}
	t.Logf("%d requests were in flight in processes that were killed", orphans)
	for _, w := range survivors {
		w.in.Close()
		if truth := w.truth(t); truth.Open != [workerKeys]uint64{} {
			t.Errorf("%+v", truth)
		}
		if err := w.command.Wait(); err != nil {
			t.Error(err)
		}
	}
	must(keeper.Reap())
	if r := report(t, keeper); r.InFlight != 0 || r.Processes != 1 {
		t.Errorf("at the end: %+v", r.SharedStats)
	}
	// A key whose exact counter was being moved when its process died still finds one.
	for i := range workerKeys {
		if a, ok := observer.AdmitString(new(hostlimits.TicketState), workerKey(i)); !ok ||
			a.Estimate != 1 || !a.Ticket.Done() {
			t.Errorf("key %d at the end: %v %+v", i, ok, a)
		}
	}
}

func compareWithSurvivors(t *testing.T, keeper *hostlimits.Keeper, observer *hostlimits.Limiter,
	survivors []*worker) {
	t.Helper()
	var want [workerKeys]uint64
	for _, w := range survivors {
		fmt.Fprintln(w.in, "stop")
		for key, n := range w.truth(t).Open {
			want[key] += n
		}
	}
	must(keeper.Reap())
	var total uint64
	for key, n := range want {
		if got := observer.InFlight([]byte(workerKey(key))); got != n {
			t.Errorf("key %d: %d in flight, the survivors have %d", key, got, n)
		}
		if n > workerThreshold {
			t.Errorf("key %d: the survivors have %d, threshold %d", key, n, workerThreshold)
		}
		total += n
	}
	if r := report(t, keeper); r.InFlight != total || r.Processes != uint64(len(survivors))+1 {
		t.Errorf("%+v, want %d in flight of %d processes", r.SharedStats, total, len(survivors)+1)
	}
	for _, w := range survivors {
		fmt.Fprintln(w.in, "go on")
	}
}

// A process killed with ten thousand tickets open is counted out by the next look.
func TestKilledWithManyTickets(t *testing.T) {
	path, keeper := newHost(t, hostlimits.KeeperConfig{})
	dead := must(hostlimits.Join(path, hostlimits.Config{}))
	states := make([]hostlimits.TicketState, 10_000)
	for i := range states {
		dead.AdmitString(&states[i], workerKey(i%3000))
	}
	if r := report(t, keeper); r.InFlight != 10_000 {
		t.Fatalf("%+v", r.SharedStats)
	}
	dead.Abandon()
	start := time.Now()
	if n := must(keeper.Reap()); n != 1 {
		t.Errorf("%d reaped", n)
	}
	t.Logf("reaped in %v", time.Since(start))
	if r := report(t, keeper); r.InFlight != 0 || r.Orphans != 10_000 || r.Reaped != 1 {
		t.Errorf("%+v", r.SharedStats)
	}
	survivor := must(hostlimits.Join(path, hostlimits.Config{}))
	for i := range 3000 {
		if n := survivor.InFlight([]byte(workerKey(i))); n != 0 {
			t.Fatalf("%d of key %d are left", n, i)
		}
	}
}
