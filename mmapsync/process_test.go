//go:build linux

package mmapsync_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dgryski/go-metro"

	"github.com/headgate/headgate/mmapsync"
)

// These tests run real processes on real mappings: the test binary executes itself with a role.
// They take a few seconds;
//
//	MMAPSYNC_STRESS=10m MMAPSYNC_LARGEST=67108864 go test -run TestProcesses -timeout 0 -v ./mmapsync
//
// takes ten minutes, with snapshots of up to 64 MiB.

const (
	roleVariable    = "MMAPSYNC_TEST_ROLE"
	pathVariable    = "MMAPSYNC_TEST_PATH"
	seedVariable    = "MMAPSYNC_TEST_SEED"
	stressVariable  = "MMAPSYNC_STRESS"
	largestVariable = "MMAPSYNC_LARGEST"
)

var roles = map[string]func(path string, seed uint64) error{
	"writer": writerProcess,
	"reader": readerProcess,
	"holder": holderProcess,

	"publisher": publisherProcess,
	"crate":     crateProcess,
	"follower":  followerProcess,
}

func TestMain(m *testing.M) {
	role := roles[os.Getenv(roleVariable)]
	if role == nil {
		os.Exit(m.Run())
	}
	seed, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64)
	if err == nil {
		err = role(os.Getenv(pathVariable), seed)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// payload checks itself: the publication's number, filler that follows from it, and a hash. size is
// at least 16.
func payload(b []byte, number uint64, size int) []byte {
	b = b[:size]
	binary.LittleEndian.PutUint64(b, number)
	state := number
	for i := 8; i+8 <= size-8; i += 8 {
		state = state*6364136223846793005 + 1442695040888963407
		binary.LittleEndian.PutUint64(b[i:], state)
	}
	binary.LittleEndian.PutUint64(b[size-8:], metro.Hash64(b[:size-8], number))
	return b
}

func payloadNumber(b []byte) (uint64, error) {
	if len(b) < 16 {
		return 0, fmt.Errorf("payload of %d bytes", len(b))
	}
	number := binary.LittleEndian.Uint64(b)
	if metro.Hash64(b[:len(b)-8], number) != binary.LittleEndian.Uint64(b[len(b)-8:]) {
		return number, fmt.Errorf("payload %d of %d bytes is torn", number, len(b))
	}
	return number, nil
}

// largestPayload is the size in bytes of the largest snapshot.
var largestPayload = func() int {
	if n, err := strconv.Atoi(os.Getenv(largestVariable)); err == nil && n > 16 {
		return n
	}
	return 1 << 20
}()

// parentGone is closed when the parent ends or wants the process to end.
func parentGone() <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(gone)
	}()
	return gone
}

// writerProcess publishes until it is told to end, going on from the number that a former writer
// reached.
func writerProcess(path string, seed uint64) error {
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Grace: 2 * time.Millisecond,
		Slots: 512})
	if err != nil {
		return err
	}
	number, err := lastNumber(path)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	gone := parentGone()
	rng := rand.New(rand.NewPCG(seed, 1))
	buffer := make([]byte, largestPayload)
	for {
		select {
		case <-gone:
			return w.Close()
		default:
		}
		number++
		content := payload(buffer, number, 16+rng.IntN(largestPayload-16)>>rng.IntN(16))
		if rng.IntN(2) == 0 {
			_, err = w.Publish(content)
		} else {
			_, err = w.Update(len(content), func(c *mmapsync.Copy) error {
				return rewrite(c, content)
			})
		}
		if err != nil {
			return err
		}
		if rng.IntN(8) == 0 {
			time.Sleep(time.Duration(rng.IntN(200)) * time.Microsecond)
		}
	}
}

// rewrite checks that the copy holds what it says before it writes content over it.
func rewrite(c *mmapsync.Copy, content []byte) error {
	if c.Holds != 0 && c.Size <= len(c.Bytes) {
		if _, err := payloadNumber(c.Bytes[:c.Size]); err != nil {
			return fmt.Errorf("the copy of publication %d for %d: %w", c.Holds, c.Number, err)
		}
	}
	copy(c.Bytes, content)
	return nil
}

func lastNumber(path string) (uint64, error) {
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		return 0, err
	}
	defer r.Close()
	s, err := r.Acquire()
	if errors.Is(err, mmapsync.ErrNotPublished) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer s.Release()
	return payloadNumber(s.Bytes())
}

// readerProcess checks snapshots until it is told to end, and says how many it has seen.
func readerProcess(path string, seed uint64) error {
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	gone := parentGone()
	rng := rand.New(rand.NewPCG(seed, 2))
	goroutines, finished := 1+rng.IntN(3), make(chan error)
	var seen atomic.Uint64
	for g := range goroutines {
		go func() { finished <- readAll(r, rand.New(rand.NewPCG(seed, uint64(g))), gone, &seen) }()
	}
	for range goroutines {
		if err := <-finished; err != nil {
			return err
		}
	}
	fmt.Println("seen", seen.Load())
	return r.Close()
}

