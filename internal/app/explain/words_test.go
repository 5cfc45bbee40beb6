package explain_test

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/app/explain"
)

var nan = float32(math.NaN())

// allFeatures are the full names of both catalogs.
func allFeatures() (names []string) {
	for _, f := range traffic.RequestCatalog {
		names = append(names, f.FullName())
	}
	for _, f := range traffic.Catalog() {
		names = append(names, f.FullName())
	}
	return names
}

// For any value of a feature, its words are one short line without an unfilled placeholder.
func TestWordsOfEveryFeature(t *testing.T) {
	const longest = 85 // characters
	values := []float32{0, 1, 2, 3, 0.004, 0.4, 0.996, -0.4, 12.4, 38, 1234, 3.4e38, -3.4e38, float32(math.Inf(1)), float32(math.Inf(-1)), nan}
	for _, name := range allFeatures() {
		for _, v := range values {
			words, ok := explain.Words(name, v)
			if n := utf8.RuneCountInString(words); !ok || n > longest || n < 10 || strings.ContainsAny(words, "{}\n\t") ||
				strings.Contains(words, "(s)") || strings.Contains(words, "(es)") || strings.Contains(words, traffic.PhraseValue) ||
				strings.Contains(words, "  ") {
				t.Errorf("%s = %v has words of %d characters, or with places not filled: %q; mend them in featurestore/traffic/phrases.go", name, v, n, words)
			}
			if unknown := strings.HasPrefix(words, "not known of "); unknown != (v != v) {
				t.Errorf("%s = %v: %q", name, v, words)
			}
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		name  string
		value float32
		want  string
	}{
		{"ip/pages_since_asset", 38, "the address asked for 38 pages since the last asset"},
		{"ip/pages_since_asset", 1, "the address asked for 1 page since the last asset"},
		{"ip/pages_since_asset", 0, "the address asked for no page since the last asset"},
		{"ip/distinct_agents_10m", 12.2, "the address sent 12 user agents in 10 min"},
		{"net/distinct_addresses_10m", 1, "the network had 1 client address in 10 min"},
		{"host/distinct_addresses_10m", 12345, "the host's clients had 12,345 client addresses in 10 min"},
		{"ip_ua/requests_1h", 0.2, "this agent at the address made less than 1 request in 1 h"},
		{"ip_ua/requests_24h", 999.6, "this agent at the address made 1,000 requests in 24 h"},
		{"ip/not_found_share_10m", 0.452, "the address got 404 for 45 % of requests in 10 min"},
		{"ip/not_found_share_10m", 0.001, "the address got 404 for under 1 % of requests in 10 min"},
		{"ip/not_found_share_10m", 0.999, "the address got 404 for over 99 % of requests in 10 min"},
		{"ip/not_found_share_10m", 1, "the address got 404 for all requests in 10 min"},
		{"ip/asset_share_10m", 0, "the address asked for no asset in 10 min"},
		{"ip_ua/asset_excess_10m", -0.45, "this agent at the address asked for assets 45 points less often than others"},
		{"ip/gap_mean", 13.2877, "the address typically paused for 10 s between requests"},
		{"ip/gap_mean", 9.967, "the address typically paused for 1 s between requests"},
		{"ip/gap_min", 0.0402, "the address had 40 ms as the shortest pause between requests"},
		{"ip/age", 260, "the address was active over 4.3 min"},
		{"ip/age", 3 * 86400, "the address was active over 3 days"},
		{"ip/hour_entropy", 3, "the address was active in about 8 hours of the day"},
		{"ip/bytes_per_second_10m", 23456, "the address took 23 kB/s in 10 min"},
		{"ip/robots_seen", 1, "the address asked for robots.txt or the like"},
		{"ip/robots_seen", 0, "the address never asked for robots.txt or the like"},
		{"request/path_kind", 3, "the request asks for a script by name"},
		{"request/path_kind", 17, "the request has a code that has no words here: 17"},
		{"request/referer", 0, "the request has no Referer"},
		{"request/wire_h2_window", 17, "the request came with windows of 131 kB for streams of HTTP/2"},
		{"request/agent_browser", 3, "the user agent names Firefox"},
		{"ua/browser_version", 140, "the user agent names version 140 of its browser"},
		{"ip/gap_mean", nan, "not known of the address: pauses between requests"},
	} {
		if words, ok := explain.Words(c.name, c.value); !ok || words != c.want {
			t.Errorf("%s = %v: %q, want %q", c.name, c.value, words, c.want)
		}
	}
	if words, ok := explain.Words("ip/no_such_feature", 1); ok {
		t.Errorf("a feature that does not exist has the words %q", words)
	}
}
