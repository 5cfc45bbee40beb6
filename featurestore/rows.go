package featurestore

// rows is one dimension of an image that is being written: the offsets of its tables, and the half
// of its directory record that changes. All of its state is in the image, so that the same changes
// turn two images with the same content into images with the same content. The content of the image
// may be damaged: then rows get lost, but every index is checked and every loop ends.
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

// load reads the state from a directory record.
func (r *rows) load(e []byte) {
	r.keys = int(min(le.Uint64(e[offKeys:]), uint64(r.capacity)))
	r.used = int(min(le.Uint64(e[offUsed:]), uint64(r.capacity)))
	r.free = uint32(le.Uint64(e[offFree:]))
	r.random, r.sum = le.Uint64(e[offRandom:]), le.Uint64(e[offSum:])
	r.evicted, r.crowded = le.Uint64(e[offEvicted:]), le.Uint64(e[offCrowded:])
}

// store writes the state to a directory record.
func (r *rows) store(e []byte) {
	le.PutUint64(e[offKeys:], uint64(r.keys))
	le.PutUint64(e[offUsed:], uint64(r.used))
	le.PutUint64(e[offFree:], uint64(r.free))
	le.PutUint64(e[offRandom:], r.random)
	le.PutUint64(e[offSum:], r.sum)
	le.PutUint64(e[offEvicted:], r.evicted)
	le.PutUint64(e[offCrowded:], r.crowded)
}

// open returns the row of key for writing: the existing one or a new one. The caller sets its stamp
// and values before it calls close.
func (r *rows) open(image []byte, key uint64) []byte {
	h := locate(key, r.buckets)
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

// close finishes a row that open returned.
func (r *rows) close(row []byte) { r.sum += rowHash(row) }

// remove deletes a key if it is there.
func (r *rows) remove(image []byte, key uint64) {
	if n, ok := r.lookUp(image, key, locate(key, r.buckets)); ok {
		r.drop(image, n)
	}
}

// allocate returns a row without a key. If all rows are used, it evicts the least recently changed
// of eight rows picked at random, as Redis approximates LRU.
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
		if n := r.pick(); r.stamp(image, n) < r.stamp(image, oldest) {
			oldest = n
		}
	}
	r.drop(image, oldest)
	r.evicted++
	r.free = le.Uint32(r.row(image, oldest)[offStamp:])
	return oldest
}

// pick returns a random row, by xorshift64* (Vigna 2016).
func (r *rows) pick() int {
	if r.random == 0 {
		r.random = 1
	}
	r.random ^= r.random >> 12
	r.random ^= r.random << 25
	r.random ^= r.random >> 27
	return int(mulHigh(r.random*0x2545f4914f6cdd1d, uint64(r.capacity)))
}

func (r *rows) stamp(image []byte, n int) uint32 { return le.Uint32(r.row(image, n)[offStamp:]) }

// drop removes the key of row n and puts the row on the free list.
func (r *rows) drop(image []byte, n int) {
	row := r.row(image, n)
	if key := le.Uint64(row[offKey:]); key != 0 {
		r.unlink(image, locate(key, r.buckets), uint32(n)+1)
		r.sum -= rowHash(row)
		r.keys = max(0, r.keys-1)
	}
	le.PutUint64(row[offKey:], 0)
	le.PutUint32(row[offStamp:], r.free)
	r.free = uint32(n) + 1
}

// unlink frees the entry of a row.
func (r *rows) unlink(image []byte, h home, row uint32) {
	first := r.bucket(image, h.first)
	if entry, ok := first.find(h.tag, row); ok {
		first.set(entry, 0, 0)
		return
	}
	second := r.bucket(image, h.second)
	if entry, ok := second.find(h.tag, row); ok {
		second.set(entry, 0, 0)
		first.spill(-1)
	}
}

// insert adds an entry for a row: in the key's first bucket, else in its second, else where a key
// can move to its other bucket. At the load that layOut plans, that suffices for hashed keys; for
// keys chosen to collide, the least recently changed of them is evicted.
func (r *rows) insert(image []byte, h home, row uint32) {
	if r.put(image, h, row) {
		return
	}
	if !r.makeRoom(image, h.first) && !r.makeRoom(image, h.second) {
		r.drop(image, r.oldest(image, h))
		r.crowded++
	}
	r.put(image, h, row)
}

// put takes a free entry in one of the key's buckets.
func (r *rows) put(image []byte, h home, row uint32) bool {
	first := r.bucket(image, h.first)
	if free := first.match(0); free != 0 {
		first.set(lowestEntry(free), h.tag, row)
		return true
	}
	second := r.bucket(image, h.second)
	if free := second.match(0); free != 0 {
		second.set(lowestEntry(free), h.tag, row)
		first.spill(1)
		return true
	}
	return false
}

// makeRoom moves one key of a full bucket to its other bucket.
func (r *rows) makeRoom(image []byte, bucket int) bool {
	b := r.bucket(image, bucket)
	for entry := range bucketKeys {
		row := b.row(entry)
		if row == 0 || int64(row) > int64(r.capacity) {
			continue
		}
		h := locate(le.Uint64(r.row(image, int(row-1))[offKey:]), r.buckets)
		to, spilled := h.second, 1
		if bucket == h.second {
			to, spilled = h.first, -1
		}
		if free := r.bucket(image, to).match(0); free != 0 {
			r.bucket(image, to).set(lowestEntry(free), h.tag, row)
			b.set(entry, 0, 0)
			r.bucket(image, h.first).spill(spilled)
			return true
		}
	}
	return false
}

// oldest returns the least recently changed row in the two full buckets of a key.
func (r *rows) oldest(image []byte, h home) int {
	oldest, found := 0, false
	for _, n := range []int{h.first, h.second} {
		b := r.bucket(image, n)
		for entry := range bucketKeys {
			row := b.row(entry)
			if row == 0 || int64(row) > int64(r.capacity) {
				continue
			}
			if n := int(row - 1); !found || r.stamp(image, n) < r.stamp(image, oldest) {
				oldest, found = n, true
			}
		}
	}
	return oldest
}
