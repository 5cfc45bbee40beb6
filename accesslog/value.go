package accesslog

import (
	"bytes"
	"math"
	"net/netip"
)

// parseAddr reads an IPv4 or IPv6 address. Dotted IPv4 is parsed here because netip.ParseAddr takes
// a string, which would cost an allocation per line.
func parseAddr(b []byte) (netip.Addr, bool) {
	if addr, ok := parseIPv4(b); ok {
		return addr, true
	}
	const longest = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%") + 32
	if len(b) > longest || bytes.IndexByte(b, ':') < 0 {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(string(b))
	// A zone names an interface of the server, not the client, and would make two clients of one.
	return addr.WithZone("").Unmap(), err == nil
}

// parseIPv4 accepts what netip.ParseAddr accepts: four decimal numbers up to 255 without leading
// zeros.
func parseIPv4(b []byte) (netip.Addr, bool) {
	var octets [4]byte
	for i := range octets {
		n, digits := 0, 0
		for digits < len(b) && digits < 3 && b[digits] >= '0' && b[digits] <= '9' {
			n = n*10 + int(b[digits]-'0')
			digits++
		}
		if digits == 0 || n > 255 || (digits > 1 && b[0] == '0') {
			return netip.Addr{}, false
		}
		octets[i] = byte(n)
		b = b[digits:]
		if i < 3 {
			if len(b) == 0 || b[0] != '.' {
				return netip.Addr{}, false
			}
			b = b[1:]
		}
	}
	return netip.AddrFrom4(octets), len(b) == 0
}

func parseStatus(b []byte) (int, bool) {
	if len(b) == 1 && b[0] == '-' {
		return 0, true
	}
	n, ok := parseBytes(b)
	return int(n), ok && len(b) == 3
}

// parseBytes reads a decimal number from 0 to the largest int64.
func parseBytes(b []byte) (int64, bool) {
	if len(b) == 1 && b[0] == '-' {
		return 0, true
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' || n > (math.MaxInt64-int64(c-'0'))/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(b) > 0
}
