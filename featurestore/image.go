package featurestore

import "encoding/binary"

// An image is a header, a directory with one entry for each dimension, the schema, and for each dimension its buckets
// and its rows. All integers are little endian. docs/format.md mirrors these constants.
const (
	imageMagic   = 0x31454c4241544748 // "HGTABLE1"
	imageVersion = 1

	// Header.
	offMagic       = 0   // u64
	offVersion     = 8   // u32 format version
	offDimensions  = 12  // u32 number of directory entries
	offFingerprint = 16  // u64 hash of the schema's bytes
	offPublished   = 24  // i64 time of publication, ns since 1970 UTC
	offEpoch       = 32  // i64 time of stamp 0, ns since 1970 UTC, a whole second
	offSeed        = 40  // u64 seed of the keys' hash
	offSize        = 48  // u64 size of the image
	offSchema      = 56  // u64 offset of the schema
	offSchemaSize  = 64  // u32 its size
	headerSize     = 128 // the rest is zero

	// Directory entry.
	offKeys    = 0  // u64 number of keys
	offBuckets = 8  // u64 number of buckets
	offIndex   = 16 // u64 offset of the buckets
	offRows    = 24 // u64 offset of the rows
	offColumns = 32 // u32 number of columns
	offStride  = 36 // u32 size of a row in 4-byte words: the stamp and the columns
	entrySize  = 64 // the rest is zero

	// A bucket is one cache line of eight keys. Key 0 is a free place. The row of place p of bucket b is row 8*b+p.
	bucketKeys = 8
	bucketSize = 8 * bucketKeys
	alignment  = 64

	// loadPercent is how full a table is built: 8/0.75 bytes of key and 4/0.75 bytes for each word of a row.
	loadPercent = 75

	// maxProbe is how many buckets, from its own on, a key may lie in. A builder refuses a key that finds no place in
	// them (ErrCrowded), and a lookup does not look further.
	maxProbe = 32

	// maxKeys bounds the keys of one dimension, so that no size overflows while an image is planned.
	maxKeys = 1 << 32
)

var le = binary.LittleEndian

// bucketOf gives the first bucket of key: the high half of mixed(key)*buckets, which needs no division.
func bucketOf(key, buckets uint64) uint64 { return mulHigh(mixed(key), buckets) }

// mixed spreads a key over all 64 bits. Keys are hashes, but of short inputs, and under some seeds their high bits alone
// are not even. It is MurmurHash3's 64-bit finalizer (Appleby 2011, public domain).
func mixed(key uint64) uint64 {
	key = (key ^ key>>33) * 0xff51afd7ed558ccd
	key = (key ^ key>>33) * 0xc4ceb9fe1a85ec53
	return key ^ key>>33
}

func align(n uint64) uint64 { return (n + alignment - 1) &^ (alignment - 1) }
