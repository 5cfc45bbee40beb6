package ring_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/host/ring"
)

// Tests with real processes: this test binary starts itself with roleVar set and kills what it
// started.

const (
	roleVar = "HEADGATE_RING_TEST_ROLE"
	dirVar  = "HEADGATE_RING_TEST_DIR"
	logVar  = "HEADGATE_RING_TEST_LOG"
)

func TestMain(m *testing.M) {
	roles := map[string]func(dir string) error{
		"flood": flood, "unfinished": leaveUnfinished, "consume": consume,
	}
	if role := os.Getenv(roleVar); role != "" {
		if err := roles[role](os.Getenv(dirVar)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// start runs this binary in a role and waits until it says that it is ready.
func start(t *testing.T, role, dir, log string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"="+role, dirVar+"="+dir, logVar+"="+log)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%s said %q, %v", role, line, err)
	}
	return cmd
}

func kill(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

const flooders = 3

// flood produces numbered events from several goroutines, each again until it is taken, for as long
// as it lives.
func flood(dir string) error {
	p, err := ring.Create(dir, ring.Config{Cells: 32, CellSize: 64})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for g := range uint64(flooders) {
		go func() {
			for n := uint64(0); ; {
				if put(p, uint64(os.Getpid()), g, n) {
					n++
				} else {
					runtime.Gosched()
				}
			}
		}()
	}
	time.Sleep(time.Minute) // Longer than any test; it is killed.
	return nil
}

// leaveUnfinished claims a cell in the midst of others and does not commit it.
func leaveUnfinished(dir string) error {
	p, err := ring.Create(dir, small)
	if err != nil {
		return err
	}
	put(p, 1)
	claim, _ := p.Claim()
	put(p, 3)
	fmt.Println("ready")
	time.Sleep(time.Minute)
	claim.Commit(nil)
	return nil
}

// consume appends every event to a file, in one write each, until no ring is left.
func consume(dir string) error {
	log, err := os.OpenFile(os.Getenv(logVar), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	s, err := ring.OpenSet(dir)
	if err != nil {
		return err
	}
	if err := s.Scan(); err != nil {
		return err
	}
	fmt.Println("ready")
	for s.Stats().Rings > 0 {
		n := s.Poll(1000, func(payload []byte) {
			if _, e := log.Write(payload); e != nil {
				err = e
			}
		})
		if n == 0 {
			runtime.Gosched()
			s.Scan()
		}
	}
	return err
}

func TestProducerKilledBetweenClaimAndCommit(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	other := mustCreate(t, dir, small)
	child := start(t, "unfinished", dir, "")
	mustScan(t, s)
	wantNumbers(t, pollNumbers(s, 9), 1)

	// Stopped, it is alive: only its own ring waits.
	if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	put(other, 100)
	mustScan(t, s)
	wantNumbers(t, pollNumbers(s, 9), 100)
	if stats := s.Stats(); stats.Lost != 0 || stats.Rings != 2 || stats.Backlog != 2 {
		t.Fatalf("%+v", stats)
	}

	kill(child)
	put(other, 101)
	if got := pollNumbers(s, 9); len(got) != 2 || got[0]+got[1] != 104 {
		t.Fatalf("events %v, want 3 and 101", got)
	}
	mustScan(t, s)
	if stats := s.Stats(); stats.Lost != 1 || stats.Rings != 1 || stats.Removed != 1 ||
		stats.Events != 4 {
		t.Errorf("%+v", stats)
	}
	if names := files(t, dir); len(names) != 1 || names[0] != other.Path() {
		t.Errorf("files %v", names)
	}
}

func TestProducersKilledAtRandom(t *testing.T) {
	dir := t.TempDir()
	s := mustOpenSet(t, dir)
	next := map[[2]uint64]uint64{}
	check := func(payload []byte) {
		from := [2]uint64{number(payload, 0), number(payload, 1)}
		if n := number(payload, 2); n != next[from] {
			t.Fatalf("process and goroutine %v: event %d, want %d", from, n, next[from])
		}
		next[from]++
	}
	const rounds = 6
	rng := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		child := start(t, "flood", dir, "")
		mustScan(t, s)
		for until := time.Now().Add(time.Duration(5+rng.IntN(40)) * time.Millisecond); time.Now().Before(until); {
			s.Poll(100, check)
		}
		kill(child)
		for s.Poll(100, check) > 0 {
		}
	}
	mustScan(t, s)
	stats := s.Stats()
	if stats.Rings != 0 || stats.Removed != rounds || stats.Lost > rounds*flooders ||
		stats.Damaged+stats.Resyncs != 0 {
		t.Errorf("%+v", stats)
	}
	if stats.Events == 0 || len(files(t, dir)) != 0 {
		t.Errorf("%d events, files %v", stats.Events, files(t, dir))
	}
}

// The consumer is killed again and again while two goroutines produce. No event may be missing, and
// each kill may repeat one: the last before it.
func TestConsumerKilledAtRandom(t *testing.T) {
	const goroutines, each = 2, 8000
	dir := t.TempDir()
	log := filepath.Join(t.TempDir(), "log")
	p := mustCreate(t, dir, ring.Config{Cells: 32, CellSize: 64})
	var wg sync.WaitGroup
	for g := range uint64(goroutines) {
		wg.Go(func() {
			for n := uint64(0); n < each; {
				if put(p, g, n) {
					n++
				} else {
					time.Sleep(20 * time.Microsecond)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); p.Close(); close(finished) }()

	rng := rand.New(rand.NewPCG(3, 4))
	kills := 0
	for done := false; !done; {
		child := start(t, "consume", dir, log)
		select {
		case <-finished:
			if err := child.Wait(); err != nil {
				t.Fatal(err)
			}
			done = true
		case <-time.After(time.Duration(rng.IntN(30)) * time.Millisecond):
			kill(child)
			kills++
		}
	}
	if names := files(t, dir); len(names) != 0 {
		t.Errorf("files left: %v", names)
	}
	repeats := checkLog(t, log, goroutines, each)
	if repeats > kills {
		t.Errorf("%d events repeated by %d kills", repeats, kills)
	}
	t.Logf("%d kills, %d repeats, %d drops", kills, repeats, p.Dropped())
}

// checkLog demands that the log holds each goroutine's events in order and without a gap, and
// returns how many are written twice in a row.
func checkLog(t *testing.T, path string, goroutines, each uint64) (repeats int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	next := make([]uint64, goroutines)
	var last string
	for ; len(b) >= 16; b = b[16:] {
		g, n := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		switch {
		case string(b[:16]) == last:
			repeats++
		case n != next[g]:
			t.Fatalf("goroutine %d: event %d, want %d", g, n, next[g])
		default:
			next[g]++
		}
		last = string(b[:16])
	}
	for g, n := range next {
		if n != each {
			t.Errorf("goroutine %d: %d events, want %d", g, n, each)
		}
	}
	return repeats
}
