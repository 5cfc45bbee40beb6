package daemon

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/hostname"
)

// hostCheck refuses requests that a web page has made a browser send: a page of a name that resolves to this machine (DNS
// rebinding) names itself as Host, and a page of anywhere else is the request's Origin. Nobody else needs to be kept from
// a loopback address.
type hostCheck struct {
	names  []string // canonical
	next   http.Handler
	refuse func() // counts
}

// checkNames brings names that are allowed as Host into the form that they are compared in.
func checkNames(names []string) ([]string, error) {
	var canonical []string
	for _, name := range names {
		host := hostname.Canonical(name)
		if host == "" || strings.ContainsAny(name, "/@*? ") {
			return nil, fmt.Errorf("host name %q: want a name or an address as a request's Host has it, without wildcards", name)
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

// short bounds what is said of a client's text.
func short(s string) string { return s[:min(len(s), 100)] }

// allowed reports whether host, with or without a port, is a name that no stranger can have: localhost, one that is
// configured, or an address of this machine. A browser sends an address as Host only to that address.
func (c *hostCheck) allowed(host string, r *http.Request) bool {
	host = hostname.Canonical(host)
	if host == "localhost" || slices.Contains(c.names, host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.IsLoopback() || ownAddress(addr, r))
}

// ownAddress reports whether an address is one of this machine: that which the request came to, or another one from which
// something forwards to it.
func ownAddress(addr netip.Addr, r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	addresses, _ := net.InterfaceAddrs()
	for _, a := range append(addresses, local) {
		if ipOf(a) == addr {
			return true
		}
	}
	return false
}

func ipOf(a net.Addr) netip.Addr {
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
