package daemon

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/base/hostname"
)

// hostCheck refuses requests that a web page made a browser send: a page whose name resolves to
// this machine (DNS rebinding) sends its own name as Host, and any other page sends its Origin. No
// other client needs to be kept from a loopback address.
type hostCheck struct {
	names  []string // canonical
	next   http.Handler
	refuse func() // counts
}

// checkNames returns the names allowed as Host in the form that they are compared in.
func checkNames(names []string) ([]string, error) {
	var canonical []string
	for _, name := range names {
		host := hostname.Canonical(name)
		if host == "" || strings.ContainsAny(name, "/@*? ") {
			return nil, fmt.Errorf("host name %q: want a name or an address as in a request's Host, without wildcards", name)
		}
		canonical = append(canonical, host)
	}
	return canonical, nil
}

// ServeHTTP implements http.Handler.
func (c *hostCheck) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Host != "" && !c.allowed(r.Host, r) {
		c.answer(w, http.StatusMisdirectedRequest, fmt.Sprintf("Host %q is not this daemon's: "+
			"ask for it by localhost or an address of this machine, or allow the name with --host-names", short(r.Host)))
		return
	}
	for _, origin := range r.Header.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || !c.allowed(u.Host, r) {
			c.answer(w, http.StatusForbidden, fmt.Sprintf("Origin %q is not this daemon's: "+
				"no web page of another site may ask, unless its name is allowed with --host-names", short(origin)))
			return
		}
	}
	c.next.ServeHTTP(w, r)
}

func (c *hostCheck) answer(w http.ResponseWriter, status int, why string) {
	c.refuse()
	http.Error(w, why, status)
}

// short bounds a client's text in an answer.
func short(s string) string { return s[:min(len(s), 100)] }

// allowed reports whether host, with or without a port, is a name that an attacker cannot own:
// localhost, a configured one, or an address of this machine. A browser sends an address as Host
// only to that address.
func (c *hostCheck) allowed(host string, r *http.Request) bool {
	host = hostname.Canonical(host)
	if host == "localhost" || slices.Contains(c.names, host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.IsLoopback() || ownAddress(addr, r))
}

// ownAddress reports whether an address is one of this machine: the one that the request came to,
// or another one that is forwarded to it.
func ownAddress(addr netip.Addr, r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	addresses, _ := net.InterfaceAddrs()
	for _, a := range append(addresses, local) {
		if parseIP(a) == addr {
			return true
		}
	}
	return false
}

func parseIP(a net.Addr) netip.Addr {
	var ip net.IP
	switch a := a.(type) {
	case *net.IPNet:
		ip = a.IP
	case *net.TCPAddr:
		ip = a.IP
	}
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}
