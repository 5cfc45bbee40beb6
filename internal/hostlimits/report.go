package hostlimits

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/headgate/headgate/internal/mmap"
)

// SharedStats is what a limits file tells of all processes together.
type SharedStats struct {
	Processes uint64          // that have a ledger
	Capacity  uint64          // processes that could
	InFlight  uint64          // requests, of all processes
	Admitted  uint64          // as of each process's last Tell, and all that are gone
	Refused   [Reasons]uint64 // the same, by Reason
	Reaped    uint64          // processes that died and whose ledger was freed
	Orphans   uint64          // requests that those had in flight
	Clipped   uint64          // releases that found less than they had put there, as of each process's last Tell; 0 unless the file is damaged
	Scrubbed  uint64          // ledgers and slots of no process that had been written to and were set to zero
	GivenUp   uint64          // files whose counters no process can have counted, in whose place another was made
	ExactKeys int             // keys with an exact counter
	Pinned    int             // of these, the ones that keep it
	Bytes     int             // size of the file
}

// KeyLoad is what is counted of one key in its exact counter.
type KeyLoad struct {
	Key      string // empty where it is not known or longer than 124 bytes
	Hash     uint64 // the lowest 59 bits of the key's Hash
	InFlight uint64
	Admitted uint32 // modulo 2^32, while the key had the counter and before; differences tell a rate
	Pinned   bool
}

// Report is what a limits file says at one moment.
type Report struct {
	SharedStats
	Heaviest []KeyLoad // the most in flight first, then the most admitted
}

// Look reads a limits file without taking part in it. heaviest bounds the number of keys. owners are those of
// [Config].
func Look(path string, heaviest int, owners ...int) (r Report, err error) {
	f, err := openHostFile(path, mmap.ReadOnly, owners)
	if err != nil {
		return r, err
	}
	defer f.close()
	b, err := f.board()
	if err != nil {
		return r, err
	}
	err = f.guard(func() error { r = b.report(heaviest); return nil })
	return r, err
}

// Report tells what is counted.
func (k *Keeper) Report(heaviest int) (r Report, err error) {
	err = k.guard(func() error { r = k.board.report(heaviest); return nil })
	r.Scrubbed, r.GivenUp = k.scrubbed, k.givenUp
	return r, err
}

func (b *board) report(heaviest int) (r Report) {
	r.Capacity, r.Bytes = uint64(b.processes), len(b.memory)
	r.Reaped, r.Orphans = b.word(reapedAt).Load(), b.word(orphansAt).Load()
	r.addTold(b.past())
	for k := range b.processes {
		if b.taken(k).Load() == 0 {
			continue
		}
		r.Processes++
		r.addTold(b.told(k))
		if k < b.inUse() {
			r.InFlight += b.inSketch(k)
		}
	}
	for slot := range uint(b.slots()) {
		if t := b.tag(slot); t != 0 {
			load := b.load(slot, t)
			r.InFlight += load.InFlight
			r.ExactKeys++
			if t.has(tagPinned) {
				r.Pinned++
			}
			r.Heaviest = append(r.Heaviest, load)
		}
	}
	slices.SortFunc(r.Heaviest, func(a, b KeyLoad) int {
		return cmp.Or(-cmp.Compare(a.InFlight, b.InFlight), -cmp.Compare(a.Admitted, b.Admitted), cmp.Compare(a.Hash, b.Hash))
	})
	r.Heaviest = r.Heaviest[:min(len(r.Heaviest), max(heaviest, 0))]
	return r
}

func (s *SharedStats) addTold(told []uint64) {
	s.Admitted += atomic.LoadUint64(&told[0])
	for r := OverThreshold; r < Reasons; r++ {
		s.Refused[r] += atomic.LoadUint64(&told[r])
	}
	s.Clipped += atomic.LoadUint64(&told[toldClipped])
}

func (l *ledgers) load(slot uint, t tag) KeyLoad {
	load := KeyLoad{Hash: uint64(t.key() &^ tagAssigned), InFlight: l.heldByAll(slot, none), Pinned: t.has(tagPinned)}
	load.Key, _ = l.name(slot)
	for k := range l.inUse() {
		load.Admitted += heldWord(atomic.LoadUint64(l.heldBy(slot, k))).admitted()
	}
	return load
}
