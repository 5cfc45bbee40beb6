//go:build linux

package mmapsync_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/mmapsync"
)

// These tests have two real writers at one path, ours and one that takes the steps of the crate
// mmap-sync, one after the other and both at a time, and real readers that follow.

// publishAsTheCrate publishes content as the crate does.
func publishAsTheCrate(t *testing.T, w *crateWriter, content string) {
	t.Helper()
	must(t, w.publish([]byte(content), mmapsync.ForeignHash([]byte(content))))
}

func expectOvertaken(t *testing.T, err error, path string, found mmapsync.Version) {
	t.Helper()
	var foreign *mmapsync.ForeignVersionError
	if !errors.As(err, &foreign) || foreign.Path != path+"_state" || foreign.Found != found ||
		foreign.Wrote == found {
		t.Errorf("beside another writer: %v, want a ForeignVersionError that names %s and the version %#x", err, path+"_state", uint64(found))
	}
}

func TestAWriterThatIsOvertakenStopsAndSaysSo(t *testing.T) {
	for _, before := range []int{0, 1, 2} { // publications of ours
		path := sharedPath(t)
		w := openWriter(t, path)
		for range before {
			publish(t, w, "ours")
		}
		must(t, w.Check())
		crate := newCrateWriter(t, path)
		publishAsTheCrate(t, crate, "theirs")
		expectOvertaken(t, w.Check(), path, crate.announced())
		for range 3 {
			_, err := w.Publish([]byte("ours again"))
			expectOvertaken(t, err, path, crate.announced())
			_, err = w.Update(10, func(*mmapsync.Copy) error { t.Error("fill was called"); return nil })
			expectOvertaken(t, err, path, crate.announced())
		}
		expect(t, openForeign(t, path), "theirs")
		if n := w.Stats().Publications; n != uint64(before) {
			t.Errorf("%d publications are counted, want %d", n, before)
		}
		found := crate.announced()
		publishAsTheCrate(t, crate, "theirs 2")
		_, err := w.Publish(nil)
		expectOvertaken(t, err, path, found) // it says what it found first
		expect(t, openForeign(t, path), "theirs 2")
		must(t, w.Close())
	}
}

func TestAVersionStoredDuringAPublicationIsNotLost(t *testing.T) {
	path := sharedPath(t)
	w := openWriter(t, path)
	publish(t, w, "ours")
	crate := newCrateWriter(t, path)
	_, err := w.Update(4, func(c *mmapsync.Copy) error {
		publishAsTheCrate(t, crate, "theirs")
		return nil
	})
	expectOvertaken(t, err, path, crate.announced())
	expect(t, openForeign(t, path), "theirs")
}

func TestAReaderInPlaceRefusesWhatOurWriterHasNotPublished(t *testing.T) {
	path := sharedPath(t)
	w := openWriter(t, path)
	r := openReader(t, path)
	for _, content := range []string{"ours 1", "ours 2"} {
		publish(t, w, content)
		expect(t, r, content)
	}
	must(t, w.Close())
	crate := newCrateWriter(t, path)
	for _, content := range []string{"longer", "theirs", "ours 1", "ours 2",
		strings.Repeat("x", 5000)} {
		publishAsTheCrate(t, crate, content)
		for _, r := range []*mmapsync.Reader{r, openReader(t, path)} {
			_, err := r.Acquire()
			var refused *mmapsync.FormatError
			grown := len(content) > 4096 // which the file's length says before its footer does
			if !errors.As(err, &refused) || !grown && !strings.Contains(err.Error(),
				"ReaderOptions.Foreign") {
				t.Errorf("a publication of the crate: %v, want a FormatError that names the option",
					err)
			}
		}
		expect(t, openForeign(t, path), content)
	}
}

