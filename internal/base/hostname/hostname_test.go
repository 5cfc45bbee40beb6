package hostname_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/base/hostname"
)

// spellings are hosts and the ways to write each.
var spellings = map[string][]string{
	"shop.example": {"shop.example", "SHOP.example", "shop.example.", "shop.example..",
		"shop%2eexample", "shop%2Eexample",
		"%73hop.example", "SHOP.example:443", "shop.example.:443", "shop.example:", "shop.example:x", "shop.example:1:2",
		" shop.example\t", "[shop.example]", "[shop.example]:80", "[[shop.example", "shop.example%2e", "shop.example%2e.:8"},
	"::1": {"::1", "[::1]", "[::1]:80", "0:0:0:0:0:0:0:1", "[0:0:0:0:0:0:0:1]", "[0000::0001]:8443",
		"[::1%25lo]", "[ ::1 ]", "[::0.0.0.1]", "[::1"},
	"2001:db8::a": {"2001:DB8::A", "[2001:db8:0::a]:1",
		"[2001:0db8:0000:0000:0000:0000:0000:000A]"},
	"192.0.2.1": {"192.0.2.1", "192.0.2.1:80", "192.0.2.1.", "[::ffff:192.0.2.1]",
		"[::FFFF:c000:201]:443"}, "a%20b": {"a b", "a%20b", "A%20B:80"},
	"a%25":            {"a%", "a%25", "A%:1"},
	"a%252e":          {"a%%32e", "a%252e"},
	"b%c3%bccher.de":  {"bücher.de", "b%C3%BCcher.de", "B%c3%bccher.de."},
	"xn--bcher-kva.x": {"xn--bcher-kva.x", "XN--bcher-KVA.x"},
	"":                {"", ".", "..", ":", ":80", "[]", "[]:80", "%2e", "[:::1]"},
}

func TestSpellingsOfOneHostAreOneHost(t *testing.T) {
	for want, all := range spellings {
		for _, host := range all {
			if got := string(hostname.AppendHost([]byte("> "), host)); got != "> "+want {
				t.Errorf("%q is %q, want %q", host, got, want)
			}
			if got := hostname.Canonical(host); got != want {
				t.Errorf("as a string %q is %q, want %q", host, got, want)
			}
		}
	}
}

func TestSpellingsOfOneOriginAreOneOrigin(t *testing.T) {
	for want, all := range map[string][]string{
		"10.0.0.1:8080": {"10.0.0.1:8080", "10.0.0.1:08080", "http://10.0.0.1:8080",
			"HTTPS://10.0.0.1:8080/path", "[::ffff:10.0.0.1]:8080"},
		"app.internal:80": {"app.internal:80", "APP.Internal:80", "app.internal.:80",
			"app%2einternal:%380"},
		"app.internal": {"app.internal", "App.Internal", "app.internal:",
			"http://app.internal/", "app.internal:0"},
		"[::1]:80": {"[::1]:80", "[0:0:0:0:0:0:0:1]:80", "[::1]:0080",
			"http://[::1]:80/"}, "[::1]": {"[::1]", "::1", "[0::1]:"},
		"[fe80::1%eth0]:80":            {"[fe80::1%eth0]:80", "[FE80:0::1%eth0]:80"},
		"[fe80::1]:80":                 {"[fe80::1%e h]:80", "[fe80::1%]:80", "[fe80::1]:80"},
		"unix:///run/a.sock":           {"unix:///run/a.sock", "UNIX:///run/a.sock"},
		"blue":                         {"blue", "Blue"},
		strings.Repeat("a", 250):       {strings.Repeat("a", 250), strings.Repeat("A", 250) + "."},
		strings.Repeat("a", 258):       {strings.Repeat("a", 300), strings.Repeat("A", 5000)},
		strings.Repeat("a", 258) + ":": nil,
	} {
		for _, origin := range all {
			if got := string(hostname.AppendOrigin([]byte("> "), origin)); got != "> "+want {
				t.Errorf("%q is %q, want %q", origin, got, want)
			}
			if got := hostname.CanonicalOrigin(origin); got != want {
				t.Errorf("as a string %q is %q, want %q", origin, got, want)
			}
		}
	}
}

// hostileHosts are long, malformed, or both.
var hostileHosts = []string{
	strings.Repeat("A", 1<<20), strings.Repeat(".", 1<<20), strings.Repeat("%",
		1<<20), strings.Repeat("%2", 1<<20),
	strings.Repeat("[", 1<<20), strings.Repeat(":", 1<<20), strings.Repeat(" ",
		1<<20), strings.Repeat("\x00", 1<<20),
	strings.Repeat("0:", 1<<20), "[" + strings.Repeat("0", 1<<20) + "::1]", "[::1%" +
		strings.Repeat("z", 1<<20) + "]",
	"1:2:3:4:5:6:7:8:9", "::1.2.3.4.5", "1.2.3.4::", "::ffff:256.1.1.1", "a" +
		strings.Repeat(".", 4000), "[1.2.3.4"}

