package featurestore

import "math/bits"

// bucket is one cache line of the hash table. A key is in its first bucket if that had room, else
// in its second. The tag of its entry rules out most other keys of a bucket, the row all of them.
type bucket [bucketSize]byte

// bucketAt returns the bucket at an offset of an image. The third index saves the compiler a case.
func bucketAt(image []byte, at int) *bucket {
	return (*bucket)(image[at : at+bucketSize : at+bucketSize])
}

// home names the buckets and the tag of a key.
type home struct {
	first, second int
	tag           uint16
}

// locate returns the buckets and the tag of key. It uses all bits of the key: keys are hashes, but
// of short inputs, and under some seeds some of their bits are biased. The function is part of the
// format.
func locate(key uint64, buckets int) home {
	h := mixed(key)
	first, second := int(mulHigh(h, uint64(buckets))), int(mulHigh(h*secondFactor, uint64(buckets)))
	if second == first {
		if second++; second == buckets {
			second = 0
		}
	}
	return home{first, second, hashTag(h)}
}

// locateFirst returns the part of locate that nearly all lookups need.
func locateFirst(key uint64, buckets int) (first int, tag uint16) {
	h := mixed(key)
	return int(mulHigh(h, uint64(buckets))), hashTag(h)
}

// secondFactor derives the second bucket from the bits that did not choose the first: 2^64 divided
// by the golden ratio.
const secondFactor = 0x9e3779b97f4a7c15

func hashTag(h uint64) uint16 { return max(1, uint16(h)) }

// mixed spreads a key over all 64 bits. It is MurmurHash3's 64-bit finalizer (Appleby 2011, public
// domain).
func mixed(key uint64) uint64 {
	key = (key ^ key>>33) * 0xff51afd7ed558ccd
	key = (key ^ key>>33) * 0xc4ceb9fe1a85ec53
	return key ^ key>>33
}

// match returns the entries with tag, or the free ones if tag is 0: one bit for each, at
// 16*(entry%4) + entry/4. The lowest bit is right; a higher one may also mark a tag that differs in
// its lowest bit. There is no branch, since the processor could not predict which entry matches.
func (b *bucket) match(tag uint16) uint64 {
	const each = 0x0001_0001_0001_0001
	pattern := uint64(tag) * each
	x0 := le.Uint64(b[offTags:]) ^ pattern
	x1 := le.Uint64(b[offTags+8:]) ^ pattern
	x2 := le.Uint64(b[offTags+16:]) ^ pattern // two tags, followed by other fields
	// In x, lanes that are zero borrow: their highest bit is set then and was not before (Mycroft
	// 1987).
	return (x0-each)&^x0>>15&each | (x1-each)&^x1>>14&(each<<1) | (x2-each)&^x2>>13&(4<<16|4)
}

// lowestEntry returns the entry of the lowest bit set in matches, or any entry if matches is 0.
func lowestEntry(matches uint64) int {
	at := bits.TrailingZeros64(matches)
	return at&3*4 + at>>4
}

// row returns the row of an entry, counted from 1; 0 if the entry is free.
func (b *bucket) row(entry int) uint32 {
	at := (offEntries + 4*entry) & (bucketSize - 4) // the mask spares a bounds check
	return le.Uint32(b[at : at+4])
}

func (b *bucket) set(entry int, tag uint16, row uint32) {
	le.PutUint16(b[offTags+2*entry:], tag)
	le.PutUint32(b[offEntries+4*entry:], row)
}

// find returns the entry with this tag and row.
func (b *bucket) find(tag uint16, row uint32) (int, bool) {
	for m := b.match(tag); m != 0; m &= m - 1 {
		if entry := lowestEntry(m); b.row(entry) == row {
			return entry, true
		}
	}
	return 0, false
}

// spilled returns the number of keys whose first bucket this is and that are in their second. While
// it is 0, lookups need not read the second bucket.
func (b *bucket) spilled() uint32 { return le.Uint32(b[offSecond:]) }

// spill adds to spilled.
func (b *bucket) spill(n int) {
	le.PutUint32(b[offSecond:], uint32(max(0, int64(b.spilled())+int64(n))))
}
