package window

import "time"

// familiar remembers hashes that it was asked for before: for twelve hours at least and twenty-four
// at most, unless there are more than it has room for, when it forgets sooner. It is a Bloom filter
// in blocks (Putze, Sanders and Singler 2007), each with two sides that take turns: an entry is set
// in the newer side, and the older one is cleared where another half of a day (UTC) has begun or
// the newer has familiarRoom entries.
//
//	words 2-3    when the newer side began
//	word 4       bit 0: which side that is; from bit 1 on: its entries
//	words 5-17   one side, and 18-30 the other
//
// One in a hundred new hashes seems familiar where both sides are full.
type familiar struct{ blocks *blocks }

const (
	familiarSide = 12 * time.Hour
	familiarRoom = 40
	sideWords    = 13
	sideBits     = 32 * sideWords
)

// familiarKeys is for how many keys of Config.MaxKeys there is a block.
const familiarKeys = 16

// add reports whether a hash is new, and whether it was entered in the newer side, and remembers
// it.
func (f *familiar) add(hash uint64, now int64) (isNew, entered bool) {
	cell := f.blocks.cell(hash)
	f.turn(cell, now)
	side := int(cell[4] & 1)
	newer, older := cell[5+side*sideWords:][:sideWords], cell[5+(1-side)*sideWords:][:sideWords]
	inNewer, inOlder := true, true
	bits := hash * 0xd6e8feb86659fd93
	for range 4 {
		bit := uint32(bits&0xffff) * sideBits >> 16
		bits >>= 16
		word, mask := bit/32, uint32(1)<<(bit%32)
		inNewer, inOlder = inNewer && newer[word]&mask != 0, inOlder && older[word]&mask != 0
		newer[word] |= mask
	}
	if !inNewer {
		cell[4] += 2
	}
	return !inNewer && !inOlder, !inNewer
}

// turn begins another side where it is time for one.
func (f *familiar) turn(cell []uint32, now int64) {
	halves := max(0, now/int64(familiarSide)-cellLast(cell)/int64(familiarSide))
	if halves == 0 && cell[4]>>1 < familiarRoom {
		return
	}
	if halves > 1 {
		clear(cell[5:])
	}
	side := cell[4]&1 ^ 1
	cell[4] = side
	clear(cell[5+side*sideWords:][:sideWords])
	setLast(cell, now)
}
