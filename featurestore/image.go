package featurestore

import (
	"encoding/binary"
	"math/bits"

	"github.com/dgryski/go-metro"
)

// An image is a header, a directory with one record for each dimension, the schema, and for each
// dimension its buckets and its rows. All integers are little endian. docs/format.md mirrors these
// constants.
const (
	imageMagic   = 0x31454c4241544748 // "HGTABLE1"
	imageVersion = 1

	// Header. A read needs only its first cache line.
	offMagic       = 0   // u64
	offVersion     = 8   // u32 format version
	offDimensions  = 12  // u32 number of directory records
	offFingerprint = 16  // u64 hash of the schema's bytes
	offLayout      = 24  // u64 hash of the directory fields that never change
	offSeed        = 32  // u64 seed of the keys' hash
	offSize        = 40  // u64 size of the image
	offPublished   = 48  // i64 time of publication, ns since 1970 UTC
	offEpoch       = 56  // i64 time of stamp 0, ns since 1970 UTC, a whole second
	offSchema      = 64  // u64 offset of the schema
	offSchemaSize  = 72  // u32 its size
	offChecksum    = 80  // u64 hash of header and directory, with this field 0
	headerSize     = 128 // the rest is zero

	// Directory record. Its first half never changes while the table exists.
	offCapacity = 0   // u64 number of rows
	offBuckets  = 8   // u64 number of buckets
	offIndex    = 16  // u64 offset of the buckets
	offRows     = 24  // u64 offset of the rows
	offColumns  = 32  // u32 number of columns
	offStride   = 36  // u32 size of a row in 4-byte words: the key, the stamp and the columns
	offKeys     = 64  // u64 number of keys
	offUsed     = 72  // u64 rows that ever held a key; later rows are undefined
	offFree     = 80  // u64 first free row among the used ones, counted from 1; 0: none
	offRandom   = 88  // u64 state of the random choice of rows to evict
	offSum      = 96  // u64 sum of the hashes of the rows with a key
	offEvicted  = 104 // u64 rows evicted because all were used
	offCrowded  = 112 // u64 rows evicted because both buckets of a key were full
	recordSize  = 128 // the rest is zero
	staticSize  = 64  // bytes of a record that the layout hash covers

	// A bucket is one cache line of ten entries: a 16-bit tag for each (0: free), the number of
	// keys whose first bucket this is and that are in their second, and the row of each entry,
	// counted from 1.
	bucketKeys = 10
	bucketSize = 64
	offTags    = 0
	offSecond  = 20
	offEntries = 24
	alignment  = 64

	// keysPerBucket is the load of the buckets when all rows are used: six of ten entries. A bucket
	// costs a tenth of a row of 32 columns for each key, so it is cheap to keep nearly all keys in
	// their first bucket.
	keysPerBucket = 6

	// A row is the key (0: the row is free), the stamp, and the columns. A free row's stamp is the
	// next free row.
	offKey      = 0
	offStamp    = 8
	offValues   = 12
	rowOverhead = offValues / 4 // in words

	// maxKeys bounds the rows of one dimension: an entry has 32 bits for a row, and 0 means free.
	maxKeys = 1<<32 - 2
)

var le = binary.LittleEndian

// checksumSeed seeds the hashes of rows, layout, header and directory. It is part of the format.
const checksumSeed = 0x7461626c65 // "table"

// part holds the offsets and sizes of one dimension, checked against the image.
type part struct {
	capacity int
	buckets  int
	index    int // offset of the buckets
	rows     int // offset of the rows
	stride   int // bytes of a row
	columns  int
}

// layOut plans the image of a schema: for one dimension after the other its buckets and its rows,
// each aligned to a cache line.
func layOut(s Schema, encoded []byte, capacity []int) (parts []part, size uint64) {
	at := align(uint64(headerSize + recordSize*len(capacity) + len(encoded)))
	for i, d := range s.Dimensions {
		p := part{columns: len(d.Columns), stride: 4 * (rowOverhead + len(d.Columns)), capacity: capacity[i]}
		p.buckets = p.capacity/keysPerBucket + 2 // at least two, so that a key's two buckets differ
		p.index = int(at)
		at += uint64(p.buckets) * bucketSize
		p.rows = int(at)
		at = align(at + uint64(p.capacity)*uint64(p.stride))
		parts = append(parts, p)
	}
	return parts, at
}

// encode writes the half of the directory record that does not change.
func (p *part) encode(e []byte) {
	le.PutUint64(e[offCapacity:], uint64(p.capacity))
	le.PutUint64(e[offBuckets:], uint64(p.buckets))
	le.PutUint64(e[offIndex:], uint64(p.index))
	le.PutUint64(e[offRows:], uint64(p.rows))
	le.PutUint32(e[offColumns:], uint32(p.columns))
	le.PutUint32(e[offStride:], uint32(p.stride/4))
}

// decodePart decodes a directory record; it reports false if buckets or rows are not inside of the
// image.
func decodePart(e, image []byte) (part, bool) {
	capacity, buckets := le.Uint64(e[offCapacity:]), le.Uint64(e[offBuckets:])
	index, rows := le.Uint64(e[offIndex:]), le.Uint64(e[offRows:])
	columns, words := le.Uint32(e[offColumns:]), le.Uint32(e[offStride:])
	size := uint64(len(image))
	if buckets < 2 || buckets > size/bucketSize || columns > MaxColumns || words != columns+rowOverhead ||
		capacity > maxKeys || capacity > size/(4*uint64(words)) ||
		!inside(index, buckets*bucketSize, image) || !inside(rows, capacity*4*uint64(words), image) {
		return part{}, false
	}
	return part{
		capacity: int(capacity), buckets: int(buckets), index: int(index), rows: int(rows),
		stride: 4 * int(words), columns: int(columns),
	}, true
}

// row returns row number n, which must be less than the capacity.
func (p *part) row(image []byte, n int) []byte {
	at := p.rows + n*p.stride
	return image[at : at+p.stride : at+p.stride]
}

// bucket returns bucket number n.
func (p *part) bucket(image []byte, n int) *bucket {
	return bucketAt(image, p.index+n*bucketSize)
}

// layoutHash identifies the layout of an image. An image of the same size, layout and fingerprint
// as one that was checked needs no second check: the offsets found then are inside of this one too.
func layoutHash(directory []byte) uint64 {
	var static [MaxDimensions * staticSize]byte
	n := 0
	for ; len(directory) >= recordSize; directory = directory[recordSize:] {
		n += copy(static[n:], directory[:staticSize])
	}
	return metro.Hash64(static[:n], checksumSeed)
}

// headerChecksum returns the hash of header and directory. It covers the rows through their sums.
func headerChecksum(image []byte, dimensions int) uint64 {
	var b [headerSize + MaxDimensions*recordSize]byte
	n := copy(b[:], image[:headerSize+dimensions*recordSize])
	clear(b[offChecksum:][:8])
	return metro.Hash64(b[:n], checksumSeed)
}

// rowHash returns what a row with a key adds to its dimension's sum.
func rowHash(row []byte) uint64 { return metro.Hash64(row, checksumSeed) }

func align(n uint64) uint64 { return (n + alignment - 1) &^ (alignment - 1) }

// inside reports whether size bytes at offset at lie inside of the image, without overflow.
func inside(at, size uint64, image []byte) bool {
	n := uint64(len(image))
	return at <= n && size <= n-at
}

func mulHigh(a, b uint64) uint64 {
	high, _ := bits.Mul64(a, b)
	return high
}