// readAll checks snapshots until gone is closed, and counts them.
func readAll(r *mmapsync.Reader, rng *rand.Rand, gone <-chan struct{}, seen *atomic.Uint64) error {
	var last uint64
	for ; ; seen.Add(1) {
		select {
		case <-gone:
			return nil
		default:
		}
		s, err := r.Acquire()
		if errors.Is(err, mmapsync.ErrNotPublished) {
			continue
		}
		if err != nil {
			return err
		}
		for looks := 1 + rng.IntN(2); looks > 0; looks-- {
			number, err := payloadNumber(s.Bytes())
			if err != nil {
				return err
			}
			if number < last {
				return fmt.Errorf("publication %d after %d", number, last)
			}
			last = number
			if rng.IntN(100) == 0 {
				time.Sleep(time.Duration(rng.IntN(6)) * time.Millisecond)
			}
		}
		s.Release()
	}
}

// holderProcess takes one snapshot, and checks it again when it is told to end.
func holderProcess(path string, _ uint64) error {
	r, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		return err
	}
	s, err := r.Acquire()
	if err != nil {
		return err
	}
	before, err := payloadNumber(s.Bytes())
	if err != nil {
		return err
	}
	fmt.Println("ready")
	<-parentGone()
	after, err := payloadNumber(s.Bytes())
	if err == nil && after != before {
		err = fmt.Errorf("the held snapshot was publication %d and is %d", before, after)
	}
	if err == nil {
		if err = s.Verify(); errors.Is(err, mmapsync.ErrNotHashed) {
			err = nil
		}
	}
	fmt.Println("seen", after)
	s.Release()
	return errors.Join(err, r.Close())
}

// child is a process in a role.
type child struct {
	*exec.Cmd
	role   string
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr bytes.Buffer
}

func start(t *testing.T, role, path string, seed uint64) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0]), role: role}
	// Under -race a process otherwise sleeps for a second before it ends.
	c.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", roleVariable+"="+role,
		pathVariable+"="+path, seedVariable+"="+strconv.FormatUint(seed, 10))
	c.Stderr = &c.stderr
	stdin, err := c.StdinPipe()
	must(t, err)
	stdout, err := c.StdoutPipe()
	must(t, err)
	c.stdin, c.stdout = stdin, bufio.NewReader(stdout)
	must(t, c.Start())
	t.Cleanup(func() {
		if c.ProcessState == nil {
			c.Process.Kill()
			c.Wait()
		}
	})
	if line, err := c.stdout.ReadString('\n'); line != "ready\n" {
		c.Wait()
		t.Fatalf("%s did not start: %v %s", role, err, &c.stderr)
	}
	return c
}

// kill ends the process at whatever instruction it is; it must not have ended by itself.
func (c *child) kill(t *testing.T) {
	t.Helper()
	c.Process.Kill()
	err := c.Wait()
	if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Fatalf("%s ended before it was killed: %v %s", c.role, err, &c.stderr)
	}
}

// finish tells the process to end, and returns the number it reports.
func (c *child) finish(t *testing.T) (seen int) {
	t.Helper()
	c.stdin.Close()
	out, _ := io.ReadAll(c.stdout)
	if err := c.Wait(); err != nil {
		t.Fatalf("%s: %v %s", c.role, err, &c.stderr)
	}
	fmt.Sscanf(string(out), "seen %d", &seen)
	return seen
}

// stressTime is how long TestProcesses runs.
func stressTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(stressVariable)
	if text == "" {
		return 4 * time.Second
	}
	d, err := time.ParseDuration(text)
	must(t, err)
	return d
}

// sharedPath is on a tmpfs where there is one.
func sharedPath(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "mmapsync-test-")
	if err != nil {
		return filepath.Join(t.TempDir(), "table")
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return filepath.Join(folder, "table")
}

