package mmapsync

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// The registry file. Its length is 128 + 128 × slot count and never changes. Numbers are little
// endian; the words that change (generations and slots) are 64-bit words in the machine's order.
//
//	offset     size  content
//	0          8     magic "hgreader"
//	8          4     format version, 2
//	12         4     slot count, 1 to 65536
//	16         8     generation of data file 0
//	24         8     generation of data file 1
//	32         8     slots in use: one more than the highest that was ever taken; never lowered
//	40         88    zero
//	128+128k   8     slot k: bits 0-30 holds on data file 0, bits 32-62 holds on data file 1,
//	                 bit 63 retired; the slot's bytes are locked by its Reader, or by all Readers
//	                 that share it with a lock to read
//	136+128k   120   zero: a slot is alone on its cache line and on the next one, which processors
//	                 fetch with it
const (
	registryMagic       = 0x7265646165726768
	registryFormat      = 2
	registryMagicAt     = 0
	registryFormatAt    = 8
	registrySlotsAt     = 12
	registryGenerations = 16
	registryUsedAt      = 32
	registryHeader      = 128
	slotSize            = 128
)

const (
	defaultSlots = 2048
	maxSlots     = 1 << 16
	sharingSlots = 64 // a registry with fewer slots has no shared ones
)

// Every reader writes to the registry.
const registryPermissions os.FileMode = 0o660

// registry is a mapped registry file. The writer stores the generations, readers load them. Readers
// of one path can overwrite all of it, so the writer reads only slot words, of which any value is
// harmless to it.
type registry struct {
	file        file
	memory      []byte
	slots       int
	generations [2]*atomic.Uint64
	used        *atomic.Uint64
}

func registrySize(slots int) int64 { return registryHeader + int64(slots)*slotSize }

// encodeRegistry fills the header of a new registry.
func encodeRegistry(memory []byte, slots int) {
	binary.LittleEndian.PutUint64(memory[registryMagicAt:], registryMagic)
	binary.LittleEndian.PutUint32(memory[registryFormatAt:], registryFormat)
	binary.LittleEndian.PutUint32(memory[registrySlotsAt:], uint32(slots))
}

// decodeRegistry checks the header of a registry and returns its slot count.
func decodeRegistry(memory []byte) (slots int, err error) {
	if len(memory) < registryHeader {
		return 0, formatReason(fmt.Sprintf("the registry has %d bytes, want at least %d",
			len(memory), registryHeader))
	}
	if magic := binary.LittleEndian.Uint64(memory[registryMagicAt:]); magic != registryMagic {
		return 0, formatReason(fmt.Sprintf("not a registry: magic %#016x, want %#016x", magic,
			uint64(registryMagic)))
	}
	if format := binary.LittleEndian.Uint32(memory[registryFormatAt:]); format != registryFormat {
		return 0, formatReason(fmt.Sprintf("registry format %d, this program knows %d", format,
			registryFormat))
	}
	count := binary.LittleEndian.Uint32(memory[registrySlotsAt:])
	if count < 1 || count > maxSlots {
		return 0, formatReason(fmt.Sprintf("registry with %d slots, want 1 to %d", count, maxSlots))
	}
	if want := registrySize(int(count)); int64(len(memory)) != want {
		return 0, formatReason(fmt.Sprintf("a registry of %d slots has %d bytes, want %d", count,
			len(memory), want))
	}
	return int(count), nil
}

// openRegistry opens a registry, which must belong to owner. Byte locks belong to the open file, so
// each Reader opens the registry itself.
func openRegistry(sys system, path string, owner int) (*registry, error) {
	f, err := sys.open(path, mmap.ReadWrite)
	if err != nil {
		return nil, err
	}
	if err := belongs(f, owner); err != nil {
		f.close()
		return nil, err
	}
	if largest := registrySize(maxSlots); f.size() < registryHeader || f.size() > largest {
		f.close()
		return nil, formatReason(fmt.Sprintf("the registry has %d bytes, want %d to %d", f.size(),
			registryHeader, largest))
	}
	memory, err := f.mapAll(mmap.ReadWrite)
	if err != nil {
		f.close()
		return nil, err
	}
	slots := 0
	err = checked(func() (err error) { slots, err = decodeRegistry(memory); return err })
	if err != nil {
		f.unmap(memory)
		f.close()
		return nil, err
	}
	return newRegistry(f, memory, slots), nil
}

func newRegistry(f file, memory []byte, slots int) *registry {
	r := &registry{file: f, memory: memory, slots: slots, used: mmap.Word64(memory, registryUsedAt)}
	for i := range r.generations {
		r.generations[i] = mmap.Word64(memory, registryGenerations+8*i)
	}
	return r
}

// word returns the word of slot k.
func (r *registry) word(k int) *atomic.Uint64 { return mmap.Word64(r.memory, slotOffset(k)) }

// scanned returns the number of slots, from the first on, that the writer has to read: those ever
// taken. A reader raises the number before its first hold. Even if the writer misses the update, it
// misses no hold that matters: it reads the number after it has stored a version, and a reader that
// takes a hold after that loads the version later still, and uses the file that it names. A wrong
// number does no more harm than wrong slot words, which the same readers can write.
func (r *registry) scanned() int { return int(min(r.used.Load(), uint64(r.slots))) }

// touchEnd faults if the registry has lost its last page or more. No slot there may be in use, and
// without this the writer would not notice that readers cannot open the path any more.
func (r *registry) touchEnd() { r.word(r.slots - 1).Load() }

