package traffic

import (
	"net/netip"
	"time"
)

//msgp:replace Wire with:uint64
//msgp:replace Facts with:uint32

// Bounds of the strings in an Event, in bytes. An encoded event has at most [MaxEncoded] bytes.
const (
	maxMethod    = 16
	MaxHost      = 128
	MaxPath      = 256
	maxUserAgent = 256
	maxJA4       = 40
	maxOrigin    = 64
	MaxEncoded   = 1000
)

// maxQuery is the length of a query that is as long or longer.
const maxQuery = 1<<16 - 1

// OpenAfter is how long a request lasts before the features of open requests count it. Nearly all
// are shorter, and are reported only when they end.
const OpenAfter = time.Second

// Bounds of the amounts in an Event. An event with a higher amount, made up or miscounted, would
// outweigh all others of its host.
const (
	maxBytes    = 1 << 40 // 1 TiB
	maxDuration = uint64(24 * time.Hour)
)

// MaxAhead is how far an event's time may be ahead of the clock of the process that reads it:
// proxies share the daemon's clock, a log has its own.
const MaxAhead = 5 * time.Second

// Event is one request that has ended, as a proxy reports it. Before the origin answers the same
// type has what is known by then; Status, Bytes, Duration, Score, Action and Refused are still
// zero.
//
// A request that lasts longer than [OpenAfter] is also reported while it is open, by events with
// Open set. Such a report only adds to the time that the request was open.
//
// In the zero value nothing is known. An Event may be copied and reused.
//
// The order of the fields keeps an event within three cache lines: Filter.Done waits for each line
// that is not cached.
type Event struct {
	Time    int64    `msg:"t"`  // start of the request, nanoseconds since 1970 UTC
	Client  [16]byte `msg:"ip"` // client address; IPv4 in its IPv4-mapped form; all zero: unknown
	Method  string   `msg:"m"`  // at most 16 bytes; empty: the request line was not HTTP
	Host    string   `msg:"h"`  // lower case, without port; empty: unknown
	Path    string   `msg:"p"`  // path without query, as sent
	PathSum uint64   `msg:"ps"` // hash of the whole path where it was cut, else 0
	Query   uint16   `msg:"q"`  // length of the query in bytes, at most 65535
	// the page of the same site that the Referer names, see Sums.SetLink; 0: none, or unknown
	Link      uint16 `msg:"l"`
	Facts     Facts  `msg:"f"`  // what the header fields say
	UserAgent string `msg:"ua"` // at most 256 bytes; empty: none sent, or FactAgentUnknown
	AgentSum  uint64 `msg:"us"` // hash of the whole user agent where it was cut, else 0
	JA4       string `msg:"j"`  // TLS client fingerprint, at most 40 bytes; empty: unknown
	Wire      Wire   `msg:"w"`  // what the request looked like on the wire; 0: unknown
	Session   uint64 `msg:"s"`  // hash of the session cookie; 0: none
	Origin    string `msg:"o"`  // origin of the request, at most 64 bytes; empty: none
	Bytes     uint64 `msg:"b"`  // response body, bytes; at most 1 TiB
	// from Time to the end of the request, nanoseconds; at most 24 hours
	Duration uint64 `msg:"d"`
	// how much of Duration was reported before, nanoseconds; at most 24 hours
	Reported uint64 `msg:"to"`
	Status   uint16 `msg:"st"` // response status; 0: none was sent
	Headers  uint8  `msg:"hc"` // number of header fields, at most 255; 0: unknown
	Version  uint8  `msg:"v"`  // HTTP version times ten: 10, 11, 20, 30; 0: unknown
	Score    uint8  `msg:"sc"` // score given, 1..99; 0: none
	Action   uint8  `msg:"a"`  // action taken, as proxyhook numbers them
	Refused  bool   `msg:"r"`  // refused for an overloaded origin
	Open     bool   `msg:"op"` // a report of a request that has not ended
}

// SetClient stores addr. An IPv4-mapped IPv6 address is the IPv4 address, and a zone is dropped; an
// invalid address is stored as unknown.
func (e *Event) SetClient(addr netip.Addr) {
	if !addr.IsValid() {
		e.Client = [16]byte{}
		return
	}
	e.Client = addr.As16()
}

// Addr returns the client's address, the zero Addr if it is unknown.
func (e *Event) Addr() netip.Addr {
	if e.Client == ([16]byte{}) {
		return netip.Addr{}
	}
	return netip.AddrFrom16(e.Client).Unmap()
}

// SetQuery stores the length of a query.
func (e *Event) SetQuery(length int) { e.Query = uint16(min(length, maxQuery)) }

// SetPath stores path, cut to its bound, with a hash without a secret. A proxy uses [Sums.SetPath].
func (e *Event) SetPath(path string) { Sums{}.SetPath(e, path) }

// SetUserAgent stores agent, cut to its bound, with a hash without a secret. A proxy uses
// [Sums.SetUserAgent].
func (e *Event) SetUserAgent(agent string) { Sums{}.SetUserAgent(e, agent) }

// Bound cuts each string that is too long, lowers each amount that is too large to its bound, and
// reports whether there were any. It is for events that were filled field by field, or decoded from
// untrusted bytes. A path and a user agent that are cut get the hash of the whole.
func (e *Event) Bound() (beyond bool) { return Sums{}.Bound(e) }

// Bound is [Event.Bound] with hashes under the secret of s.
func (s Sums) Bound(e *Event) (beyond bool) {
	beyond = e.Bytes > maxBytes || e.Duration > maxDuration || e.Reported > maxDuration ||
		len(e.Method) > maxMethod || len(e.Host) > MaxHost ||
		len(e.JA4) > maxJA4 || len(e.Origin) > maxOrigin || len(e.Path) > MaxPath ||
		len(e.UserAgent) > maxUserAgent
	if !beyond {
		return false
	}
	e.Bytes, e.Duration, e.Reported = min(e.Bytes, maxBytes), min(e.Duration, maxDuration),
		min(e.Reported, maxDuration)
	e.Method = clip(e.Method, maxMethod)
	e.Host = clip(e.Host, MaxHost)
	e.JA4 = clip(e.JA4, maxJA4)
	e.Origin = clip(e.Origin, maxOrigin)
	if len(e.Path) > MaxPath {
		s.SetPath(e, e.Path)
	}
	if len(e.UserAgent) > maxUserAgent {
		s.SetUserAgent(e, e.UserAgent)
	}
	return true
}

// ClipTime sets the time of an event that is more than ahead after now to now, and reports whether
// it did.
func (e *Event) ClipTime(now int64, ahead time.Duration) (clipped bool) {
	if e.Time <= now || e.Time-int64(ahead) <= now {
		return false
	}
	e.Time = now
	return true
}

// At returns the time at which the request began.
func (e *Event) At() time.Time { return time.Unix(0, e.Time) }

func clip(s string, limit int) string {
	if len(s) > limit {
		return s[:limit]
	}
	return s
}

// answered is the lowest number of the actions by which headgate answers a request itself, as
// proxyhook numbers them.
const answered = 2

// originStatus returns the origin's status, 0 where the request did not get there.
func (e *Event) originStatus() uint16 {
	if e.Refused || e.Action >= answered {
		return 0
	}
	return e.Status
}