func TestAReaderOfForeignFilesReadsBothWritersInTurns(t *testing.T) {
	path := sharedPath(t)
	w := openWriter(t, path)
	r := openForeign(t, path)
	publish(t, w, "ours")
	held, err := r.Acquire()
	must(t, err)
	var contents []string
	for _, size := range []int{1, 100, 5000, 4, 20_000, 20_000} {
		// the files are replaced for the larger ones
		content := strings.Repeat(fmt.Sprint(size%7), size)
		publish(t, w, content)
		expect(t, r, content)
		contents = append(contents, content)
	}
	crate := newCrateWriter(t, path)
	for _, content := range append(contents, "", strings.Repeat("z", 100_000)) {
		publishAsTheCrate(t, crate, content)
		expect(t, r, content)
	}
	if string(held.Bytes()) != "ours" || held.Verify() != nil {
		t.Errorf("a snapshot that was held is now %q, %v", held.Bytes(), held.Verify())
	}
	held.Release()
}

// The way back: our writer takes the files over, and begins with what the crate's writer has
// published last, whether or not there is older content of ours that still has its footer.
func TestAWriterThatRepairsGoesOnFromTheCratesPublication(t *testing.T) {
	const size = 4032
	for _, before := range []string{"nothing", "publications", "updates"} {
		t.Run(before, func(t *testing.T) {
			path := sharedPath(t)
			if before != "nothing" {
				w := openWriter(t, path)
				for n := range 4 {
					content := strings.Repeat(fmt.Sprint(n), size)
					if before == "publications" {
						publish(t, w, content)
						continue
					}
					_, err := w.Update(size, func(c *mmapsync.Copy) error {
						copy(c.Bytes, content)
						return nil
					})
					must(t, err)
				}
				must(t, w.Close())
			}
			crate := newCrateWriter(t, path)
			for _, content := range []string{"theirs 1", "theirs 2", "theirs 3"} {
				// over the beginning of ours
				publishAsTheCrate(t, crate, content)
			}
			r := openForeign(t, path)
			expect(t, r, "theirs 3")
			w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Repair: true})
			must(t, err)
			defer w.Close()
			if replaced, err := r.Replaced(); !replaced || err != nil {
				t.Errorf("Replaced says %v, %v", replaced, err)
			}
			expect(t, r, "theirs 3")
			expect(t, openForeign(t, path), "theirs 3")
			expect(t, openReader(t, path), "theirs 3")
			if err := w.Stats().Damage; err == nil || !strings.Contains(err.Error(), "mmap-sync") {
				t.Errorf("Stats say %v of what was found", err)
			}
			_, err = w.Update(size, func(c *mmapsync.Copy) error {
				if string(c.Current) != "theirs 3" {
					t.Errorf("the current publication is %.20q", c.Current)
				}
				clear(c.Bytes)
				return nil
			})
			must(t, err)
			s, err := openReader(t, path).Acquire()
			must(t, err)
			if !bytes.Equal(s.Bytes(), make([]byte, size)) {
				t.Errorf("after the update a reader sees %.20q", s.Bytes())
			}
			s.Release()
			publishAsTheCrate(t, crate, "theirs 4") // in files that have no names any more
			must(t, w.Check())
		})
	}
}

func TestAReaderOfForeignFilesTakesNoUnprovedUpdate(t *testing.T) {
	path := sharedPath(t)
	w := openWriter(t, path)
	r := openForeign(t, path)
	_, err := w.Update(4, func(c *mmapsync.Copy) error { copy(c.Bytes, "ours"); return nil })
	must(t, err)
	if _, err := r.Acquire(); !errors.Is(err, mmapsync.ErrNotHashed) ||
		!strings.Contains(err.Error(), path+"_data_0") {
		t.Errorf("Acquire says %v, want ErrNotHashed and the file", err)
	}
	publish(t, w, "whole")
	expect(t, r, "whole")
}

func TestAReaderOfForeignFilesTakesNoMixture(t *testing.T) {
	path := sharedPath(t)
	w := openWriter(t, path)
	publish(t, w, "ours")
	v := publish(t, w, "ours, and longer")
	r := openForeign(t, path)
	f, err := os.OpenFile(fmt.Sprint(path, "_data_", v.Index()), os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte("theirs"), 0) // before it stores its version
	must(t, err)
	_, err = r.Acquire()
	var refused *mmapsync.FormatError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "two writers") {
		t.Errorf("Acquire says %v, want a FormatError that says why", err)
	}
}