// raise makes the writer read slot k.
func (r *registry) raise(k int) {
	for {
		used := r.used.Load()
		if used > uint64(k) || r.used.CompareAndSwap(used, uint64(k)+1) {
			return
		}
	}
}

func slotOffset(k int) int { return registryHeader + k*slotSize }

// private returns the number of slots, from the first on, that belong to one reader each. Those
// after them, if the registry is large enough, are shared by the readers that find no free slot.
func (r *registry) private() int {
	if r.slots < sharingSlots {
		return r.slots
	}
	return r.slots - r.slots/16
}

// room returns the slot before which a reader that has n slots stops looking for another one.
// Readers take several slots of the first half of the private ones, the fewer the fuller it is, and
// one each of the second half. So there is one for as many readers as that half has slots.
func (r *registry) room(n int) int { return r.private()/2 - 16*n }

// claim locks a slot, from number from on and before to, that no living reader has, clears what a
// dead one left in it, and returns its number. Numbers in taken are this registry's own, whose lock
// the system would grant again. Clearing also ends a retirement: what the slot counts from now on
// was counted after this step, so to the writer it is a new reader.
func (r *registry) claim(from, to int, taken func(k int) bool) (int, error) {
	for k := from; k < to; k++ {
		if taken(k) {
			continue
		}
		err := r.file.lock(slotRange(k))
		if errors.Is(err, mmap.ErrLocked) {
			if k < r.private()/2 { // a reader has several side by side, which are one lock
				if at, size, ok := r.file.locked(slotRange(k)); ok {
					k = max(k, slotAt(at+size-1))
				}
			}
			continue
		}
		if err != nil {
			return 0, err
		}
		r.word(k).Store(0)
		r.raise(k)
		return k, nil
	}
	return 0, ErrNoSlot
}

// claimOne claims the first slot of a reader, anywhere in the private part. If the first half is
// full, trying all of its slots would take thousands of system calls, so it begins at a random slot
// of the second half.
func (r *registry) claimOne(taken func(k int) bool) (k int, err error) {
	half, from := r.private()/2, r.private()/2
	if r.slots >= sharingSlots {
		from += rand.IntN(half)
	}
	for _, part := range [][2]int{{0, half}, {from, r.private()}, {half, from}} {
		if k, err = r.claim(part[0], part[1], taken); !errors.Is(err, ErrNoSlot) {
			break
		}
	}
	return k, err
}

// join joins a shared slot and returns its number. To the writer such a slot is one reader, which
// lives as long as any of its Readers. Holds of one that died stay until all have gone: the writer
// retires the slot once, and the others move to another one.
func (r *registry) join(taken func(k int) bool) (int, error) {
	first := r.private()
	n := r.slots - first
	for i, from := 0, rand.IntN(n+1); i < n; i++ {
		k := first + (from+i)%n
		if taken(k) {
			continue
		}
		if joined, err := r.joinSlot(k); joined || err != nil {
			return k, err
		}
	}
	return 0, ErrNoSlot
}

// joinSlot reports whether it could join slot k: no Reader has locked it for itself, and the writer
// has not retired it. A Reader that gets the lock for itself for a moment knows that the slot is
// free, and clears it as claim does.
func (r *registry) joinSlot(k int) (joined bool, err error) {
	err = r.file.lock(slotRange(k))
	alone := err == nil
	if alone {
		r.word(k).Store(0)
	}
	if alone || errors.Is(err, mmap.ErrLocked) {
		err = r.file.lockToRead(slotRange(k))
	}
	if err != nil {
		if errors.Is(err, mmap.ErrLocked) {
			err = nil
		}
		return false, err
	}
	if slotWord(r.word(k).Load()).retired() && !r.word(k).CompareAndSwap(uint64(slotRetired), 0) {
		return false, r.file.unlock(slotRange(k))
	}
	r.raise(k)
	return true, nil
}

// slotRange returns the lock of slot k: all of its bytes, so that the slots of one reader, side by
// side, are one lock to the system. A lock on one of the bytes keeps other readers out.
func slotRange(k int) (offset, length int64) { return int64(slotOffset(k)), slotSize }

// slotAt returns the number of the slot that a byte belongs to.
func slotAt(offset int64) int { return int(offset-registryHeader) / slotSize }

// takenSlots counts the slots that readers have locked, with about two system calls for each
// reader.
func (r *registry) takenSlots() int { return r.takenBetween(0, r.slots) }

func (r *registry) takenBetween(first, end int) int {
	if first >= end {
		return 0
	}
	at, size, ok := r.file.locked(int64(slotOffset(first)), int64(end-first)*slotSize)
	if !ok {
		return 0
	}
	from, to := max(first, slotAt(at)), min(end, slotAt(at+max(size, 1)-1)+1)
	if size == 0 { // up to the end of the file
		to = end
	}
	if from >= to { // not what the system should return
		return 0
	}
	return r.takenBetween(first, from) + to - from + r.takenBetween(to, end)
}

// clearIfDead clears slot k if no living reader has it. It holds the lock meanwhile, so that no
// reader can take the slot.
func (r *registry) clearIfDead(k int) bool {
	if r.file.lock(slotRange(k)) != nil {
		return false
	}
	r.word(k).Store(0)
	r.file.unlock(slotRange(k))
	return true
}

// close unmaps the registry and closes the file, which releases every byte lock.
func (r *registry) close() error { return errors.Join(r.file.unmap(r.memory), r.file.close()) }
