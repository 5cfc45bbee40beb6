package scorer

import (
	"encoding/binary"
	"slices"
)

// lookup is how a tier finds the bytes of a quantised row that the conditions of a vector compare.
// A vector has one condition for each of its lanes.
//
// AVX-512 permutes the row: up to 64 or up to 256 bytes of it stay in registers, and the layout of
// a vector is 64 bucket numbers and 64 ranks, a byte each. A longer row is cut into pages of 128
// bytes: the bucket numbers are those within a page, and a mask of 64 bits for each page follows
// (padded to a multiple of 64 bytes): which lanes compare bytes of that page.
//
// AVX2 shuffles tables of 16 bytes of the row. The layout of a vector is the list of tables that
// its conditions compare, as offsets in the row (uint32, padded to a multiple of 32 bytes), the
// shuffle of each table (32 bytes: the byte of the table, or 128, which yields 0, for a lane that
// compares another table), and 32 ranks. All lists of a model have the same length, so that the
// loop over them is always of the same length too; shorter ones end with tables that no lane
// compares.
type lookup struct {
	tier   Tier
	size   int // bytes of the row that are in use
	pages  int // of 128 bytes, AVX-512 with a long row; else 0
	tables int // of 16 bytes that a vector compares, AVX2
}

const (
	pageBytes  = 128
	heldBytes  = 256 // that stay in registers
	tableBytes = 16
	// mostBytes limits the quantised row: with more, the search for a byte is slower than pure Go.
	mostBytes = 16 * pageBytes
)

// newLookup returns the layout for the vectors of a model over a quantised row of size bytes.
func newLookup(tier Tier, size int, vectors [][]byteTest) lookup {
	l := lookup{tier: tier, size: size, tables: 1}
	if tier == TierAVX512 && size > heldBytes {
		l.pages = (size + pageBytes - 1) / pageBytes
	}
	if tier == TierAVX2 {
		for _, v := range vectors {
			l.tables = max(l.tables, len(usedTables(v)))
		}
	}
	return l
}

// lanes returns the number of conditions of a vector.
func (l *lookup) lanes() int { return laneCount(l.tier) }

func laneCount(tier Tier) int {
	if tier == TierAVX2 {
		return 32
	}
	return 64
}

// vectorBytes returns the size of the layout of a vector.
func (l *lookup) vectorBytes() int {
	if l.tier == TierAVX2 {
		return l.listBytes() + 32*l.tables + 32
	}
	return 64 + 64 + l.maskBytes()
}

func (l *lookup) maskBytes() int { return (l.pages + 7) / 8 * 64 }

func (l *lookup) listBytes() int { return (l.tables + 7) / 8 * 32 }

// encode appends the layout of a vector.
func (l *lookup) encode(to []byte, v []byteTest) []byte {
	if l.tier == TierAVX2 {
		return l.encodeTables(to, v)
	}
	for _, p := range v {
		bucket := p.bucket
		if l.pages > 0 {
			bucket %= pageBytes
		}
		to = append(to, byte(bucket))
	}
	to = appendRanks(to, v)
	masks := make([]uint64, l.maskBytes()/8)
	for lane, p := range v {
		if l.pages > 0 {
			masks[p.bucket/pageBytes] |= 1 << lane
		}
	}
	for _, mask := range masks {
		to = binary.LittleEndian.AppendUint64(to, mask)
	}
	return to
}

func (l *lookup) encodeTables(to []byte, v []byteTest) []byte {
	tables := usedTables(v)
	used := len(tables)
	for len(tables) < l.listBytes()/4 {
		tables = append(tables, 0)
	}
	for _, table := range tables {
		to = binary.LittleEndian.AppendUint32(to, uint32(table)*tableBytes)
	}
	for i, table := range tables[:l.tables] {
		for _, p := range v {
			shuffle := byte(0x80)
			if i < used && p.bucket/tableBytes == table {
				shuffle = byte(p.bucket % tableBytes)
			}
			to = append(to, shuffle)
		}
	}
	return appendRanks(to, v)
}

func appendRanks(to []byte, v []byteTest) []byte {
	for _, p := range v {
		to = append(to, p.rank)
	}
	return to
}

// usedTables lists the tables that the conditions of a vector compare, without those of padding.
func usedTables(v []byteTest) []uint16 {
	var tables []uint16
	for _, p := range v {
		if p != neverPasses {
			tables = append(tables, p.bucket/tableBytes)
		}
	}
	slices.Sort(tables)
	return slices.Compact(tables)
}
