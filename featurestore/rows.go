package featurestore

// rows is one dimension of an image that is being written: where its tables lie, and the half of its directory entry
// that changes. All that it knows is in the image, so that two images with the same content go through the same
// changes to the same content. What it finds in the image may be damaged: then rows get lost, but every index is
// checked and every loop ends.
type rows struct {
	part
	keys    int
	used    int
	free    uint32
	random  uint64
	sum     uint64
	evicted uint64
	crowded uint64
}

// load takes up the state that an entry of the directory tells.
func (r *rows) load(e []byte) {
	r.keys = int(min(le.Uint64(e[offKeys:]), uint64(r.capacity)))
	r.used = int(min(le.Uint64(e[offUsed:]), uint64(r.capacity)))
	r.free = uint32(le.Uint64(e[offFree:]))
	r.random, r.sum = le.Uint64(e[offRandom:]), le.Uint64(e[offSum:])
	r.evicted, r.crowded = le.Uint64(e[offEvicted:]), le.Uint64(e[offCrowded:])
}

// store is the inverse of load.
func (r *rows) store(e []byte) {
	le.PutUint64(e[offKeys:], uint64(r.keys))
	le.PutUint64(e[offUsed:], uint64(r.used))
	le.PutUint64(e[offFree:], uint64(r.free))
	le.PutUint64(e[offRandom:], r.random)
	le.PutUint64(e[offSum:], r.sum)
	le.PutUint64(e[offEvicted:], r.evicted)
	le.PutUint64(e[offCrowded:], r.crowded)
}

// open gives the row of key to be written: the one that it has, or a new one. Its stamp and its values are the
// caller's to fill in before close.
func (r *rows) open(image []byte, key uint64) []byte {
	h := homeOf(key, r.buckets)
	if n, ok := r.lookUp(image, key, h); ok {
		row := r.row(image, n)
		r.sum -= rowHash(row)
		return row
	}
	n := r.allocate(image)
	row := r.row(image, n)
	le.PutUint64(row[offKey:], key)
	r.keys++
	r.insert(image, h, uint32(n)+1)
	return row
}

// close ends what open began.
func (r *rows) close(row []byte) { r.sum += rowHash(row) }

// remove deletes a key, where it is there.
func (r *rows) remove(image []byte, key uint64) {
	if n, ok := r.lookUp(image, key, homeOf(key, r.buckets)); ok {
		r.drop(image, n)
	}
}

// allocate gives a row without a key. Where there is none, the row that was changed least recently among eight picked
// at random loses its key, as Redis approximates LRU.
func (r *rows) allocate(image []byte) int {
	if r.free != 0 && int64(r.free) <= int64(r.used) {
		n := int(r.free - 1)
		if row := r.row(image, n); le.Uint64(row[offKey:]) == 0 {
			r.free = le.Uint32(row[offStamp:])
			return n
		}
	}
	if r.used < r.capacity {
		r.used++
		return r.used - 1
	}
	oldest := r.pick()
	for range 7 {
		if n := r.pick(); r.stampOf(image, n) < r.stampOf(image, oldest) {
			oldest = n
		}
	}
	r.drop(image, oldest)
	r.evicted++
	r.free = le.Uint32(r.row(image, oldest)[offStamp:])
	return oldest
}

// pick is xorshift64* (Vigna 2016), reduced to a row.
func (r *rows) pick() int {
	if r.random == 0 {
		r.random = 1
	}
	r.random ^= r.random >> 12
	r.random ^= r.random << 25
	r.random ^= r.random >> 27
	return int(mulHigh(r.random*0x2545f4914f6cdd1d, uint64(r.capacity)))
}

func (r *rows) stampOf(image []byte, n int) uint32 { return le.Uint32(r.row(image, n)[offStamp:]) }

// drop takes the key off row n and puts the row on the free list.
func (r *rows) drop(image []byte, n int) {
	row := r.row(image, n)
	if key := le.Uint64(row[offKey:]); key != 0 {
		r.unlink(image, homeOf(key, r.buckets), uint32(n)+1)
		r.sum -= rowHash(row)
		r.keys = max(0, r.keys-1)
	}
	le.PutUint64(row[offKey:], 0)
	le.PutUint32(row[offStamp:], r.free)
	r.free = uint32(n) + 1
}

// unlink frees the place that leads to a row.
func (r *rows) unlink(image []byte, h home, row uint32) {
	first := r.bucket(image, h.first)
	if place, ok := first.placeOf(h.tag, row); ok {
		first.set(place, 0, 0)
		return
	}
	second := r.bucket(image, h.second)
	if place, ok := second.placeOf(h.tag, row); ok {
		second.set(place, 0, 0)
		first.spill(-1)
	}
}

// insert gives a row a place: in the key's first bucket, else in its second, else where one of the keys there can
// move to its other bucket. At the load that layOut plans for that is enough for hashed keys; for keys that were
// chosen to meet, the least recently changed of them is evicted.
func (r *rows) insert(image []byte, h home, row uint32) {
	if r.put(image, h, row) {
		return
	}
	if !r.makeRoom(image, h.first) && !r.makeRoom(image, h.second) {
		r.drop(image, r.oldestOf(image, h))
		r.crowded++
	}
	r.put(image, h, row)
}

// put takes a free place in one of the key's buckets.
func (r *rows) put(image []byte, h home, row uint32) bool {
	first := r.bucket(image, h.first)
	if free := first.match(0); free != 0 {
		first.set(placeAt(free), h.tag, row)
		return true
	}
	second := r.bucket(image, h.second)
	if free := second.match(0); free != 0 {
		second.set(placeAt(free), h.tag, row)
		first.spill(1)
		return true
	}
	return false
}

// makeRoom moves one key of a full bucket to its other bucket.
func (r *rows) makeRoom(image []byte, bucket int) bool {
	b := r.bucket(image, bucket)
	for place := range bucketKeys {
		row := b.row(place)
		if row == 0 || int64(row) > int64(r.capacity) {
			continue
		}
		h := homeOf(le.Uint64(r.row(image, int(row-1))[offKey:]), r.buckets)
		to, spilled := h.second, 1
		if bucket == h.second {
			to, spilled = h.first, -1
		}
		if free := r.bucket(image, to).match(0); free != 0 {
			r.bucket(image, to).set(placeAt(free), h.tag, row)
			b.set(place, 0, 0)
			r.bucket(image, h.first).spill(spilled)
			return true
		}
	}
	return false
}

// oldestOf gives the row that was changed least recently among those in the two full buckets of a key.
func (r *rows) oldestOf(image []byte, h home) int {
	oldest, found := 0, false
	for _, n := range []int{h.first, h.second} {
		b := r.bucket(image, n)
		for place := range bucketKeys {
			row := b.row(place)
			if row == 0 || int64(row) > int64(r.capacity) {
				continue
			}
			if n := int(row - 1); !found || r.stampOf(image, n) < r.stampOf(image, oldest) {
				oldest, found = n, true
			}
		}
	}
	return oldest
}
