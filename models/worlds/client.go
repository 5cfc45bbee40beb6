package worlds

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"
)

// client sends requests: a person's browser, or a program.
type client struct {
	truth    *Truth
	addr     netip.Addr
	program  *program
	language [3]string
	cookie   string // sent from the second request on
	answered bool   // whether it has had an answer

	noCookies bool
	noReferer bool
	resumes   bool // TLS sessions
}

// randomV4 returns an address of 10.0.0.0/8.
func (d *dice) randomV4() netip.Addr {
	v := d.src.Uint64()
	return netip.AddrFrom4([4]byte{10, byte(v), byte(v >> 8), 1 + byte(v>>16)%254})
}

// near returns another address of the network: of the /24, or of the /64 for IPv6.
func (d *dice) near(a netip.Addr) netip.Addr {
	if a.Is4() {
		b := a.As4()
		b[3] = byte(d.from(1, 254))
		return netip.AddrFrom4(b)
	}
	b := a.As16()
	binary.BigEndian.PutUint64(b[8:], d.src.Uint64())
	return netip.AddrFrom16(b)
}

// randomV6 returns an address of 2001:db8::/32.
func (d *dice) randomV6() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], 0x20010db8<<32|d.src.Uint64()&0xffffffff)
	binary.BigEndian.PutUint64(b[8:], d.src.Uint64())
	return netip.AddrFrom16(b)
}

// neighbour returns an address of another household in the same network.
func (d *dice) neighbour(a netip.Addr) netip.Addr {
	if a.Is4() {
		return d.near(a)
	}
	return d.siblingNet(a)
}

// siblingNet returns an address of another /64 of the same /48.
func (d *dice) siblingNet(a netip.Addr) netip.Addr {
	b := a.As16()
	binary.BigEndian.PutUint16(b[6:], uint16(d.src.Uint64()))
	return d.near(netip.AddrFrom16(b))
}

// relation returns Sec-Fetch-Site for a request from a page at a URL to a host.
func relation(from, host string) string {
	if from == "" {
		return "none"
	}
	_, rest, _ := strings.Cut(from, "://")
	origin, _, _ := strings.Cut(rest, "/")
	switch {
	case origin == host:
		return "same-origin"
	case domain(origin) == domain(host):
		return "same-site"
	}
	return "cross-site"
}

// domain returns the last two labels of a host.
func domain(host string) string {
	last := strings.LastIndexByte(host, '.')
	if last < 0 {
		return host
	}
	return host[strings.LastIndexByte(host[:last], '.')+1:]
}

// send makes a request of a client to a site. What of a is about the page that asks follows from
// its URL, from; a has already a referer where that is forged.
func (w *World) send(c *client, s *site, at time.Duration, a *ask, from string) *Request {
	r := w.emit(at)
	p := c.program
	a.secure = s.scheme == "https://"
	a.version = 11
	if s.http2 && p.http2 {
		a.version = 20
	}
	a.relation = relation(from, a.host)
	a.origin = s.origin
	if a.referer == "" && !c.noReferer {
		a.referer = s.referer(from, a.host)
	}
	a.language = c.language
	if !c.noCookies && c.answered && s.cookies {
		a.cookie = c.cookie
	}
	r.Client, r.Method, r.Host, r.Target = c.addr, a.method, a.host, a.target
	r.Header = p.appendFields(r.Header[:0], a)
	r.Agent, r.Refer = p.agent, a.referer
	r.Version, r.Truth = a.version, c.truth
	r.unseen = s.elsewhere && a.host != s.calls
	r.JA4, r.Wire = "", 0
	if a.secure {
		r.JA4 = p.ja4
		if c.resumes {
			r.JA4 = p.resumed
		}
	}
	if w.view == Wire {
		r.Wire = w.requestWire(p, r, a.secure)
	}
	c.answered = true
	return r
}

// an answer takes at most this long
const longest = 90 * time.Second

// respond sets the answer of a page, a call or a form.
func (w *World) respond(s *site, r *Request, status int) time.Duration {
	s.answer(w.dice, r, status)
	r.Duration = min(r.Duration, longest)
	return r.Duration
}

// respondFile sets the answer of a file that is only read from disk.
func (w *World) respondFile(r *Request, status int) {
	r.Status, r.Duration = status, w.dice.between(300*time.Microsecond, 25*time.Millisecond)
	switch {
	case status == 304, status == 204:
		r.Bytes = 0
	case status >= 400:
		r.Bytes = w.dice.from(150, 3000)
	default:
		r.Bytes = w.dice.logUniform(300, 300_000)
	}
}
