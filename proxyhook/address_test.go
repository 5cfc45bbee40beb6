package proxyhook_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/headgate/headgate/proxyhook"
)

func prefixes(list ...string) (p []netip.Prefix) {
	for _, s := range list {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func clientAddr(remote string, trusted []netip.Prefix, forwarded ...string) netip.Addr {
	r := &http.Request{RemoteAddr: remote, Header: http.Header{}}
	for _, f := range forwarded {
		r.Header.Add("X-Forwarded-For", f)
	}
	return proxyhook.ClientAddr(r, trusted, false)
}

func TestClientAddr(t *testing.T) {
	inner := prefixes("10.0.0.0/8", "fd00::/8")
	for _, c := range []struct {
		what      string
		remote    string
		trusted   []netip.Prefix
		forwarded []string
		want      string // empty: unknown
	}{
		{"nobody in between", "192.0.2.1:1234", nil, nil, "192.0.2.1"},
		{"nobody trusted", "10.0.0.1:1", nil, []string{"192.0.2.1"}, "10.0.0.1"},
		{"another one trusted", "192.0.2.9:1", inner, []string{"192.0.2.1"}, "192.0.2.9"},
		{"one proxy", "10.0.0.1:1", inner, []string{"192.0.2.1"}, "192.0.2.1"},
		{"one proxy that tells nothing", "10.0.0.1:1", inner, nil, "10.0.0.1"},
		{"a chain", "10.0.0.1:1", inner, []string{"192.0.2.1, 10.9.9.9,10.0.0.2"}, "192.0.2.1"},
		{"a chain over lines", "10.0.0.1:1", inner, []string{"192.0.2.1", "10.9.9.9 , 10.0.0.2"}, "192.0.2.1"},
		{"the client lies", "10.0.0.1:1", inner, []string{"198.51.100.7, 192.0.2.1"}, "192.0.2.1"},
		{"the client lies in a line of its own", "10.0.0.1:1", inner, []string{"10.1.1.1, 198.51.100.7", "192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"the client names a trusted one", "10.0.0.1:1", inner, []string{"10.7.7.7, 192.0.2.1"}, "192.0.2.1"},
		{"all are trusted", "10.0.0.1:1", inner, []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"IPv6", "[fd00::1]:443", inner, []string{"2001:db8::5"}, "2001:db8::5"},
		{"IPv6 with port", "[fd00::1]:443", inner, []string{"[2001:db8::5]:99"}, "2001:db8::5"},
		{"IPv6 in brackets", "[fd00::1]:443", inner, []string{"[2001:db8::5]"}, "2001:db8::5"},
		{"IPv4 with port", "10.0.0.1:1", inner, []string{"192.0.2.1:5555"}, "192.0.2.1"},
		{"a zone", "[fe80::1%eth0]:80", nil, nil, "fe80::1"},
		{"a trusted zone", "[fd00::1%eth0]:80", inner, []string{"fe80::2%eth1"}, "fe80::2"},
		{"IPv4 mapped", "[::ffff:10.0.0.1]:80", inner, []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"garbage at the end", "10.0.0.1:1", inner, []string{"192.0.2.1, unknown"}, "10.0.0.1"},
		{"garbage behind a proxy", "10.0.0.1:1", inner, []string{"192.0.2.1, _hidden, 10.0.0.2"}, "10.0.0.2"},
		{"an empty entry", "10.0.0.1:1", inner, []string{"192.0.2.1,"}, "10.0.0.1"},
		{"an empty line", "10.0.0.1:1", inner, []string{"192.0.2.1", ""}, "192.0.2.1"},
		{"a Unix socket", "@", inner, []string{"192.0.2.1"}, ""},
		{"no address at all", "", inner, []string{"192.0.2.1"}, ""},
	} {
		want, _ := netip.ParseAddr(c.want)
		if got := clientAddr(c.remote, c.trusted, c.forwarded...); got != want {
			t.Errorf("%s: %v, expected %v", c.what, got, want)
		}
	}
}

// Whatever a client writes, it is not believed: the answer is either a trusted address or what a
// trusted proxy wrote.
func FuzzClientAddr(f *testing.F) {
	seeds := []string{"", ",", "1.2.3.4", "10.0.0.1", "10.0.0.1,10.0.0.1", "[::1]:80, ::ffff:10.0.0.9", "fe80::1%eth0", " \t, unknown", "10.0.0.2:99999"}
	if len(seeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, s := range seeds {
		f.Add(s, s)
	}
	trusted := prefixes("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, first, second string) {
		if got := clientAddr("192.0.2.1:80", trusted, first, second); got != netip.MustParseAddr("192.0.2.1") {
			t.Errorf("not trusted, and yet believed: %v", got)
		}
		if got := clientAddr("10.0.0.1:80", trusted, first, second, "192.0.2.7, 10.0.0.5"); got != netip.MustParseAddr("192.0.2.7") {
			t.Errorf("the client's lines were looked at: %v", got)
		}
		got := clientAddr("10.0.0.1:80", trusted, first, second)
		if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("%v is no plain address", got)
		}
		if !strings.ContainsAny(first+second, "0123456789abcdefABCDEF:") && got != netip.MustParseAddr("10.0.0.1") {
			t.Errorf("%v comes from nowhere", got)
		}
	})
}

// A network given as IPv4 mapped into IPv6 is the IPv4 network; an invalid one is an
// error.
func TestTrustedProxiesAreChecked(t *testing.T) {
	if f, err := proxyhook.New(proxyhook.Config{Dir: t.TempDir(), TrustedProxies: make([]netip.Prefix, 1)}); err == nil {
		f.Close()
		t.Error("the zero prefix was taken")
	}
	given := prefixes("::ffff:10.0.0.0/104")
	f, err := proxyhook.New(proxyhook.Config{Dir: t.TempDir(), TrustedProxies: given})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := &http.Request{RemoteAddr: "10.1.2.3:1", Header: http.Header{"X-Forwarded-For": {"192.0.2.1"}}, URL: mustURL(t, "/")}
	var ev eventOf
	proxyhook.Describe(f, &ev, r)
	if ev.Addr() != netip.MustParseAddr("192.0.2.1") || given[0] != netip.MustParsePrefix("::ffff:10.0.0.0/104") {
		t.Errorf("%v; the caller's is %v", ev.Addr(), given[0])
	}
}