func TestCanonicalFormsAllocateNothing(t *testing.T) {
	b := make([]byte, 0, hostname.MaxOrigin)
	all := hostileHosts
	for _, some := range spellings {
		all = append(all, some...)
	}
	for _, host := range all {
		if n := testing.AllocsPerRun(10, func() {
			hostname.AppendHost(b, host)
			hostname.AppendOrigin(b, host)
		}); n != 0 {
			t.Errorf("%.20q: %v allocations", host, n)
		}
	}
	for _, host := range []string{"shop.example", "shop.example:80", "[::1]:80", "shop.example.",
		"[shop.example]", "192.0.2.1:1"} {
		if n := testing.AllocsPerRun(10, func() { hostname.Canonical(host) }); n != 0 {
			t.Errorf("%q as a string: %v allocations", host, n)
		}
	}
}

// checkCanonical checks what holds for the canonical forms of any text.
func checkCanonical(t *testing.T, text string) {
	t.Helper()
	host, origin := string(hostname.AppendHost(nil, text)), string(hostname.AppendOrigin(nil, text))
	if again := string(hostname.AppendHost(nil, host)); again != host {
		t.Errorf("host %.40q: %q, then %q", text, host, again)
	}
	if again := string(hostname.AppendOrigin(nil, origin)); again != origin {
		t.Errorf("origin %.40q: %q, then %q", text, origin, again)
	}
	if len(host) > hostname.MaxHost || len(origin) > hostname.MaxOrigin {
		t.Errorf("%.40q: a host of %d and an origin of %d bytes", text, len(host), len(origin))
	}
	for _, b := range []byte(host + origin) {
		if b <= ' ' || b >= 0x7f || 'A' <= b && b <= 'Z' && !strings.Contains(origin, "%") {
			t.Errorf("%.40q: host %q and origin %q have the byte %#x", text, host, origin, b)
		}
	}
	if s := hostname.Canonical(text); s != host {
		t.Errorf("%.40q as a string: %q, want %q", text, s, host)
	}
	if s := hostname.CanonicalOrigin(text); s != origin {
		t.Errorf("origin %.40q as a string: %q, want %q", text, s, origin)
	}
}

func TestCanonicalFormsOfHostileTexts(t *testing.T) {
	for _, text := range hostileHosts {
		checkCanonical(t, text)
	}
}

func FuzzCanonical(f *testing.F) {
	for _, text := range append(hostileHosts[11:], "x:0//b", "x:%300//b", "A.::80",
		"http://http://x", "a:///b") {
		f.Add(text, uint64(5))
	}
	for want, all := range spellings {
		for _, text := range append(all, want) {
			f.Add(text, uint64(1234567))
		}
	}
	f.Fuzz(func(t *testing.T, text string, choices uint64) {
		checkCanonical(t, text)
		host := hostname.Canonical(text)
		if other := respelt(host, choices); hostname.Canonical(other) != host {
			t.Errorf("%q is %q, want %q", other, hostname.Canonical(other), host)
		}
		if a, err := netip.ParseAddr(text); err == nil {
			if want := a.WithZone("").Unmap().WithZone("").String(); host != want {
				t.Errorf("address %q is %q, want %q", text, host, want)
			}
		}
	})
}

// respelt writes a canonical host otherwise.
func respelt(host string, choices uint64) string {
	pick := func() bool { choices = choices>>1 | choices<<63; return choices&1 != 0 }
	if strings.Contains(host, ":") {
		if pick() {
			host = netip.MustParseAddr(host).StringExpanded()
		}
		host = "[" + strings.ToUpper(host) + "]"
	} else {
		var b strings.Builder
		escape := 0
		for _, c := range []byte(host) {
			letter := 'a' <= c && c <= 'z'
			switch {
			case c == '%':
				escape = 3
				fallthrough
			case escape > 0:
				b.WriteByte(c)
				escape--
			case letter && pick():
				b.WriteByte(c - 'a' + 'A')
			case (letter || c == '.' || c == '-') && pick() && b.Len() < 500:
				b.WriteString("%" + string("0123456789abcdef"[c>>4]) +
					string("0123456789ABCDEF"[c&15]))
			default:
				b.WriteByte(c)
			}
		}
		if host = b.String(); pick() && len(host) > 0 {
			host += strings.Repeat(".", int(choices%5))
		}
	}
	if pick() {
		host += ":8443"
	}
	return host
}
