package hostlimits

import (
	"fmt"
	"sync/atomic"
)

// Every process of the group can write anywhere in a limits file. What it writes there by mistake
// would count: requests that are not in flight would refuse others, and open requests would be
// forgotten. The Keeper therefore inspects all counters again and again. Ledgers of free seats are
// set to zero. If the ledger of a living process has counts that no process can have, the Keeper
// abandons the file and makes another one.

// DamageError says which contents of a limits file no process can have counted.
type DamageError struct {
	Path   string
	Reason string
}

// Error implements error.
func (e *DamageError) Error() string { return fmt.Sprintf("limits: %s: %s", e.Path, e.Reason) }

const (
	// maxInFlight is the most requests that one process can have in flight in the sketch or in
	// exact counters: more connections than a process may open by default.
	maxInFlight = 1 << 20

	// Bounds of the differences that requests make which come and go during an inspection.
	maxRowsApart = 1024 // and an eighth
	maxNameless  = 16

	// auditBytes is how much of a file an inspection reads for each call of Reap, on average.
	auditBytes = 16 << 20
)

// finding is what an inspection found in one ledger.
type finding struct {
	used     bool     // a word is not zero
	wild     uint64   // counters that are too high to be true
	sums     []uint64 // of the rows of the sketch
	squares  []uint64 // sums of the cells' squares
	held     uint64   // in exact counters
	nameless uint64   // of these, in counters without a key
}

// audit inspects all counters, while processes go on counting.
func (b *board) audit() []finding {
	found := make([]finding, b.seats)
	for k := range found {
		found[k].sums, found[k].squares = make([]uint64, b.Rows), make([]uint64, b.Rows)
	}
	for row := range b.Rows {
		for column := range uint(1) << b.Width {
			words := b.cells[(row<<b.Width|column)*b.seats:][:b.seats]
			for k := range words {
				if n := atomic.LoadUint32(&words[k]); n != 0 {
					found[k].cell(row, n)
				}
			}
		}
	}
	for counter := range uint(b.counters()) {
		b.auditCounter(counter, found)
	}
	return found
}

func (f *finding) cell(row uint, n uint32) {
	f.used = true
	if n >= implausible {
		f.wild++
		return
	}
	f.sums[row] += uint64(n)
	f.squares[row] += min(uint64(n)*uint64(n), 1<<40) // so that no sum wraps
}

func (b *board) auditCounter(counter uint, found []finding) {
	words, owned := b.held[counter*b.seats:][:b.seats], b.soundCounter(counter)
	for k := range words {
		w := heldWord(atomic.LoadUint64(&words[k]))
		if w == 0 {
			continue
		}
		f := &found[k]
		f.used = true
		if uint32(w) >= implausible {
			f.wild++
		}
		f.held += w.inFlight()
		if !owned {
			f.nameless += w.inFlight()
		}
	}
}

// soundCounter reports whether a counter's name is a key that can have its tag. The file does not
// have all of long keys.
func (b *board) soundCounter(counter uint) bool {
	if b.tag(counter) == 0 {
		return false
	}
	n := uint32(atomic.LoadUint64(&b.nameAt(counter)[0]))
	if n == 0 || n > nameBytes {
		return n != 0
	}
	_, ok := b.name(counter)
	return ok
}

// problem returns what of a finding cannot be true, or "".
func (f *finding) problem(columns uint64) string {
	low, high := f.sums[0], f.sums[0]
	for row, sum := range f.sums {
		low, high = min(low, sum), max(high, sum)
		if even(sum, f.squares[row], columns) {
			return fmt.Sprintf("%d requests in the sketch, as many in every cell", sum)
		}
	}
	switch {
	case f.wild > 0:
		return fmt.Sprintf("%d counters of 2^30 or more", f.wild)
	case high > maxInFlight || f.held > maxInFlight:
		return fmt.Sprintf("%d requests in the sketch and %d in exact counters", high, f.held)
	case high-low > maxRowsApart+high/8:
		return fmt.Sprintf("%d requests in one row of the sketch and %d in another", low, high)
	case f.nameless > maxNameless:
		return fmt.Sprintf("%d requests in exact counters of no key", f.nameless)
	}
	return ""
}

// even reports whether a row is filled too evenly to be counted. The cells of requests of different
// keys vary at least as those of a random process of single events, whose variance is its mean; in
// so many cells a fourth of that does not happen.
func even(sum, squares, columns uint64) bool {
	if columns < 64 || sum < columns/2 {
		return false
	}
	mean := float64(sum) / float64(columns)
	return float64(squares)/float64(columns)-mean*mean < mean/4
}

