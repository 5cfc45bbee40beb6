package hostlimits_test

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

func TestSpellingsAreOneKey(t *testing.T) {
	p := hostlimits.Policy{Key: []string{hostlimits.KeyTenant, hostlimits.KeyOrigin,
		hostlimits.KeyHost}}
	want := "acme 10.0.0.1:80 shop.example"
	for _, host := range []string{"shop.example", "SHOP.example.:443", " %73hop.example\t",
		"[shop.example]:80"} {
		if got := string(p.AppendKey(nil, " acme ", "10.0.0.1:080", host)); got != want {
			t.Errorf("%q has the key %q, want %q", host, got, want)
		}
	}
	long := strings.Repeat("x", 1<<20)
	b := make([]byte, 0, hostlimits.MaxKey)
	for _, text := range []string{long, strings.Repeat("%", 1<<20), strings.Repeat("[", 1<<20),
		"[::1]:80", "shop.example"} {
		if key := p.AppendKey(nil, text, text, text); len(key) > hostlimits.MaxKey {
			t.Errorf("a key of %d bytes, want at most %d", len(key), hostlimits.MaxKey)
		}
		if n := testing.AllocsPerRun(10, func() { p.AppendKey(b, text, text, text) }); n != 0 {
			t.Errorf("%.20q: %v allocations", text, n)
		}
	}
}