// Publications are numbered within a range for each writer, so that a reader can tell whether it
// went backwards.
const numbersOfAWriter = 1 << 40

// foreignPayload is the payload of this number in a buffer, between 16 bytes and 64 KiB, mostly
// large.
func foreignPayload(rng *rand.Rand, buffer []byte, number uint64) []byte {
	return payload(buffer, number, len(buffer)-rng.IntN(len(buffer)-16)>>rng.IntN(8))
}

const foreignLargest = 1 << 16

// publisherProcess publishes until it is told to end, or finds that somebody else does, from the
// number seed on.
func publisherProcess(path string, seed uint64) error {
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Grace: time.Millisecond, Slots: 64,
		Repair: true})
	if err != nil {
		return err
	}
	rng, buffer := rand.New(rand.NewPCG(seed, 4)), make([]byte, foreignLargest)
	n, err := publishUntilGone(seed, func(number uint64) error {
		_, err := w.Publish(foreignPayload(rng, buffer, number))
		return err
	})
	fmt.Println("seen", n)
	var foreign *mmapsync.ForeignVersionError
	if errors.As(err, &foreign) {
		fmt.Println("stopped:", err)
		err = nil
	}
	return errors.Join(err, w.Close())
}

// crateProcess does so as the crate does, and never looks whether somebody else publishes.
func crateProcess(path string, seed uint64) error {
	w, err := openCrate(path)
	if err != nil {
		return err
	}
	rng, buffer := rand.New(rand.NewPCG(seed, 5)), make([]byte, foreignLargest)
	n, err := publishUntilGone(seed, func(number uint64) error {
		content := foreignPayload(rng, buffer, number)
		return w.publish(content, mmapsync.ForeignHash(content))
	})
	fmt.Println("seen", n)
	return err
}

// publishUntilGone publishes the numbers after first, and returns how many.
func publishUntilGone(first uint64, publish func(number uint64) error) (n uint64, err error) {
	gone := parentGone()
	for n = 1; ; n++ {
		if err := publish(first + n); err != nil {
			return n - 1, err
		}
		if n == 1 {
			fmt.Println("ready")
		}
		select {
		case <-gone:
			return n, nil
		default:
		}
	}
}

// followed is what a follower has seen.
type followed struct {
	seen, torn, backward, refused, reopened int
	errors                                  map[string]int
	// the highest number, by the writer's range
	last  map[uint64]uint64
	found func(writer uint64)
}

// look takes one snapshot and reads it twice.
func (f *followed) look(r *mmapsync.Reader) {
	s, err := r.Acquire()
	if errors.Is(err, mmapsync.ErrNotPublished) {
		return
	}
	if err != nil {
		f.refused++
		f.errors[err.Error()]++
		return
	}
	defer s.Release()
	before, err1 := payloadNumber(s.Bytes())
	number, err2 := payloadNumber(s.Bytes())
	f.seen++
	if err1 != nil || err2 != nil || number != before {
		f.torn++
		return
	}
	writer := number / numbersOfAWriter
	if number < f.last[writer] {
		f.backward++
	}
	if f.last[writer] == 0 && f.found != nil {
		f.found(writer)
	}
	f.last[writer] = number
}

// followerProcess reads with the option Foreign until it is told to end, and opens the path anew
// where it was made anew.
func followerProcess(path string, _ uint64) error {
	open := func() (*mmapsync.Reader, error) {
		return mmapsync.OpenReader(path, mmapsync.ReaderOptions{Foreign: true})
	}
	r, err := open()
	if err != nil {
		return err
	}
	fmt.Println("ready")
	f := followed{last: map[uint64]uint64{}, errors: map[string]int{}}
	f.found = func(writer uint64) { fmt.Println("found", writer) }
	for gone := parentGone(); ; f.look(r) {
		select {
		case <-gone:
			for text, n := range f.errors {
				fmt.Fprintln(os.Stderr, n, text)
			}
			fmt.Println("seen", f.seen, "torn", f.torn, "backward", f.backward, "refused",
				f.refused, "reopened", f.reopened, "last", f.last)
			return r.Close()
		default:
		}
		if replaced, err := r.Replaced(); err != nil || !replaced {
			continue
		}
		if next, err := open(); err == nil {
			r.Close()
			r = next
			f.reopened++
		}
	}
}

