package traffic_test

import (
	"math"
	"net/netip"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

func eventFrom(address string) *traffic.Event {
	ev := &traffic.Event{UserAgent: "agent", Host: "example.net", JA4: "t13d1516h2_8daaf6152771_02713d6af862", Session: 9}
	ev.SetClient(netip.MustParseAddr(address))
	return ev
}

func TestNamesOfDimensions(t *testing.T) {
	seen := make(map[string]bool)
	for d := range traffic.NumDimensions {
		if got, ok := traffic.DimensionByName(d.String()); !ok || got != d || seen[d.String()] {
			t.Errorf("%d is called %q, which is %d (%v)", d, d, got, ok)
		}
		seen[d.String()] = true
	}
	for _, name := range []string{"", "request", "IP", traffic.NumDimensions.String()} {
		if _, ok := traffic.DimensionByName(name); ok {
			t.Errorf("%q is a dimension", name)
		}
	}
}

// What a request does not have has key 0.
func TestKeysOfWhatIsMissing(t *testing.T) {
	if k := traffic.NewKeys(&traffic.Event{}, 1); k != (traffic.Keys{}) {
		t.Errorf("an empty event has keys %v", k)
	}
	if k := traffic.NewKeys(eventFrom("192.0.2.1"), 1); k[traffic.DimNet64] != 0 {
		t.Errorf("an IPv4 address has a /64: %v", k)
	}
	whole := traffic.NewKeys(eventFrom("2001:db8::1"), 1)
	for d, key := range whole {
		if key == 0 {
			t.Errorf("dimension %v has no key", traffic.Dimension(d))
		}
	}
	ev := eventFrom("192.0.2.1")
	ev.UserAgent = ""
	if k := traffic.NewKeys(ev, 1); k[traffic.DimUserAgent] != 0 || k[traffic.DimIPAgent] == 0 || k[traffic.DimIPAgent] == whole[traffic.DimIPAgent] {
		t.Errorf("without a user agent: %v", k)
	}
	ev.Client = [16]byte{}
	if k := traffic.NewKeys(ev, 1); k[traffic.DimIP] != 0 || k[traffic.DimNet] != 0 || k[traffic.DimIPAgent] != 0 || k[traffic.DimHost] == 0 {
		t.Errorf("without an address: %v", k)
	}
}

// The same bytes in two dimensions, or under two seeds, give unrelated keys.
func TestKeysAreUnrelated(t *testing.T) {
	seen := make(map[uint64]string)
	add := func(what string, key uint64) {
		t.Helper()
		if other, ok := seen[key]; ok || key == 0 {
			t.Errorf("%s has key %#x, as %s", what, key, other)
		}
		seen[key] = what
	}
	for _, s := range []string{"a", "example.net", strings.Repeat("x", 40)} {
		for seed := range uint64(4) {
			k := traffic.NewKeys(&traffic.Event{UserAgent: s, Host: s, JA4: s}, seed*100)
			for _, d := range []traffic.Dimension{traffic.DimUserAgent, traffic.DimHost, traffic.DimWire, traffic.DimProgramWire} {
				add(s+" as "+d.String(), k[d])
			}
		}
	}
	for session := range uint64(3) {
		ev := traffic.Event{Session: session + 1, Client: [16]byte{15: byte(session + 1)}}
		k := traffic.NewKeys(&ev, 0)
		add("session", k[traffic.DimSession])
		add("ip", k[traffic.DimIP])
		add("ip_ua", k[traffic.DimIPAgent])
	}
}

// Keys are hashes: among many there are as many as there were addresses, and every bit of a key is
// set in half of them.
func TestKeysAreSpread(t *testing.T) {
	const n = 20_000
	seen := make(map[uint64]bool)
	var ones [64]int
	for i := range uint32(n) {
		ev := traffic.Event{Client: [16]byte{10: 0xff, 11: 0xff, 12: byte(i >> 24), 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)}}
		key := traffic.NewKeys(&ev, 77)[traffic.DimIP]
		seen[key] = true
		for b := range ones {
			ones[b] += int(key >> b & 1)
		}
	}
	if len(seen) != n {
		t.Errorf("%d keys of %d addresses", len(seen), n)
	}
	for b, count := range ones {
		if math.Abs(float64(count)-n/2) > 5*math.Sqrt(n)/2 {
			t.Errorf("bit %d is set in %d of %d", b, count, n)
		}
	}
}

func TestNetworks(t *testing.T) {
	for _, c := range []struct {
		a, b                 string
		sameAddress, sameNet bool
		same64               bool
	}{
		{"192.0.2.1", "192.0.2.1", true, true, true},
		{"192.0.2.1", "::ffff:192.0.2.1", true, true, true},
		{"192.0.2.1", "192.0.2.255", false, true, true},
		{"192.0.2.1", "192.0.3.1", false, false, true},
		{"192.0.2.1", "192.1.2.1", false, false, true},
		{"2001:db8:1:2::1", "2001:db8:1:ffff::9", false, true, false},
		{"2001:db8:1:2::1", "2001:db8:2:2::1", false, false, false},
		{"::1", "::2", false, true, true},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", false, true, true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false, true, false},
	} {
		a, b := traffic.NewKeys(eventFrom(c.a), 5), traffic.NewKeys(eventFrom(c.b), 5)
		if (a[traffic.DimIP] == b[traffic.DimIP]) != c.sameAddress || (a[traffic.DimNet] == b[traffic.DimNet]) != c.sameNet ||
			(a[traffic.DimNet64] == b[traffic.DimNet64]) != c.same64 ||
			(a[traffic.DimIPAgent] == b[traffic.DimIPAgent]) != c.sameAddress {
			t.Errorf("%s and %s: %v and %v", c.a, c.b, a, b)
		}
	}
}

