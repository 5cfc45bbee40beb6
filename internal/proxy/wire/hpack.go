package wire

import "strings"

// text is what is kept of a string while it is decoded.
type text struct {
	size int
	sum  sum
	head [maxName]byte // its first bytes
}

func (t *text) add(c byte) {
	if t.size < maxName {
		t.head[t.size] = c
	}
	t.size++
	t.sum = t.sum.byte(c)
}

// name returns the name of the header field that t spells.
func (t *text) name() name {
	if t.size > maxName {
		return otherName
	}
	return parseName(t.head[:t.size])
}

// entry is a header field of HPACK's tables. Its size is defined by RFC 7541, 4.1; only the sum of
// its value is kept, and only if something depends on it.
type entry struct {
	value   sum
	size    uint32
	nameLen uint16
	name    name
}

// static lists the header fields of RFC 7541, appendix A. A value that something depends on follows
// "=".
var static = func() (entries []entry) {
	const fields = `:authority :method=GET :method=POST :path=/ :path=/index.html :scheme :scheme :status :status :status :status :status
		:status :status accept-charset accept-encoding accept-language accept-ranges accept access-control-allow-origin age allow
		authorization cache-control content-disposition content-encoding content-language content-length content-location content-range
		content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since
		last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server
		set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate`
	for _, field := range strings.Fields(fields) {
		name, value, _ := strings.Cut(field, "=")
		entries = append(entries, entry{name: parseName([]byte(name)), nameLen: uint16(len(name)), value: newSum(value)})
	}
	return entries
}()

// Bounds of the table of a connection. A client may make it as large as the server allows; net/http
// allows 4,096 bytes by default.
const (
	defaultTable  = 4096
	maxTable      = 64 << 10
	entryOverhead = 32
)

// table is HPACK's dynamic table, in a ring that grows up to maxTable/entryOverhead entries.
type table struct {
	ring      []entry
	oldest, n int
	size, max uint32
}

// at returns the field with an index, counted from 1.
func (t *table) at(index uint64) (entry, bool) {
	switch {
	case index == 0:
		return entry{}, false
	case index <= uint64(len(static)):
		return static[index-1], true
	}
	if index -= uint64(len(static)); index > uint64(t.n) {
		return entry{}, false
	}
	return t.ring[(t.oldest+t.n-int(index))%len(t.ring)], true
}

func (t *table) add(e entry) {
	t.shrink(e.size)
	if e.size > t.max {
		return
	}
	if t.n == len(t.ring) {
		ring := make([]entry, max(16, 2*t.n))
		for i := range t.n {
			ring[i] = t.ring[(t.oldest+i)%t.n]
		}
		t.ring, t.oldest = ring, 0
	}
	t.ring[(t.oldest+t.n)%len(t.ring)] = e
	t.n++
	t.size += e.size
}

// shrink evicts entries until room bytes fit, or none are left.
func (t *table) shrink(room uint32) {
	for t.n > 0 && uint64(t.size)+uint64(room) > uint64(t.max) {
		t.size -= t.ring[t.oldest].size
		t.oldest = (t.oldest + 1) % len(t.ring)
		t.n--
	}
}

// block is a header block that is being decoded. Reading past its end sets bad.
type block struct {
	rest []byte
	bad  bool
}

// integer reads an integer with a prefix of the given number of bits (RFC 7541, 5.1).
func (b *block) integer(bits uint8) uint64 {
	if len(b.rest) == 0 {
		b.bad = true
		return 0
	}
	mask := byte(1<<bits - 1)
	v := uint64(b.rest[0] & mask)
	b.rest = b.rest[1:]
	if v < uint64(mask) {
		return v
	}
	for shift := 0; shift < 35 && len(b.rest) > 0; shift += 7 {
		c := b.rest[0]
		b.rest = b.rest[1:]
		v += uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	b.bad = true
	return 0
}

// text reads a string (RFC 7541, 5.2); it is faster if only the length matters.
func (b *block) text(t *text, lengthOnly bool) {
	t.size, t.sum = 0, emptySum
	if len(b.rest) == 0 {
		b.bad = true
		return
	}
	coded := b.rest[0]&0x80 != 0
	n := b.integer(7)
	if b.bad || n > uint64(len(b.rest)) {
		b.bad = true
		return
	}
	src := b.rest[:n]
	b.rest = b.rest[n:]
	if coded {
		b.bad = !unhuffman(src, t)
		return
	}
	if lengthOnly {
		t.size = len(src)
		return
	}
	for _, c := range src {
		t.add(c)
	}
}

// decode calls field for each header field of a block, in order, and reports whether the block was
// sound. After an unsound block the table must not be used.
func (t *table) decode(src []byte, field func(name, sum)) bool {
	b := block{rest: src}
	for len(b.rest) > 0 && !b.bad {
		switch c := b.rest[0]; {
		case c&0x80 != 0:
			e, ok := t.at(b.integer(7))
			if b.bad = b.bad || !ok; !b.bad {
				field(e.name, e.value)
			}
		case c&0xc0 == 0x40:
			if e, ok := t.literal(&b, 6); ok {
				t.add(e)
				field(e.name, e.value)
			}
		case c&0xe0 == 0x20:
			size := b.integer(5)
			if b.bad = b.bad || size > maxTable; !b.bad {
				t.max = uint32(size)
				t.shrink(0)
			}
		default:
			if e, ok := t.literal(&b, 4); ok {
				field(e.name, e.value)
			}
		}
	}
	return !b.bad
}

// literal reads a header field whose value, and perhaps name, is in the block.
func (t *table) literal(b *block, bits uint8) (entry, bool) {
	var e entry
	var s text
	if index := b.integer(bits); index != 0 {
		var ok bool
		if e, ok = t.at(index); !ok {
			b.bad = true
		}
	} else if b.text(&s, false); !b.bad {
		e.name, e.nameLen = s.name(), uint16(min(s.size, 1<<16-1))
	}
	if b.bad {
		return entry{}, false
	}
	b.text(&s, e.name != methodPseudo && e.name != pathPseudo)
	e.value, e.size = s.sum, uint32(e.nameLen)+uint32(s.size)+entryOverhead
	return e, !b.bad
}