func TestProcessesKilledAndStoppedAtRandom(t *testing.T) {
	path := sharedPath(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	writer := start(t, "writer", path, rng.Uint64())
	var readers []*child
	for range 4 {
		readers = append(readers, start(t, "reader", path, rng.Uint64()))
	}
	counts := map[string]int{}
	for end := time.Now().Add(stressTime(t)); time.Now().Before(end); {
		time.Sleep(time.Duration(rng.IntN(40)) * time.Millisecond)
		k := rng.IntN(len(readers))
		stop := func(c *child) {
			must(t, c.Process.Signal(syscall.SIGSTOP))
			time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond)
			must(t, c.Process.Signal(syscall.SIGCONT))
		}
		switch rng.IntN(5) {
		case 0:
			counts["writers killed"]++
			writer.kill(t)
			writer = start(t, "writer", path, rng.Uint64())
		case 1, 2:
			counts["readers killed"]++
			readers[k].kill(t)
			readers[k] = start(t, "reader", path, rng.Uint64())
		case 3:
			counts["readers stopped"]++
			stop(readers[k])
		case 4:
			counts["writers stopped"]++
			stop(writer)
		}
	}
	seen := 0
	for _, r := range readers {
		seen += r.finish(t)
	}
	writer.finish(t)
	number, err := lastNumber(path)
	must(t, err)
	if seen == 0 || number == 0 {
		t.Errorf("%d snapshots seen of %d published: nothing was tested", seen, number)
	}
	t.Logf("%d publications, %d snapshots checked by the last readers, %v", number, seen, counts)
	expectNoDrafts(t, path)
}

func expectNoDrafts(t *testing.T, path string) {
	t.Helper()
	drafts, err := filepath.Glob(path + "*.tmp")
	must(t, err)
	if len(drafts) > 0 {
		t.Errorf("left behind: %v", drafts)
	}
}

func TestStoppedReaderKeepsItsSnapshotAndStopsNobody(t *testing.T) {
	path := sharedPath(t)
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Grace: time.Millisecond})
	must(t, err)
	defer w.Close()
	buffer := make([]byte, largestPayload)
	_, err = w.Publish(payload(buffer, 1, 100_000))
	must(t, err)
	holder := start(t, "holder", path, 0)
	must(t, holder.Process.Signal(syscall.SIGSTOP))
	r := openReader(t, path)
	longest := time.Duration(0)
	for number := uint64(2); number < 200; number++ {
		want := payload(buffer, number, 100_000)
		began := time.Now()
		_, err := w.Publish(want)
		longest = max(longest, time.Since(began))
		must(t, err)
		expect(t, r, string(want))
	}
	t.Logf("while a reader is stopped the longest publication takes %v, with a grace of 1ms",
		longest)
	must(t, holder.Process.Signal(syscall.SIGCONT))
	if number := holder.finish(t); number != 1 {
		t.Errorf("the stopped reader holds publication %d, want 1", number)
	}
}

func TestKilledReaderFreesItsSlot(t *testing.T) {
	path := sharedPath(t)
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Grace: time.Hour, Slots: 1})
	must(t, err)
	defer w.Close()
	buffer := make([]byte, 64)
	for number := uint64(1); number < 6; number++ {
		_, err = w.Publish(payload(buffer, number, 64))
		must(t, err)
		holder := start(t, "holder", path, 0)
		if _, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{}); !errors.Is(err,
			mmapsync.ErrNoSlot) {
			t.Fatalf("the only slot is taken: %v, want ErrNoSlot", err)
		}
		holder.kill(t)
		if number%2 == 0 { // the next holder clears the slot itself, or the writer did
			_, err = w.Publish(payload(buffer, number, 64))
			must(t, err)
			_, err = w.Publish(payload(buffer, number, 64))
			must(t, err)
		}
	}
}

func TestWritersRaceForANewPath(t *testing.T) {
	for range 5 {
		path := sharedPath(t)
		type result struct {
			w   *mmapsync.Writer
			err error
		}
		results := make(chan result)
		for range 4 {
			go func() {
				w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Slots: 4})
				results <- result{w, err}
			}()
		}
		var won []*mmapsync.Writer
		for range 4 {
			switch r := <-results; {
			case r.err == nil:
				won = append(won, r.w)
			case !errors.Is(r.err, mmapsync.ErrLocked):
				t.Errorf("a writer that lost says %v, want ErrLocked", r.err)
			}
		}
		if len(won) > 1 {
			t.Fatalf("%d writers have the path", len(won))
		}
		if len(won) == 0 {
			// they may all have met in the making; the next one gets it
			won = append(won, openWriter(t, path))
		}
		publish(t, won[0], "x")
		expect(t, openReader(t, path), "x")
		must(t, won[0].Close())
		expectNoDrafts(t, path)
	}
}

func TestFullFileSystemIsAnError(t *testing.T) {
	// A limit on the size of files acts like a full file system for this process's child, without
	// mounting one.
	path := sharedPath(t)
	w := openWriter(t, path)
	publish(t, w, "former")
	r := openReader(t, path)
	var before syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: before.Max}))
	_, err := w.Publish(make([]byte, 2<<20))
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
	var system *fs.PathError
	if !errors.As(err, &system) || !strings.Contains(err.Error(), "_data_") {
		t.Errorf("Publish beyond the limit says %v, want an error of the system that names the file", err)
	}
	expect(t, r, "former")
	expectNoDrafts(t, path)
	publish(t, w, strings.Repeat("x", 2<<20))
	expect(t, r, strings.Repeat("x", 2<<20))
}
