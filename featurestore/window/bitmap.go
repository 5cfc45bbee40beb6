package window

import "math/bits"

// bitmap is a set of places.
type bitmap []uint64

func (b bitmap) set(place uint32) { b[place/64] |= 1 << (place % 64) }

func (b bitmap) clear(place uint32) { b[place/64] &^= 1 << (place % 64) }

func (b bitmap) has(place uint32) bool { return b[place/64]>>(place%64)&1 != 0 }

// next returns the first place in the set from the given one on, or none.
func (b bitmap) next(from uint32) uint32 {
	word := int(from / 64)
	if word >= len(b) {
		return none
	}
	for rest := b[word] &^ (1<<(from%64) - 1); ; rest = b[word] {
		if rest != 0 {
			return uint32(64*word + bits.TrailingZeros64(rest))
		}
		if word++; word == len(b) {
			return none
		}
	}
}

// grown returns the set with room for n places.
func (b bitmap) grown(n int) bitmap {
	g := make(bitmap, (n+63)/64)
	copy(g, b)
	return g
}