// scrub sets to zero the ledger of a free seat, and reports whether it had counts.
func (b *board) scrub(f openFile, k uint) (bool, error) {
	if err := f.lock(seatOffset(k)); err != nil {
		return false, unlessLocked(err)
	}
	defer f.unlock(seatOffset(k))
	if b.seatWord(k).Load() != 0 { // its process has died just now: the reaper frees it
		return false, nil
	}
	b.empty(k)
	return true, nil
}

// freeCounters frees the exact counters that no key can find: those whose tag is not their name's,
// and those that are being closed although no process assigns. It leaves those with requests in
// flight.
func (b *board) freeCounters() (freed uint64) {
	for set := range b.locks {
		for j := range uint(countersPerSet) {
			counter := uint(set)*countersPerSet + j
			if t := b.tag(counter); t == 0 || b.soundCounter(counter) && !t.has(tagClosing) ||
				!atomic.CompareAndSwapUint64(&b.locks[set], 0, uint64(b.seat)+1) {
				continue
			}
			if t := b.tag(counter); t != 0 && (!b.soundCounter(counter) || t.has(tagClosing)) &&
				b.heldByAll(counter, noSeat) == 0 {
				b.storeTag(counter, 0)
				freed++
			}
			atomic.CompareAndSwapUint64(&b.locks[set], uint64(b.seat)+1, 0)
		}
	}
	return freed
}

// audit inspects the file and repairs what it can. If a problem in the ledger of a living process
// stays, the Keeper abandons the file.
func (k *Keeper) audit() error {
	k.inspections++
	if every := 1 + uint64(len(k.board.memory))/auditBytes; k.inspections%every != 0 {
		return nil
	}
	var problems map[uint]string
	err := k.guard(func() (err error) {
		problems, err = k.inspect()
		for range suspectLooks {
			if len(problems) > 0 { // requests may have come and gone meanwhile
				keepCommon(problems, k.board.problems(k.board.audit()))
			}
		}
		k.scrubbed += k.board.freeCounters()
		return err
	})
	before := k.suspects
	k.suspects = problems
	for seat, problem := range problems {
		if before[seat] != "" {
			reason := fmt.Sprintf("an unknown process has written to the counters of seat %d: %s",
				seat, problem)
			return k.giveUp(reason)
		}
	}
	return err
}

// suspectLooks is how often a seat with a problem is inspected again at once.
const suspectLooks = 2

// inspect sets the ledgers of free seats to zero, and returns the problems of the others by seat.
func (k *Keeper) inspect() (problems map[uint]string, err error) {
	found := k.board.audit()
	for seat := range found {
		if at := uint(seat); found[at].used && k.board.seatWord(at).Load() == 0 {
			err = firstError(err, k.scrub(at))
		}
	}
	return k.board.problems(found), err
}

// problems returns the problems of the seats that are taken.
func (b *board) problems(found []finding) map[uint]string {
	problems := make(map[uint]string)
	for seat := range found {
		if b.seatWord(uint(seat)).Load() == 0 {
			continue
		}
		if problem := found[seat].problem(1 << b.Width); problem != "" {
			problems[uint(seat)] = problem
		}
	}
	return problems
}

// keepCommon deletes from all what some does not have.
func keepCommon(all, some map[uint]string) {
	for seat := range all {
		if some[seat] == "" {
			delete(all, seat)
		}
	}
}

func (k *Keeper) scrub(seat uint) error {
	done, err := k.board.scrub(k.file, seat)
	if done {
		k.scrubbed++
		return firstError(err, &DamageError{k.path, fmt.Sprintf(
			"an unknown process had written to counters of free seat %d; they are zero again %s",
			seat, findWriter)})
	}
	return err
}

// giveUp makes another file, and marks this one so that the processes stop counting in it. Requests
// that are in flight now are not counted in the new file.
func (k *Keeper) giveUp(reason string) error {
	old := k.board
	err := k.guard(func() error { old.word(givenUpAt).Store(1); return nil })
	if err == nil {
		err = k.replace()
	}
	if err != nil {
		return err
	}
	k.givenUp, k.suspects = k.givenUp+1, nil
	return &DamageError{k.path,
		reason + "; another file was made, and what was in flight is forgotten " + findWriter}
}

// findWriter says what to do about damage.
const findWriter = "(find out which program of the group did it)"

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
