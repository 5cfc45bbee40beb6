package hostlimits

import (
	"cmp"
	"slices"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// SharedStats is the sum of what all processes have counted in a limits file.
type SharedStats struct {
	Processes uint64          // that have a seat
	Capacity  uint64          // seats
	InFlight  uint64          // requests, of all processes
	Admitted  uint64          // as of each process's last WriteTallies, and all that are gone
	Refused   [Reasons]uint64 // the same, by Reason
	Reaped    uint64          // processes that died and whose seat was freed
	Orphans   uint64          // requests that those had in flight
	// releases that found less than they had put there; 0 unless the file is damaged
	Clipped uint64
	// ledgers of free seats and counters without a key that were written to and set to zero
	Scrubbed uint64
	// files that were replaced because no process can have counted what they had
	GivenUp   uint64
	ExactKeys int // keys with an exact counter
	Pinned    int // of these, the ones that keep it
	Bytes     int // size of the file
}

// KeyLoad is what the exact counter of one key has.
type KeyLoad struct {
	Key      string // empty if it is not known or longer than 124 bytes
	Hash     uint64 // the lowest 59 bits of the key's Hash
	InFlight uint64
	// modulo 2^32, since the counter exists; the difference of two reports is a rate
	Admitted uint32
	Pinned   bool
}

// Report is the content of a limits file at one moment.
type Report struct {
	SharedStats
	Heaviest []KeyLoad // the most in flight first, then the most admitted
}

// ReadReport reads a limits file without taking a seat. heaviest bounds the number of keys. owners
// are those of [Config].
func ReadReport(path string, heaviest int, owners ...int) (r Report, err error) {
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

// Report returns what is counted.
func (k *Keeper) Report(heaviest int) (r Report, err error) {
	err = k.guard(func() error { r = k.board.report(heaviest); return nil })
	r.Scrubbed, r.GivenUp = k.scrubbed, k.givenUp
	return r, err
}

func (b *board) report(heaviest int) (r Report) {
	r.Capacity, r.Bytes = uint64(b.seats), len(b.memory)
	r.Reaped, r.Orphans = b.word(reapedAt).Load(), b.word(orphansAt).Load()
	r.addTallies(b.pastTallyWords())
	for k := range b.seats {
		if b.seatWord(k).Load() == 0 {
			continue
		}
		r.Processes++
		r.addTallies(b.tallyWords(k))
		if k < b.inUse() {
			r.InFlight += b.inSketch(k)
		}
	}
	for counter := range uint(b.counters()) {
		if t := b.tag(counter); t != 0 {
			load := b.load(counter, t)
			r.InFlight += load.InFlight
			r.ExactKeys++
			if t.has(tagPinned) {
				r.Pinned++
			}
			r.Heaviest = append(r.Heaviest, load)
		}
	}
	slices.SortFunc(r.Heaviest, func(a, b KeyLoad) int {
		return cmp.Or(-cmp.Compare(a.InFlight, b.InFlight), -cmp.Compare(a.Admitted, b.Admitted),
			cmp.Compare(a.Hash, b.Hash))
	})
	r.Heaviest = r.Heaviest[:min(len(r.Heaviest), max(heaviest, 0))]
	return r
}

func (s *SharedStats) addTallies(tallies []uint64) {
	s.Admitted += atomic.LoadUint64(&tallies[0])
	for r := OverThreshold; r < Reasons; r++ {
		s.Refused[r] += atomic.LoadUint64(&tallies[r])
	}
	s.Clipped += atomic.LoadUint64(&tallies[tallyClipped])
}

func (l *ledgers) load(counter uint, t tag) KeyLoad {
	load := KeyLoad{Hash: uint64(t.key() &^ tagAssigned), InFlight: l.heldByAll(counter, noSeat),
		Pinned: t.has(tagPinned)}
	load.Key, _ = l.name(counter)
	for k := range l.inUse() {
		load.Admitted += heldWord(atomic.LoadUint64(l.heldBy(counter, k))).admitted()
	}
	return load
}
