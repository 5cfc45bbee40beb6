package window

// index finds the place of a key: open addressing with linear probing, at most five eighths full. A
// slot is 8 bytes, the tag of a key in the high half and its place + 1 in the low half; 0 is a free
// one. Eight slots are a cache line, and a probe seldom leaves its first. A tag begins at the slot
// mask&tag, so that slots move without their keys.
type index struct {
	slots []uint64
	mask  uint32
	used  uint32
}

const (
	minSlots = 8
	none     = ^uint32(0) // no place
)

// mix spreads a key: the high bits choose its shard, the low half is its tag. Keys are seeded
// hashes already, but for those of tests and tools.
func mix(key uint64) uint64 {
	h := key * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

func newIndex() index { return index{slots: make([]uint64, minSlots), mask: minSlots - 1} }

// first returns the place of the first slot with the tag, which is nearly always the key's, or
// none.
func (x *index) first(tag uint32) uint32 {
	for i := tag & x.mask; ; i = (i + 1) & x.mask {
		switch e := x.slots[i]; {
		case e == 0:
			return none
		case uint32(e>>32) == tag:
			return uint32(e) - 1
		}
	}
}

// insert adds a place that is not in the index.
func (x *index) insert(tag, place uint32) {
	if 8*(int(x.used)+1) > 5*len(x.slots) {
		x.grow()
	}
	x.used++
	x.put(uint64(tag)<<32 | uint64(place+1))
}

func (x *index) put(slot uint64) {
	i := uint32(slot>>32) & x.mask
	for x.slots[i] != 0 {
		i = (i + 1) & x.mask
	}
	x.slots[i] = slot
}

// reserve makes room for n places in an empty index.
func (x *index) reserve(n int) {
	size := minSlots
	for 8*n > 5*size {
		size *= 2
	}
	x.slots, x.mask = make([]uint64, size), uint32(size-1)
}

func (x *index) grow() {
	old := x.slots
	x.slots = make([]uint64, 2*len(old))
	x.mask = uint32(len(x.slots) - 1)
	for _, slot := range old {
		if slot != 0 {
			x.put(slot)
		}
	}
}

// remove takes out a place that is in the index, and moves up those behind it that would not be
// found any more.
func (x *index) remove(tag, place uint32) {
	slot := uint64(tag)<<32 | uint64(place+1)
	hole := tag & x.mask
	for x.slots[hole] != slot {
		hole = (hole + 1) & x.mask
	}
	for i := (hole + 1) & x.mask; x.slots[i] != 0; i = (i + 1) & x.mask {
		home := uint32(x.slots[i]>>32) & x.mask
		if (i-home)&x.mask >= (i-hole)&x.mask { // its home is at or before the hole
			x.slots[hole], hole = x.slots[i], i
		}
	}
	x.slots[hole] = 0
	x.used--
}