// followers are the processes that read.
type followers []*child

func follow(t *testing.T, path string, n int) (f followers) {
	t.Helper()
	for range n {
		f = append(f, start(t, "follower", path, 0))
	}
	return f
}

// find waits until each has seen something of the writer.
func (f followers) find(t *testing.T, writer uint64) {
	t.Helper()
	want := fmt.Sprintln("found", writer)
	for _, c := range f {
		for line := ""; line != want; {
			var err error
			if line, err = c.stdout.ReadString('\n'); err != nil {
				t.Fatalf("nothing of writer %d is read: %v %s", writer, err, &c.stderr)
			}
		}
	}
}

// expectWhole ends them. Nothing that they saw may be torn or go backwards.
func (f followers) expectWhole(t *testing.T) {
	t.Helper()
	for _, c := range f {
		c.stdin.Close()
		out, _ := io.ReadAll(c.stdout)
		if err := c.Wait(); err != nil {
			t.Fatalf("%v %s", err, &c.stderr)
		}
		text := string(out[bytes.LastIndex(out, []byte("seen")):])
		var got followed
		if _, err := fmt.Sscanf(text, "seen %d torn %d backward %d", &got.seen, &got.torn,
			&got.backward); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		t.Log(strings.TrimSpace(text), strings.TrimSpace(c.stderr.String()))
		if got.torn != 0 || got.backward != 0 {
			t.Errorf("%d of %d snapshots were torn and %d went backwards", got.torn, got.seen,
				got.backward)
		}
	}
}

// lull is how long processes run against each other when all of them are at work.
const lull = 150 * time.Millisecond

func TestReadersFollowARollbackToTheCrateAndTheWayBack(t *testing.T) {
	path := sharedPath(t)
	ours := start(t, "publisher", path, 0)
	f := follow(t, path, 2)
	f.find(t, 0)
	time.Sleep(lull)
	ours.finish(t)
	for writer := uint64(1); writer < 5; writer += 2 {
		theirs := start(t, "crate", path, writer*numbersOfAWriter)
		f.find(t, writer)
		time.Sleep(lull)
		theirs.kill(t)
		ours = start(t, "publisher", path, (writer+1)*numbersOfAWriter)
		f.find(t, writer+1)
		time.Sleep(lull)
		ours.finish(t)
	}
	f.expectWhole(t)
}

func TestTwoWritersAtATimeTearNothing(t *testing.T) {
	for round := range 4 {
		path := sharedPath(t)
		ours := start(t, "publisher", path, 0)
		f := follow(t, path, 2)
		f.find(t, 0)
		theirs := start(t, "crate", path, numbersOfAWriter)
		if round%2 == 0 { // and where one of them is stopped in the middle of something
			must(t, theirs.Process.Signal(syscall.SIGSTOP))
			time.Sleep(lull / 5)
			must(t, theirs.Process.Signal(syscall.SIGCONT))
		}
		deadline := time.AfterFunc(time.Minute, func() { ours.Process.Kill() })
		out, err := io.ReadAll(ours.stdout) // it ends by itself
		deadline.Stop()
		if err = errors.Join(err, ours.Wait()); err != nil ||
			!bytes.Contains(out, []byte("stopped: ")) ||
			!bytes.Contains(out, []byte(path+"_state")) {
			t.Errorf("our writer beside another one has not stopped: %q, %v %s", out, err,
				&ours.stderr)
		}
		f.find(t, 1)
		time.Sleep(lull)
		theirs.kill(t)
		f.expectWhole(t)
	}
}
