package wire

import (
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Bounds of what is kept for a connection, in bytes; requests beyond them are unknown.
const (
	maxLine  = 4 << 10  // beginning of an incomplete line of HTTP/1; its rest is not needed
	maxBlock = 64 << 10 // a header block of HTTP/2, and any other frame that is read
)

// Counters holds the counts of many taps. They may be read at any time.
type Counters struct {
	Requests      atomic.Uint64 // requests whose header fields were read
	Unmatched     atomic.Uint64 // requests that were unknown when they were claimed
	NotUnderstood atomic.Uint64 // connections on which some bytes were not understood
}

// Tap parses what one client sends on one connection. Write is for one goroutine at a time, Claim
// for any number.
type Tap struct {
	counters  *Counters
	tls       uint32 // print of the client's TLS
	mode      mode
	matched   int // bytes of the preface so far
	http1     http1
	http2     *http2
	unclaimed records
}

type mode uint8

const (
	undecided mode = iota
	inHTTP1
	inHTTP2
	ended // nothing more is parsed
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// NewTap returns a tap that counts in counters.
func NewTap(counters *Counters) *Tap { return &Tap{counters: counters} }

// SetTLS sets the print of the client's TLS. Call it before the first Write; without it the client
// has no TLS.
func (t *Tap) SetTLS(print uint32) { t.tls = print }

// Write parses the next bytes. It does not keep b.
func (t *Tap) Write(b []byte) {
	for t.mode == undecided && len(b) > 0 {
		b = t.decide(b)
	}
	ok := true
	switch t.mode {
	case inHTTP1:
		ok = t.http1.write(t, b)
	case inHTTP2:
		ok = t.http2.write(t, b)
	}
	if !ok {
		t.counters.NotUnderstood.Add(1)
		t.end()
	}
}

// decide checks whether a connection begins with the preface of HTTP/2, and returns the rest to
// parse.
func (t *Tap) decide(b []byte) []byte {
	for len(b) > 0 && t.matched < len(preface) {
		if b[0] != preface[t.matched] {
			t.mode = inHTTP1
			if !t.http1.write(t, []byte(preface[:t.matched])) {
				t.mode = ended
			}
			return b
		}
		t.matched++
		b = b[1:]
	}
	if t.matched == len(preface) {
		t.mode, t.http2 = inHTTP2, newHTTP2()
	}
	return b
}

// end stops parsing. Requests read so far may still be claimed.
func (t *Tap) end() {
	t.mode = ended
	t.http1.line.drop()
	if t.http2 != nil {
		t.http2.payload.drop()
		t.http2.block.drop()
		t.http2 = nil
	}
}

// Claim returns what the request with this method and target looked like, or 0 if that is unknown.
// Call it once for each request: a second call finds another one.
func (t *Tap) Claim(method, target string) traffic.Wire {
	w, _ := t.unclaimed.claim(requestKey(newSum(method), newSum(target)))
	if w == 0 {
		t.counters.Unmatched.Add(1)
	}
	return w
}

func (t *Tap) read(key uint64, f traffic.WireFacts, prelude sum) {
	t.counters.Requests.Add(1)
	t.unclaimed.add(key, traffic.MakeWire(f, wirePrint(t.tls, prelude, f)), f.Pseudo != 0)
}

// keeper keeps bytes until a line, payload or block is complete. Its memory comes from a pool.
type keeper struct{ bytes *[]byte }

// pooledSize is the initial size of the memory in the pool. It may grow, and does not shrink.
const pooledSize = 4 << 10

var pool = sync.Pool{New: func() any { b := make([]byte, 0, pooledSize); return &b }}

// add appends b, up to limit bytes in all.
func (k *keeper) add(b []byte, limit int) {
	if k.bytes == nil {
		k.bytes = pool.Get().(*[]byte)
	}
	*k.bytes = append(*k.bytes, b[:max(0, min(len(b), limit-len(*k.bytes)))]...)
}

func (k *keeper) len() int {
	if k.bytes == nil {
		return 0
	}
	return len(*k.bytes)
}

// drop returns the memory to the pool. Nothing may refer to it any more.
func (k *keeper) drop() {
	if k.bytes == nil {
		return
	}
	if cap(*k.bytes) <= pooledSize {
		*k.bytes = (*k.bytes)[:0]
		pool.Put(k.bytes)
	}
	k.bytes = nil
}
