package featurestore

// Verify recomputes what the table says of itself: the hash of header and directory, the sum of the rows' hashes, and
// that every row with a key is found through its bucket, and no other. It takes time in proportion to the table, about
// a second for ten million keys, and returns a [*FormatError].
func (t *Table) Verify() error {
	if got, want := le.Uint64(t.image[offChecksum:]), checksumOf(t.image, len(t.rows)); got != want {
		return formatErrorf("header and directory have the hash %#016x, the header says %#016x", want, got)
	}
	for i := range t.rows {
		name := t.Schema.Dimensions[i].Name
		if err := t.rows[i].checkCounts(entryOf(t.image, i), name); err != nil {
			return err
		}
		if err := t.rows[i].checkRows(t.image, name); err != nil {
			return err
		}
		if err := t.rows[i].checkBuckets(t.image, name); err != nil {
			return err
		}
		if err := t.rows[i].checkFree(t.image, name); err != nil {
			return err
		}
	}
	return nil
}

// checkCounts compares what load cut to the capacity with what was there.
func (r *rows) checkCounts(e []byte, name string) error {
	keys, used, free := le.Uint64(e[offKeys:]), le.Uint64(e[offUsed:]), le.Uint64(e[offFree:])
	if used > uint64(r.capacity) || keys > used || free > used {
		return formatErrorf("dimension %s: %d keys, %d rows used and first free row %d do not go with a capacity of %d",
			name, keys, used, free, r.capacity)
	}
	return nil
}

// checkRows compares the rows with their number and sum.
func (r *rows) checkRows(image []byte, name string) error {
	keys, sum := 0, uint64(0)
	for n := range r.used {
		if row := r.row(image, n); le.Uint64(row[offKey:]) != 0 {
			keys++
			sum += rowHash(row)
		}
	}
	if keys != r.keys || sum != r.sum {
		return formatErrorf("dimension %s: %d keys with the checksum %#016x, the directory says %d with %#016x", name, keys, sum,
			r.keys, r.sum)
	}
	return nil
}

// checkBuckets follows every place to its row. A row has one place where there are as many places as rows and every
// row's key is found again by a look-up that ends at this very place.
func (r *rows) checkBuckets(image []byte, name string) error {
	spilled := make([]uint32, r.buckets)
	places := 0
	for n := range r.buckets {
		b := r.bucket(image, n)
		for place := range bucketKeys {
			row, tag := b.row(place), le.Uint16(b[offTags+2*place:])
			if tag == 0 && row == 0 {
				continue
			}
			if tag == 0 || row == 0 || int64(row) > int64(r.used) {
				return formatErrorf("dimension %s: bucket %d leads to row %d of %d", name, n, row, r.used)
			}
			key := le.Uint64(r.row(image, int(row-1))[offKey:])
			h := homeOf(key, r.buckets)
			found, ok := r.lookUp(image, key, h)
			if key == 0 || tag != h.tag || n != h.first && n != h.second || !ok || found != int(row-1) {
				return formatErrorf("dimension %s: bucket %d leads to row %d, which does not belong there", name, n, row)
			}
			at, _ := b.placeOf(tag, row)
			_, also := r.bucket(image, h.first).placeOf(tag, row)
			if at != place || n == h.second && also {
				return formatErrorf("dimension %s: two places lead to row %d", name, row)
			}
			if n == h.second {
				spilled[h.first]++
			}
			places++
		}
	}
	for n, want := range spilled {
		if got := r.bucket(image, n).spilled(); got != want {
			return formatErrorf("dimension %s: bucket %d counts %d keys in second buckets, there are %d", name, n, got, want)
		}
	}
	if places != r.keys {
		return formatErrorf("dimension %s: %d places for %d keys", name, places, r.keys)
	}
	return nil
}

// checkFree walks the free rows: they and the keys are all the rows that are used. A list that comes back to one of
// its rows is longer than that.
func (r *rows) checkFree(image []byte, name string) error {
	free := 0
	for at := r.free; at != 0; free++ {
		if int64(at) > int64(r.used) || free > r.used-r.keys || le.Uint64(r.row(image, int(at-1))[offKey:]) != 0 {
			return formatErrorf("dimension %s: the list of free rows is damaged at row %d", name, at)
		}
		at = le.Uint32(r.row(image, int(at-1))[offStamp:])
	}
	if free != r.used-r.keys {
		return formatErrorf("dimension %s: %d rows are free, the directory says %d", name, free, r.used-r.keys)
	}
	return nil
}
