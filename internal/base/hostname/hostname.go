// Package hostname brings the names of hosts and the addresses of origins into one canonical form
// each.
package hostname

import (
	"bytes"
	"net/netip"
	"strings"
)

// Bounds of canonical forms, in bytes. Longer names are cut: those that begin with the same bytes
// then have the same form.
const (
	MaxOrigin = 264 // the longest DNS name with a port, and some
	MaxHost   = 128

	maxSpelling = 1024 // bytes of a host or origin that are looked at
)

// AppendHost appends the canonical form of a host to dst and returns the extended slice. host is
// what a request names, with or without a port. All spellings of one host have the same canonical
// form, so that they are one key and none of them is a way around a threshold:
//
//   - letters are in lower case; a port, dots at the end and spaces around are left out;
//   - an IPv6 address is written as RFC 5952 says, without brackets and zone; an IPv4-mapped one is
//     the IPv4 address;
//   - a percent escape of a letter, a digit, or one of "-._~" is that character. Other escapes
//     stay. Blanks, control characters, a lone percent sign and non-ASCII bytes are escaped, so
//     that the result has no blanks;
//   - it is at most MaxHost bytes long.
//
// The canonical form of a canonical form is itself. AppendHost allocates only what dst lacks in
// capacity, and reads a bounded part of any input. It checks nothing: any input has a canonical
// form, which may be empty.
//
// Names that differ under other rules stay different: a name in Unicode and its xn-- form, 127.1
// and 127.0.0.1.
func AppendHost(dst []byte, host string) []byte {
	if plain(host) == len(host) && len(host) <= MaxHost && !strings.HasSuffix(host, ".") {
		return append(dst, host...)
	}
	name, _, address, isAddress := split(host)
	if isAddress {
		return address.AppendTo(dst)
	}
	return appendName(dst, name, len(dst)+MaxHost)
}

// Canonical is [AppendHost] for strings. If the canonical form is a part of host, as it most often
// is, the result is that part and nothing is allocated.
func Canonical(host string) string {
	n := plain(host)
	if 0 < n && n <= MaxHost && host[n-1] != '.' &&
		(n == len(host) || host[n] == ':' && strings.IndexByte(host[n+1:], ':') < 0) {
		return host[:n]
	}
	var b [MaxHost]byte
	canonical := AppendHost(b[:0], host)
	name, _, _, _ := split(host)
	if name = name[:min(len(name), len(canonical))]; name == string(canonical) {
		return name
	}
	return string(canonical)
}

// AppendOrigin appends the canonical form of an origin's address, as [AppendHost] does for a host,
// but keeps its port and the brackets of an IPv6 address with its zone: "[::1]:8080". A port is
// written without leading zeros, and an empty one is left out. So are a scheme, and everything from
// a slash after it on. The result is at most MaxOrigin bytes long. An origin that is not an address
// but a name of the proxy's own also has a canonical form.
func AppendOrigin(dst []byte, origin string) []byte {
	if plainOrigin(origin) {
		return append(dst, origin...)
	}
	limit := len(dst) + MaxOrigin
	name, port, address, isAddress := split(withoutScheme(origin))
	if isAddress {
		dst = appendBracketed(dst, address, parseZone(name))
	} else {
		dst = appendName(dst, name, limit-len(":65535"))
	}
	return appendPort(dst, port, limit)
}

// appendPort appends a port with the colon before it. A port may be any text, as an origin may be a
// name of the proxy's own; only numbers lose their leading zeros.
func appendPort(dst []byte, port string, limit int) []byte {
	at := len(dst)
	dst = appendEscaped(append(dst, ':'), port, limit, true)
	written := dst[at+1:]
	if len(bytes.Trim(written, "0123456789")) == 0 {
		written = bytes.TrimLeft(written, "0")
	}
	if len(written) == 0 {
		return dst[:at]
	}
	return append(dst[:at+1], written...)
}

// CanonicalOrigin is [AppendOrigin] for strings. If origin is canonical, nothing is allocated.
func CanonicalOrigin(origin string) string {
	if plainOrigin(origin) {
		return origin
	}
	var b [MaxOrigin]byte
	return string(AppendOrigin(b[:0], origin))
}

// plain returns the length of the part of s, from its beginning, that is the same in every spelling
// of a name.
func plain(s string) int {
	for i := range len(s) {
		if !isPlain[s[i]] {
			return i
		}
	}
	return len(s)
}

var isPlain = func() (table [256]bool) {
	for c := range table {
		table[c] = 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.' ||
			c == '_' || c == '~'
	}
	return table
}()

// plainOrigin reports whether s is canonical, for the spellings that are common.
func plainOrigin(s string) bool {
	n := plain(s)
	if len(s) > MaxOrigin-len(":65535") || n == 0 || s[n-1] == '.' {
		return false
	}
	return n == len(s) || s[n] == ':' && n+1 < len(s) && s[n+1] != '0' && plainPort(s[n+1:])
}

func plainPort(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) <= len("65535")
}

func withoutScheme(s string) string {
	i := strings.Index(s[:min(len(s), maxSpelling)], "://")
	if i < 0 {
		return s
	}
	address, _, _ := strings.Cut(s[i+len("://"):], "/")
	if address == "" { // as in unix:///run/origin.sock
		return s
	}
	return address
}

