package featurestore

// Verify recomputes the table's checksums: the hash of header and directory and the sum of the
// rows' hashes. It also checks that every row with a key is found through its bucket, and that no
// other row is. It takes time in proportion to the table, about a second for ten million keys, and
// returns a [*FormatError].
func (t *Table) Verify() error {
	if got, want := le.Uint64(t.image[offChecksum:]), headerChecksum(t.image, len(t.rows)); got != want {
		return formatErrorf("header and directory have the hash %#016x, the header says %#016x", want, got)
	}
	for i := range t.rows {
		name := t.Schema.Dimensions[i].Name
		if err := t.rows[i].checkCounts(directoryRecord(t.image, i), name); err != nil {
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

// checkCounts checks the counts in the directory record, which load clamps to the capacity.
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

// checkBuckets follows every entry to its row. Each row has exactly one entry if there are as many
// entries as rows and a lookup of every row's key ends at this entry.
func (r *rows) checkBuckets(image []byte, name string) error {
	spilled := make([]uint32, r.buckets)
	entries := 0
	for n := range r.buckets {
		b := r.bucket(image, n)
		for entry := range bucketKeys {
			row, tag := b.row(entry), le.Uint16(b[offTags+2*entry:])
			if tag == 0 && row == 0 {
				continue
			}
			if tag == 0 || row == 0 || int64(row) > int64(r.used) {
				return formatErrorf("dimension %s: bucket %d leads to row %d of %d", name, n, row, r.used)
			}
			key := le.Uint64(r.row(image, int(row-1))[offKey:])
			h := locate(key, r.buckets)
			found, ok := r.lookUp(image, key, h)
			if key == 0 || tag != h.tag || n != h.first && n != h.second || !ok || found != int(row-1) {
				return formatErrorf("dimension %s: bucket %d leads to row %d, which does not belong there", name, n, row)
			}
			at, _ := b.find(tag, row)
			_, also := r.bucket(image, h.first).find(tag, row)
			if at != entry || n == h.second && also {
				return formatErrorf("dimension %s: two entries lead to row %d", name, row)
			}
			if n == h.second {
				spilled[h.first]++
			}
			entries++
		}
	}
	for n, want := range spilled {
		if got := r.bucket(image, n).spilled(); got != want {
			return formatErrorf("dimension %s: bucket %d counts %d keys in second buckets, there are %d", name, n, got, want)
		}
	}
	if entries != r.keys {
		return formatErrorf("dimension %s: %d entries for %d keys", name, entries, r.keys)
	}
	return nil
}

// checkFree walks the free list: its rows and the rows with keys must be all the used rows. A list
// with a cycle is longer than that.
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
