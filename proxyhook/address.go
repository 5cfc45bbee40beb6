package proxyhook

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// clientOf gives the address of the client that sent r. It is who opened the connection, unless that is a trusted
// proxy: then the addresses that proxies appended to X-Forwarded-For are followed from the last one back to the first
// that is not trusted. An entry that is no address ends the search at the trusted proxy that wrote it down, which has
// none itself where it is at the other end of a Unix socket.
func clientOf(r *http.Request, trusted []netip.Prefix, trustUnix bool) netip.Addr {
	client, believed := parseAddr(r.RemoteAddr), fromProxy(r, trusted, trustUnix)
	headers := r.Header["X-Forwarded-For"]
	for h := len(headers) - 1; h >= 0; h-- {
		rest := headers[h]
		for rest != "" {
			if !believed {
				return client
			}
			var last string
			rest, last = cutLast(rest)
			next := parseAddr(last)
			if !next.IsValid() {
				return client
			}
			client = next
			believed = isTrusted(client, trusted)
		}
	}
	return client
}

// cutLast splits a comma-separated list before its last entry.
func cutLast(list string) (rest, last string) {
	if i := strings.LastIndexByte(list, ','); i >= 0 {
		return list[:i], strings.TrimSpace(list[i+1:])
	}
	return "", strings.TrimSpace(list)
}

// fromProxy reports whether who opened the connection is a trusted proxy.
func fromProxy(r *http.Request, trusted []netip.Prefix, trustUnix bool) bool {
	return isTrusted(parseAddr(r.RemoteAddr), trusted) || trustUnix && byUnixSocket(r)
}

// byUnixSocket reports whether r came by a Unix socket. What says so is the listener's side: what a client's side is
// called is up to the client.
func byUnixSocket(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && local.Network() == "unix"
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// parseAddr reads an address with or without a port. What is none is the invalid address.
func parseAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
