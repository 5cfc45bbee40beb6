package featurestore

import "slices"

// editor changes an image in memory of any kind: on the heap for a [Builder], in a mapped file for
// a [Publisher].
type editor struct {
	image []byte
	epoch int64
	rows  []rows
}

// begin loads an image of p: as it is, or formatted as an empty table that is published at now.
func (e *editor) begin(p *plan, image []byte, now int64, format bool) {
	if format {
		p.format(image, epochFor(now))
	}
	e.image, e.epoch, e.rows = image, int64(le.Uint64(image[offEpoch:])), slices.Grow(e.rows[:0], len(p.parts))
	for i, part := range p.parts {
		r := rows{part: part}
		r.load(directoryRecord(image, i))
		e.rows = append(e.rows, r)
	}
	if now < e.epoch+span/4 || now-e.epoch > span/4*7 { // or overflow
		e.rebase(epochFor(now))
	}
}

// open returns the row of key in dimension d. The caller sets its values before it calls close.
func (e *editor) open(d int, key uint64) []byte { return e.rows[d].open(e.image, key) }

// close finishes a row, last changed at stamp.
func (e *editor) close(d int, row []byte, stamp int64) {
	le.PutUint32(row[offStamp:], ticksSince(e.epoch, stamp))
	e.rows[d].close(row)
}

func (e *editor) remove(d int, key uint64) { e.rows[d].remove(e.image, key) }

// end writes the state and the checksum to the image, as of now.
func (e *editor) end(now int64) {
	le.PutUint64(e.image[offPublished:], uint64(now))
	for i := range e.rows {
		e.rows[i].store(directoryRecord(e.image, i))
	}
	le.PutUint64(e.image[offChecksum:], headerChecksum(e.image, len(e.rows)))
}

// rebase moves the epoch, which takes a pass over all rows. A table needs it after 73 days, or when
// the clock was set by as much.
func (e *editor) rebase(epoch int64) {
	for i := range e.rows {
		r := &e.rows[i]
		r.sum = 0
		for n := range r.used {
			row := r.row(e.image, n)
			if le.Uint64(row[offKey:]) != 0 {
				le.PutUint32(row[offStamp:], ticksSince(epoch, stampTime(e.epoch, le.Uint32(row[offStamp:]))))
				r.sum += rowHash(row)
			}
		}
	}
	e.epoch = epoch
	le.PutUint64(e.image[offEpoch:], uint64(epoch))
}

func directoryRecord(image []byte, i int) []byte { return image[headerSize+i*recordSize:][:recordSize] }
