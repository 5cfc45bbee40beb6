package proxyhook

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// clientAddr returns the address of the client that sent r. That is the peer of the connection,
// unless the peer is a trusted proxy: then the entries of X-Forwarded-For are followed from the
// last one back to the first one that is not a trusted proxy. An invalid entry ends the search at
// the trusted proxy that wrote it; that proxy has no address itself if it is the peer of a Unix
// socket.
func clientAddr(r *http.Request, trusted []netip.Prefix, trustUnix bool) netip.Addr {
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

// fromProxy reports whether the connection's peer is a trusted proxy.
func fromProxy(r *http.Request, trusted []netip.Prefix, trustUnix bool) bool {
	return isTrusted(parseAddr(r.RemoteAddr), trusted) || trustUnix && byUnixSocket(r)
}

// byUnixSocket reports whether r came by a Unix socket. The listener's side decides that: a client
// can name its own side as it likes.
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

// parseAddr parses an address with or without a port. It returns the zero Addr if that fails.
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
