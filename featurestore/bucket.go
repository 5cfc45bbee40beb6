package featurestore

import "math/bits"

// bucket is one cache line of the hash table. A key lies in its first bucket while there is a place, else in its
// second. Its tag tells it from most others there, its row from all.
type bucket [bucketSize]byte

// bucketAt gives the bucket at an offset of an image. The third index saves the compiler a case.
func bucketAt(image []byte, at int) *bucket {
	return (*bucket)(image[at : at+bucketSize : at+bucketSize])
}

// home is where a key belongs.
type home struct {
	first, second int
	tag           uint16
}

// homeOf gives the buckets and the tag of key. They are found from all of its bits: keys are hashes, but of short
// inputs, and under some seeds some bits alone are not even. All of it is part of the format.
func homeOf(key uint64, buckets int) home {
	h := mixed(key)
	first, second := int(mulHigh(h, uint64(buckets))), int(mulHigh(h*secondFactor, uint64(buckets)))
	if second == first {
		if second++; second == buckets {
			second = 0
		}
	}
	return home{first, second, tagOf(h)}
}

// firstOf is the part of homeOf that nearly all lookups need.
func firstOf(key uint64, buckets int) (first int, tag uint16) {
	h := mixed(key)
	return int(mulHigh(h, uint64(buckets))), tagOf(h)
}

// secondFactor spreads what the first bucket leaves of a key's bits over the second: 2^64 divided by the golden ratio.
const secondFactor = 0x9e3779b97f4a7c15

func tagOf(h uint64) uint16 { return max(1, uint16(h)) }

// mixed spreads a key over all 64 bits. It is MurmurHash3's 64-bit finalizer (Appleby 2011, public domain).
func mixed(key uint64) uint64 {
	key = (key ^ key>>33) * 0xff51afd7ed558ccd
	key = (key ^ key>>33) * 0xc4ceb9fe1a85ec53
	return key ^ key>>33
}

// match gives the places that bear tag, 0 those that are free: one bit for each, at 16*(place%4) + place/4. The
// lowest is right; a higher one may also stand for a tag that differs in the lowest bit. There is no branch in it,
// since which place it will be cannot be foreseen.
func (b *bucket) match(tag uint16) uint64 {
	const each = 0x0001_0001_0001_0001
	pattern := uint64(tag) * each
	x0 := le.Uint64(b[offTags:]) ^ pattern
	x1 := le.Uint64(b[offTags+8:]) ^ pattern
	x2 := le.Uint64(b[offTags+16:]) ^ pattern // two tags, and behind them other fields
	// In x, lanes that are zero borrow: their highest bit is set then and was not before (Mycroft 1987).
	return (x0-each)&^x0>>15&each | (x1-each)&^x1>>14&(each<<1) | (x2-each)&^x2>>13&(4<<16|4)
}

// placeAt gives the place of the lowest bit that match set, any place where there is none.
func placeAt(matches uint64) int {
	at := bits.TrailingZeros64(matches)
	return at&3*4 + at>>4
}

// row gives the row of a place, counted from 1; 0 where there is none.
func (b *bucket) row(place int) uint32 {
	at := (offPlaces + 4*place) & (bucketSize - 4) // the same, as the compiler can tell: it needs no check
	return le.Uint32(b[at : at+4])
}

func (b *bucket) set(place int, tag uint16, row uint32) {
	le.PutUint16(b[offTags+2*place:], tag)
	le.PutUint32(b[offPlaces+4*place:], row)
}

// placeOf gives the place that bears tag and leads to row.
func (b *bucket) placeOf(tag uint16, row uint32) (int, bool) {
	for m := b.match(tag); m != 0; m &= m - 1 {
		if place := placeAt(m); b.row(place) == row {
			return place, true
		}
	}
	return 0, false
}

// spilled is the number of keys that belong here first and lie in their second bucket. While it is 0 nobody needs to
// look there.
func (b *bucket) spilled() uint32 { return le.Uint32(b[offSecond:]) }

// spill adds to spilled.
func (b *bucket) spill(n int) {
	le.PutUint32(b[offSecond:], uint32(max(0, int64(b.spilled())+int64(n))))
}
