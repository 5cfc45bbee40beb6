package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/pipeline"
)

const windowsChrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

// logFormats are log lines with different sets of fields, for a given second. Each line is of one
// client.
var logFormats = map[string]string{
	"common":                     `192.0.2.1 - - [02/Mar/2026:10:00:%02d +0000] "GET / HTTP/1.1" 200 17`,
	"combined":                   `192.0.2.1 - - [02/Mar/2026:10:00:%02d +0000] "GET / HTTP/1.1" 200 17 "http://a.test/" "` + windowsChrome + `"`,
	"combined, nothing sent":     `192.0.2.1 - - [02/Mar/2026:10:00:%02d +0000] "-" 408 - "-" "-"`,
	"combined, no status":        `192.0.2.1 - - [02/Mar/2026:10:00:%02d +0000] "GET / HTTP/1.1" - - "-" "-"`,
	"nginx, closed early":        `192.0.2.1 - - [02/Mar/2026:10:00:%02d +0000] "" 000 0 "-" "-"`,
	"main, with forwarded-for":   `192.0.2.1 - - [02/Mar/2026:10:00:%02d +0000] "GET / HTTP/2.0" 200 17 "-" "` + windowsChrome + `" "198.51.100.7"`,
	"common, of IPv6":            `2001:db8::1 - - [02/Mar/2026:10:00:%02d +0000] "GET / HTTP/1.1" 200 17`,
	"common, of a longer answer": `192.0.2.1 - - [02/Mar/2026:10:00:%02d +0000] "GET / HTTP/1.1" 200 1700000`,
}

// notLogged are the features that no log contains, by name or prefix.
var notLogged = []string{
	"request/headers", "request/accept", "request/cookie", "request/sec_fetch", "request/xhr", "request/wire_", "request/hints",
	"request/fetch_", "request/priority", "request/encodings", "request/upgrade_insecure",
	"request/host_address", "request/referer_same", "request/tls_", "host/", "session/", "wire/", "program_wire/", "request/wire_",
	"ip/seconds_per_request", "ip_ua/seconds_per_request", "ip/open_10s", "net/open_10s",
	"ip/host_share", "net/host_share", "net64/host_share", "ua/host_share", "ip_ua/host_share",
	"ip/upstream_share", "net/upstream_share", "net64/upstream_share", "ua/upstream_share", "ip_ua/upstream_share",
	"ip/no_cookie_share", "ip_ua/no_cookie_share", "ip_ua/links_followed_share", "ip/distinct_hosts", "ip/distinct_wires", "ip/distinct_sessions",
}

// notCommon are those that a log of the common format does not contain either.
var notCommon = []string{"request/referer", "request/agent_", "ip/no_referer_share", "ip_ua/", "ua/", "ip/distinct_agents", "net/distinct_agents",
	"net64/distinct_agents", "ip/new_agent_share", "ip/requests_per_agent", "net64/new_agent_share"}

// logged are features that every log contains, and with the combined format more of them.
var logged = []string{"request/method", "request/path_length", "request/path_kind", "request/query_length", "ip/requests_1m", "ip/age", "ip/gap_mean",
	"ip/client_error_share_10m", "ip/server_error_share_10m", "ip/bytes_per_request_10m", "ip/bytes_per_second_10m", "net/requests_1h"}

var combined = []string{"request/referer", "request/agent_length", "request/agent_missing", "ip/no_referer_share_10m", "ip/distinct_agents_10m",
	"ip_ua/requests_1m", "ip_ua/client_error_share_10m"}

// A feature that a format does not contain is NaN, not 0; one that it contains is known.
func TestUnknownIsNaN(t *testing.T) {
	for name, format := range logFormats {
		unknown := slices.Clone(notLogged)
		if strings.HasPrefix(name, "common") {
			unknown = append(unknown, notCommon...)
		}
		known := slices.Clone(logged)
		if !strings.HasPrefix(name, "common") {
			known = append(known, combined...)
		}
		values := lastRow(t, format, 4)
		for i, feature := range pipeline.AllFeatures() {
			isUnknown := slices.ContainsFunc(unknown, func(prefix string) bool { return strings.HasPrefix(feature, prefix) })
			if v := values[i]; v == v && isUnknown || v != v && slices.Contains(known, feature) {
				t.Errorf("%s: %s is %v", name, feature, v)
			}
		}
	}
}

// lastRow returns the features of the last of some requests of a format, one every two seconds.
func lastRow(t *testing.T, format string, requests int) []float32 {
	t.Helper()
	p := newPipeline(t, pipeline.Config{})
	var values []float32
	for i := range requests {
		ev := parseEvent(t, fmt.Sprintf(format, 2*i))
		values = slices.Clone(p.Score(&ev).Features)
	}
	return values
}
