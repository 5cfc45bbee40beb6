package mmapsync

import "time"

// The writer looks again after pauses that double between these two.
const (
	shortestPause = 20 * time.Microsecond
	longestPause  = 2 * time.Millisecond
)

// drain waits until data file x may be filled: then no slot that is not retired holds x, and if
// anything else may still hold it, replace[x] is set. It waits at most the grace time, however many
// readers are stuck.
func (w *Writer) drain(x int) {
	if !w.busy(x) {
		return
	}
	end := time.Now().Add(w.grace)
	for pause := shortestPause; time.Now().Before(end); pause = min(2*pause, longestPause) {
		time.Sleep(min(pause, time.Until(end)))
		if !w.busy(x) {
			return
		}
	}
	w.giveUp(x)
}

// maxProbes bounds the system calls of one look at the slots. Many readers that died at once are
// cleared in several looks. If a process keeps writing holds into free slots, the rest is retired
// as if its reader lived.
const maxProbes = 256

// busy reports whether a living reader holds x. It clears slots of dead readers on the way; only a
// slot that holds x costs a system call.
func (w *Writer) busy(x int) bool {
	busy, probes := w.foreignBusy(x), 0
	for k := range w.registry.scanned() {
		if !w.blocking(k, x) {
			continue
		}
		if probes++; probes > maxProbes {
			return true
		}
		if !w.registry.clearIfDead(k) {
			busy = true
		}
	}
	return busy
}

// blocking reports whether slot k keeps the writer from filling x.
func (w *Writer) blocking(k, x int) bool {
	word := slotWord(w.registry.word(k).Load())
	return word.holds(x) > 0 && !word.retired()
}

// giveUp retires every slot that still holds x and marks both data files to be replaced: x, which
// the slot holds, and the other one, which a guard of the same slot may hold and for which the slot
// will not be checked any more. A slot whose hold is released meanwhile, or that changes hands, is
// retired needlessly, which costs its reader one round.
func (w *Writer) giveUp(x int) {
	for k := range w.registry.scanned() {
		if w.blocking(k, x) {
			w.registry.word(k).Or(uint64(slotRetired))
			w.replace = [2]bool{true, true}
			w.stats.Retirements++
		}
	}
	if n := w.state.foreign[x].Load(); n != 0 {
		w.stuck[x] = n
		w.replace[x] = true
	}
}

// foreignBusy reports whether to wait for mmap-sync readers. A count that a whole grace time did
// not bring down was most likely left by a dead reader; while it stays the same, x is replaced each
// time without waiting again. The count is never taken for zero.
func (w *Writer) foreignBusy(x int) bool {
	n := w.state.foreign[x].Load()
	switch n {
	case 0:
		w.stuck[x] = 0
		return false
	case w.stuck[x]:
		w.replace[x] = true
		return false
	}
	return true
}