// Two user agents, or paths, that differ behind the cut stay two.
func TestCutStringsStayApart(t *testing.T) {
	long := strings.Repeat("a", traffic.MaxUserAgent)
	keys, objects := make(map[uint64]bool), make(map[uint64]bool)
	for _, s := range []string{long, long + "b", long + "c", long + "bb"} {
		var ev traffic.Event
		ev.SetUserAgent(s)
		ev.SetPath(s)
		var o traffic.Observation
		traffic.Observe(&ev, 3, &o)
		keys[o.Keys[traffic.DimUserAgent]] = true
		objects[o.Objects[traffic.ObjectPaths]] = true
		if ev.UserAgent != long || ev.Path != long {
			t.Errorf("cut to %d and %d bytes", len(ev.UserAgent), len(ev.Path))
		}
	}
	if len(keys) != 4 || len(objects) != 4 {
		t.Errorf("%d keys and %d objects of four strings", len(keys), len(objects))
	}
}

// Programs are told by engine and major version, whatever else the user agent says; the wire by its
// print, and by JA4 where that is all there is.
func TestKeysOfProgramsAndWires(t *testing.T) {
	keys := func(agent, ja4 string, print uint32) (traffic.Keys, uint64) {
		ev := traffic.Event{UserAgent: agent, JA4: ja4, Wire: traffic.MakeWire(traffic.WireFacts{Seen: print%2 == 0}, print)}
		var o traffic.Observation
		traffic.Observe(&ev, 7, &o)
		return o.Keys, o.Objects[traffic.ObjectPrograms]
	}
	base, program := keys(chrome156, "t13", 2)
	for name, c := range map[string]struct {
		agent, ja4                   string
		print                        uint32
		sameWire, sameProg, samePair bool
	}{
		"another brand and system":    {edge, "t13", 2, true, true, true},
		"a resumed session":           {chrome156, "t13 resumed", 2, true, true, true},
		"another version":             {chromeWin, "t13", 2, true, false, false},
		"another program":             {"curl/8.5.0", "t13", 2, true, false, false},
		"another print":               {chrome156, "t13", 4, false, true, false},
		"JA4 alone":                   {chrome156, "t13", 0, false, true, false},
		"no user agent":               {"", "t13", 2, true, false, false},
		"a name of no known engine":   {"curl", "t13", 2, true, false, false},
		"the print of other requests": {chrome156, "", 2, true, true, true},
	} {
		k, p := keys(c.agent, c.ja4, c.print)
		if (k[traffic.DimWire] == base[traffic.DimWire]) != c.sameWire || (p == program) != c.sameProg || (k[traffic.DimProgramWire] == base[traffic.DimProgramWire]) != c.samePair {
			t.Errorf("%s: wire %x, program %x, both %x; before %x, %x, %x", name, k[traffic.DimWire], p, k[traffic.DimProgramWire],
				base[traffic.DimWire], program, base[traffic.DimProgramWire])
		}
		if c.agent == "" && (p != 0 || k[traffic.DimProgramWire] != 0) {
			t.Errorf("%s: program %x, with the wire %x", name, p, k[traffic.DimProgramWire])
		}
	}
	seven, _ := keys("curl/7.1", "", 2)
	eight, _ := keys("curl/8.1", "", 2)
	long, _ := keys(strings.Repeat("x", 300)+"/8.1", "", 2)
	if seven[traffic.DimProgramWire] == eight[traffic.DimProgramWire] || long[traffic.DimProgramWire] == eight[traffic.DimProgramWire] {
		t.Error("programs that are not known have one key")
	}
	if none, _ := keys(chrome156, "", 0); none[traffic.DimWire]|none[traffic.DimProgramWire] != 0 {
		t.Errorf("an unknown wire has the keys %v", none)
	}
}

// A set's keys are those of NewKeys, and no others.
func TestKeysOfSomeDimensions(t *testing.T) {
	ev := *eventFrom("2001:db8::1")
	ev.UserAgent, ev.Host, ev.Session, ev.JA4 = "curl/8.5.0", "example.org", 7, "t13d1516h2_8daaf6152771_02713d6af862"
	all := traffic.NewKeys(&ev, 5)
	for d := range traffic.NumDimensions {
		for e := range traffic.NumDimensions {
			var set traffic.Dimensions
			set.Add(d)
			set.Add(e)
			var want traffic.Keys
			want[d], want[e] = all[d], all[e]
			if got := set.Keys(&ev, 5); got != want || want[d] == 0 {
				t.Errorf("%v and %v: %x, want %x", d, e, got, want)
			}
		}
	}
}
