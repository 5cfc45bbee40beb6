package hostlimits

import (
	"fmt"
	"sync/atomic"
)

// Every process of the group can write anywhere in a limits file. What it writes there by mistake would be believed: it
// would refuse requests of which nobody has any in flight, or forget those that are. The Keeper therefore looks at all
// counters again and again. What is in ledgers that nobody has is set to zero. Where the ledger of a living process has
// what no process can have, the file is given up and another one made.

// DamageError says what was found in a limits file that no process can have counted.
type DamageError struct {
	Path   string
	Reason string
}

// Error implements error.
func (e *DamageError) Error() string { return fmt.Sprintf("limits: %s: %s", e.Path, e.Reason) }

const (
	// maxInFlight is the most that one process can have in flight in the sketch or in exact counters: more connections than a
	// process may open by default.
	maxInFlight = 1 << 20

	// Bounds of what requests that come and go during a look can make of sound counters.
	maxRowsApart = 1024 // and an eighth
	maxNameless  = 16

	// auditBytes is how much of a file is looked at for each look of the Keeper, on average.
	auditBytes = 16 << 20
)

// finding is what a look found in one ledger.
type finding struct {
	used     bool     // some word is not zero
	wild     uint64   // counters beyond anything that can be
	sums     []uint64 // of the rows of the sketch
	squares  []uint64 // sums of the cells' squares
	held     uint64   // in exact counters
	nameless uint64   // of these, in slots of no key
}

// audit looks at all counters, without stopping anybody.
func (b *board) audit() []finding {
	found := make([]finding, b.processes)
	for k := range found {
		found[k].sums, found[k].squares = make([]uint64, b.Rows), make([]uint64, b.Rows)
	}
	for row := range b.Rows {
		for column := range uint(1) << b.Width {
			words := b.cells[(row<<b.Width|column)*b.processes:][:b.processes]
			for k := range words {
				if n := atomic.LoadUint32(&words[k]); n != 0 {
					found[k].cell(row, n)
				}
			}
		}
	}
	for slot := range uint(b.slots()) {
		b.auditSlot(slot, found)
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

func (b *board) auditSlot(slot uint, found []finding) {
	words, owned := b.held[slot*b.processes:][:b.processes], b.soundSlot(slot)
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

// soundSlot tells whether a slot's name is a key that its tag can be of. Of long keys the file does not tell.
func (b *board) soundSlot(slot uint) bool {
	if b.tag(slot) == 0 {
		return false
	}
	n := uint32(atomic.LoadUint64(&b.nameOf(slot)[0]))
	if n == 0 || n > nameBytes {
		return n != 0
	}
	_, ok := b.name(slot)
	return ok
}

// problem says what of a finding cannot be, or nothing.
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

// even tells whether a row is filled too evenly to be counted. The cells of requests of different keys vary at least as
// those of a random process of single events, whose variance is its mean; a fourth of that in so many cells does not
// happen.
func even(sum, squares, columns uint64) bool {
	if columns < 64 || sum < columns/2 {
		return false
	}
	mean := float64(sum) / float64(columns)
	return float64(squares)/float64(columns)-mean*mean < mean/4
}

// scrub sets to zero what a ledger holds that nobody has, and tells whether it was one.
func (b *board) scrub(f openFile, k uint) (bool, error) {
	if err := f.lock(ledgerAt(k)); err != nil {
		return false, unlessLocked(err)
	}
	defer f.unlock(ledgerAt(k))
	if b.taken(k).Load() != 0 { // its process has died just now, and is the reaper's
		return false, nil
	}
	b.empty(k)
	return true, nil
}

// freeSlots gives slots back that no key can find: those of a tag that is not the name's, and those that are being closed
// although nobody assigns. Where something is in flight they are left.
func (b *board) freeSlots() (freed uint64) {
	for set := range b.locks {
		for j := range uint(slotsPerSet) {
			slot := uint(set)*slotsPerSet + j
			if t := b.tag(slot); t == 0 || b.soundSlot(slot) && !t.has(tagClosing) ||
				!atomic.CompareAndSwapUint64(&b.locks[set], 0, uint64(b.own)+1) {
				continue
			}
			if t := b.tag(slot); t != 0 && (!b.soundSlot(slot) || t.has(tagClosing)) && b.heldByAll(slot, none) == 0 {
				b.storeTag(slot, 0)
				freed++
			}
			atomic.CompareAndSwapUint64(&b.locks[set], uint64(b.own)+1, 0)
		}
	}
	return freed
}

// audit looks at the file and repairs what it can. A problem in a ledger of a living process that does not go away makes
// the Keeper give the file up.
func (k *Keeper) audit() error {
	k.looks++
	if every := 1 + uint64(len(k.board.memory))/auditBytes; k.looks%every != 0 {
		return nil
	}
	var problems map[uint]string
	err := k.guard(func() (err error) {
		problems, err = k.look()
		for range suspectLooks {
			if len(problems) > 0 { // perhaps requests came and went meanwhile
				keepCommon(problems, k.board.problems(k.board.audit()))
			}
		}
		k.scrubbed += k.board.freeSlots()
		return err
	})
	before := k.suspects
	k.suspects = problems
	for ledger, problem := range problems {
		if before[ledger] != "" {
			return k.giveUp(fmt.Sprintf("the counters of process %d have been written to by somebody else: %s", ledger, problem))
		}
	}
	return err
}

// suspectLooks is how often a ledger with a problem is looked at again at once.
const suspectLooks = 2

// look sets to zero what ledgers hold that nobody has, and returns what is wrong with the others.
func (k *Keeper) look() (problems map[uint]string, err error) {
	found := k.board.audit()
	for ledger := range found {
		if at := uint(ledger); found[at].used && k.board.taken(at).Load() == 0 {
			err = firstError(err, k.scrub(at))
		}
	}
	return k.board.problems(found), err
}

// problems are those of the ledgers that somebody has.
func (b *board) problems(found []finding) map[uint]string {
	problems := make(map[uint]string)
	for ledger := range found {
		if b.taken(uint(ledger)).Load() == 0 {
			continue
		}
		if problem := found[ledger].problem(1 << b.Width); problem != "" {
			problems[uint(ledger)] = problem
		}
	}
	return problems
}

// keepCommon leaves in all what some have, too.
func keepCommon(all, some map[uint]string) {
	for ledger := range all {
		if some[ledger] == "" {
			delete(all, ledger)
		}
	}
}

func (k *Keeper) scrub(ledger uint) error {
	done, err := k.board.scrub(k.file, ledger)
	if done {
		k.scrubbed++
		return firstError(err, &DamageError{k.path, fmt.Sprintf(
			"the counters of no process had been written to and are zero again (ledger %d; find out which program of the group did it)", ledger)})
	}
	return err
}

// giveUp makes another file, and tells the processes not to count in this one any more. What they have in flight now is
// not counted there.
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
	return &DamageError{k.path, reason + "; another file is made, and what was in flight is forgotten (find out which program of the group did it)"}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
