package wire

import (
	"sync/atomic"

	"github.com/headgate/headgate/featurestore/traffic"
)

// records holds the requests that were read and not claimed yet. One goroutine adds to them, any
// number claim. None of them waits.
//
// If there is no room, the oldest request is dropped: probably nobody claims it, for instance in a
// part of the server without a filter. A server of net/http allows a client 250 requests at once.
type records struct {
	few  [fewRecords]record
	more atomic.Pointer[[moreRecords]record] // nil until needed

	// Used only by the goroutine that adds.
	next   int
	serial uint16
}

const (
	fewRecords  = 8
	moreRecords = 248
)

// record is one request. Its key combines 48 bits of the request's key and a serial number that is
// not 0, so that a claim never takes a later request. A record with key 0 is free.
type record struct {
	key  atomic.Uint64
	wire atomic.Uint64
}

const serialBits = 16

// add adds a request. many is false where few requests may be open at once, as in HTTP/1: then few
// are kept.
func (r *records) add(key uint64, w traffic.Wire, many bool) {
	at := r.free(many)
	if r.serial++; r.serial == 0 {
		r.serial = 1
	}
	at.key.Store(0)
	at.wire.Store(uint64(w))
	at.key.Store(key>>serialBits<<serialBits | uint64(r.serial))
}

// free returns the record for another request: a free one, or the oldest.
func (r *records) free(many bool) *record {
	for i := range r.few {
		if r.few[i].key.Load() == 0 {
			return &r.few[i]
		}
	}
	more := r.more.Load()
	if more == nil {
		if !many {
			r.next = (r.next + 1) % fewRecords
			return &r.few[r.next]
		}
		more = new([moreRecords]record)
		r.more.Store(more)
	}
	for i := range more {
		if more[i].key.Load() == 0 {
			return &more[i]
		}
	}
	if r.next = (r.next + 1) % (fewRecords + moreRecords); r.next < fewRecords {
		return &r.few[r.next]
	}
	return &more[r.next-fewRecords]
}

// claim removes and returns the request with a key. If several differ, all of them become unknown,
// since they cannot be told apart.
func (r *records) claim(key uint64) (traffic.Wire, bool) {
	for {
		found, serial, w, differ := r.find(key)
		if found == nil {
			return 0, false
		}
		if differ {
			w = 0
		}
		if found.key.CompareAndSwap(serial, 0) {
			return traffic.Wire(w), true
		}
		// Another goroutine took it, or it was dropped.
	}
}

// find returns a record with the key.
func (r *records) find(key uint64) (found *record, serial, wire uint64, differ bool) {
	see := func(at *record) {
		k := at.key.Load()
		if k == 0 || k>>serialBits != key>>serialBits {
			return
		}
		w := at.wire.Load()
		switch {
		case found == nil:
			found, serial, wire = at, k, w
		case w != wire:
			differ = true
		}
	}
	more := r.more.Load()
	for i := range r.few {
		see(&r.few[i])
	}
	if more != nil {
		for i := range more {
			see(&more[i])
		}
	}
	if !differ {
		return found, serial, wire, false
	}
	forget := func(at *record) {
		if at.key.Load()>>serialBits == key>>serialBits {
			at.wire.Store(0)
		}
	}
	for i := range r.few {
		forget(&r.few[i])
	}
	if more != nil {
		for i := range more {
			forget(&more[i])
		}
	}
	return found, serial, wire, true
}
