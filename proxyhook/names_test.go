package proxyhook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

type eventOf = traffic.Event

// factNames spells the facts that a request with known headers may have.
func factNames(f traffic.Facts) string {
	var names []string
	for _, n := range []struct {
		fact traffic.Facts
		name string
	}{
		{traffic.FactAcceptLanguage, "language"}, {traffic.FactAcceptEncoding, "encoding"}, {traffic.FactCookie, "cookie"},
		{traffic.FactSecFetch, "fetch"}, {traffic.FactXHR, "xhr"}, {traffic.FactReferer, "referer"}, {traffic.FactRefererSame, "same"},
	} {
		if f.Has(n.fact) {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, " ")
}

func TestCanonicalHost(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"example.com":        "example.com",
		"Example.COM":        "example.com",
		"example.com:8080":   "example.com",
		"example.com:":       "example.com",
		"example.com.":       "example.com",
		"Example.com.:443":   "example.com",
		".":                  "",
		"10.0.0.1:80":        "10.0.0.1",
		"[::1]:80":           "::1",
		"[::1]":              "::1",
		"::1":                "::1",
		"[FE80::1%25eth0]:1": "fe80::1%25eth0",
		"a:b:c":              "a:b:c",
		"[::1":               "::1",
		":80":                "",
		"\x00\xff:1":         "\x00\ufffd",
	} {
		if got := proxyhook.CanonicalHost(in); got != want {
			t.Errorf("%q: %q, expected %q", in, got, want)
		}
	}
}

func TestRefererHost(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "",
		"https://example.com":                "example.com",
		"https://Example.com:8443/a?b#c":     "example.com",
		"http://example.com?x":               "example.com",
		"http://example.com#x":               "example.com",
		"http://[::1]:80/":                   "::1",
		"http://[::1]/":                      "::1",
		"https://example.com./":              "example.com",
		"https://user@example.com/":          "example.com",
		"https://example.com@elsewhere.net":  "elsewhere.net",
		"https://elsewhere.net/@example.com": "elsewhere.net",
		"example.com/a":                      "",
		"about:blank":                        "",
		"://":                                "",
	} {
		if got := proxyhook.RefererHost(in); got != want {
			t.Errorf("%q: %q, expected %q", in, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for in, want := range map[time.Duration]string{
		0: "1", 1: "1", time.Second: "1", time.Second + 1: "2", 90 * time.Second: "90", -time.Hour: "1",
	} {
		if got := proxyhook.RetryAfter(in); got != want {
			t.Errorf("%v: %s, expected %s", in, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for a, want := range map[proxyhook.Action]string{
		proxyhook.Allow: "allow", proxyhook.Tag: "tag", proxyhook.Challenge: "challenge",
		proxyhook.Throttle: "throttle", proxyhook.Deny: "deny", 200: "unknown",
	} {
		if a.String() != want {
			t.Errorf("action %d is %q, expected %q", uint8(a), a, want)
		}
	}
	for r, want := range map[proxyhook.Reason]string{
		proxyhook.Scored: "scored", proxyhook.NotScored: "not_scored", proxyhook.FaultCaught: "fault", 200: "unknown",
	} {
		if r.String() != want {
			t.Errorf("reason %d is %q, expected %q", uint8(r), r, want)
		}
	}
}
