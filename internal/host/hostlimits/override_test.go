package hostlimits_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// Every way to write an override is the key that requests have.
func TestOverridesAreWrittenInManyWays(t *testing.T) {
	p := hostlimits.Policy{Key: []string{"origin", "host"}}
	want := string(p.AppendKey(nil, "", "10.0.0.1:8080", "shop.example"))
	for _, key := range []string{
		"10.0.0.1:8080 shop.example", "10.0.0.1:8080 SHOP.Example", "10.0.0.1:8080 shop.example:443", "10.0.0.1:8080  shop.example",
		" 10.0.0.1:8080\tshop.example ", "http://10.0.0.1:8080 shop.example", "https://10.0.0.1:8080/ shop.example.",
		"10.0.0.1:08080 shop%2eexample", "[::ffff:10.0.0.1]:8080 shop.example",
	} {
		text := fmt.Sprintf(`{"key": ["origin", "host"], "overrides": {%q: 0}}`, key)
		p, warnings, err := hostlimits.CheckPolicy([]byte(text))
		if n, ok := p.Overrides[want]; err != nil || !ok || n != 0 || len(p.Overrides) != 1 ||
			len(warnings) != 0 {
			t.Errorf("%q: %v, warnings %v, error %v", key, p.Overrides, warnings, err)
		}
		l := must(hostlimits.NewLimiter(hostlimits.Config{}))
		if err := l.Apply(p); err != nil {
			t.Fatal(err)
		}
		if a, ok := l.Admit(new(hostlimits.TicketState), []byte(want)); ok ||
			a.Reason != hostlimits.Drained {
			t.Errorf("%q: admitted at override 0: %+v", key, a)
		}
	}
}

func TestOverridesThatAreOdd(t *testing.T) {
	long := strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + "." + strings.Repeat("c", 60)
	for _, c := range []struct {
		key, override, form, warning string
	}{
		{`"origin", "host"`, "10.0.0.1:80 a b", "", "never match: it has 3 parts"},
		{`"origin"`, "10.0.0.1:80 shop", "", `set "key": ["origin", "host"]`},
		{`"origin", "host"`, "10.0.0.1:80", "10.0.0.1:80 ", "names no host"},
		{`"origin", "host"`, "10.0.0.1:80 *.shop", "10.0.0.1:80 *.shop", "wildcards"},
		{`"origin", "host"`, "10.0.0.1:80 http://shop", "10.0.0.1:80 http", "scheme"},
		{`"origin", "host"`, "10.0.0.1:80 b\u00fccher", "10.0.0.1:80 b%c3%bccher", "xn--"},
		{`"origin", "host"`, "10.0.0.1:80 a..b", "10.0.0.1:80 a..b", "labels"},
		{`"origin", "host"`, "10.0.0.1:80 " + strings.Repeat("a", 64),
			"10.0.0.1:80 " + strings.Repeat("a", 64), "labels"},
		{`"origin", "host"`, "10.0.0.1:80 " + long, "10.0.0.1:80 " + long[:128],
			"cut to 128 bytes"},
		{`"origin"`, "10.0.0.1:99999", "10.0.0.1:99999", "no such port"},
		{`"origin"`, "2001:db8::1:80", "[2001:db8::1:80]", "write [ADDRESS]:PORT"},
		{`"origin"`, ":80", ":80", "has no name"},
		{`"origin"`, "", "", "names no origin"},
		{`"tenant", "origin"`, "10.0.0.1:80", " 10.0.0.1:80", "names no tenant"},
		{`"tenant", "origin"`, "acme inc  10.0.0.1:80", "acme inc 10.0.0.1:80", ""},
		{`"tenant", "origin"`, strings.Repeat("t", 200) + " o", strings.Repeat("t", 112) + " o",
			"tenant is cut"},
		{`"origin"`, strings.Repeat("o", 100) + ":80", strings.Repeat("o", 100) + ":80", ""},
	} {
		text := fmt.Sprintf(`{"key": [%s], "overrides": {"%s": 1}}`, c.key, c.override)
		p, warnings, err := hostlimits.CheckPolicy([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if _, ok := p.Overrides[c.form]; !ok && !strings.Contains(c.warning, "part") &&
			!strings.Contains(c.warning, "set") {
			t.Errorf("%s: the keys are %v, want %q", text, p.Overrides, c.form)
		}
		if (c.warning == "") != (len(warnings) == 0) ||
			c.warning != "" && !strings.Contains(warnings[0].String(), c.warning) {
			t.Errorf("%s: warnings %v, want %q", text, warnings, c.warning)
		}
	}
}

func TestOverridesOfOneKeyTwice(t *testing.T) {
	_, _, err := hostlimits.CheckPolicy([]byte(`{"overrides": {"o a": 1, "o A": 2}}`))
	if !errors.Is(err, hostlimits.ErrConfig) ||
		!strings.Contains(err.Error(), "same key with another threshold") {
		t.Errorf("two thresholds: %v", err)
	}
	p, warnings, err := hostlimits.CheckPolicy([]byte(`{"overrides": {"o a": 1, "o A": 1, "o  b": 3, "o  b": 4}}`))
	if err != nil || len(p.Overrides) != 2 || p.Overrides["o b"] != 4 || len(warnings) != 2 {
		t.Errorf("%v, warnings %v, error %v", p.Overrides, warnings, err)
	}
}