// split splits a name or an address from its port. The name of an address keeps its zone.
func split(s string) (name, port string, address netip.Addr, isAddress bool) {
	s = strings.Trim(s[:min(len(s), maxSpelling)], blanks)
	if strings.HasPrefix(s, "[") {
		name, port, _ = strings.Cut(strings.TrimLeft(s, "["+blanks), "]")
		name = strings.Trim(name, blanks)
		_, port, _ = strings.Cut(port, ":")
		if address, ok := parseIPv6(name); ok {
			return name, port, address, true
		}
		s = name
	}
	if address, ok := parseIPv6(s); ok {
		return s, "", address, true
	}
	name, rest, found := strings.Cut(s, ":")
	if found {
		port = rest
	}
	return strings.Trim(name, blanks), port, netip.Addr{}, false
}

const blanks = " \t"

// appendName appends a name until dst has limit bytes.
func appendName(dst []byte, name string, limit int) []byte {
	start := len(dst)
	dst = appendEscaped(dst, name, limit, false)
	for len(dst) > start && dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendEscaped appends s in lower case, with escapes where they are needed and only there, until
// dst has limit bytes. If colons is set, colons are escaped.
func appendEscaped(dst []byte, s string, limit int, colons bool) []byte {
	for i := 0; i < len(s); i++ {
		c, escaped := s[i], false
		if c == '%' {
			if escaped = i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]); escaped {
				c, i = unhex(s[i+1])<<4|unhex(s[i+2]), i+2
			}
			escaped = !escaped || !isPlain[lower(c)]
		}
		switch c = lowerUnless(c, escaped); {
		case escaped || c <= ' ' || c >= 0x7f || colons && c == ':':
			if len(dst)+3 > limit {
				return dst
			}
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		case len(dst) == limit:
			return dst
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

const hexDigits = "0123456789abcdef"

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// lowerUnless returns c in lower case, unless it is the byte of an escape that stays.
func lowerUnless(c byte, escaped bool) byte {
	if escaped {
		return c
	}
	return lower(c)
}

// parseZone returns the zone of an IPv6 address with its percent sign, if an interface can have
// such a zone.
func parseZone(name string) string {
	i := strings.IndexByte(name, '%')
	if i < 0 {
		return ""
	}
	zone := name[i:]
	if zone == "%" {
		return ""
	}
	for j := 1; j < len(zone); j++ {
		if !isPlain[lower(zone[j])] {
			return ""
		}
	}
	return zone[:min(len(zone), 1+maxZone)]
}

const maxZone = 15 // IFNAMSIZ less its final zero

func appendBracketed(dst []byte, address netip.Addr, zone string) []byte {
	if address.Is4() {
		return address.AppendTo(dst)
	}
	dst = address.AppendTo(append(dst, '['))
	return append(append(dst, zone...), ']')
}

// parseIPv6 parses an IPv6 address and drops its zone. Unlike netip.ParseAddr it never allocates.
func parseIPv6(s string) (netip.Addr, bool) {
	s, _, _ = strings.Cut(s, "%")
	var b [16]byte
	at, gap := 0, -1
	if strings.HasPrefix(s, "::") {
		s, gap = s[2:], 0
	}
	for s != "" {
		if at == len(b) {
			return netip.Addr{}, false
		}
		group, rest, more := strings.Cut(s, ":")
		if !more && strings.IndexByte(group, '.') >= 0 {
			four, ok := parseIPv4(group)
			if !ok || at > len(b)-len(four) {
				return netip.Addr{}, false
			}
			at += copy(b[at:], four[:])
			break
		}
		v, ok := parseGroup(group)
		if !ok || more && rest == "" {
			return netip.Addr{}, false
		}
		b[at], b[at+1] = byte(v>>8), byte(v)
		at += 2
		if s = rest; strings.HasPrefix(s, ":") {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			s, gap = s[1:], at
		}
	}
	if (gap >= 0) == (at == len(b)) {
		return netip.Addr{}, false
	}
	if gap >= 0 {
		moved := copy(b[len(b)-(at-gap):], b[gap:at])
		clear(b[gap : len(b)-moved])
	}
	return netip.AddrFrom16(b).Unmap(), true
}

func parseGroup(s string) (v uint16, ok bool) {
	if len(s) < 1 || len(s) > 4 {
		return 0, false
	}
	for i := range len(s) {
		if !isHex(s[i]) {
			return 0, false
		}
		v = v<<4 | uint16(unhex(s[i]))
	}
	return v, true
}

func parseIPv4(s string) (b [4]byte, ok bool) {
	for i := range b {
		part, rest, more := strings.Cut(s, ".")
		if more != (i < len(b)-1) || len(part) < 1 || len(part) > 3 ||
			len(part) > 1 && part[0] == '0' {
			return b, false
		}
		v := 0
		for j := range len(part) {
			if part[j] < '0' || part[j] > '9' {
				return b, false
			}
			v = 10*v + int(part[j]-'0')
		}
		if v > 255 {
			return b, false
		}
		b[i], s = byte(v), rest
	}
	return b, true
}
