package proxy

import (
	"strings"
	"testing"
	"time"
)

// printed is what wrk 4.1 prints, with --latency.
const printed = `Running 2s test @ http://127.0.0.1:8080
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.11ms    1.32ms  30.98ms   92.41%
    Req/Sec     7.88k   632.45     8.86k    65.00%
  Latency Distribution
     50%    1.88ms
     75%    2.45ms
     90%    3.10ms
     99%  950.00us
  15701 requests in 2.00s, 18.28MB read
Requests/sec:   7841.16
Transfer/sec:      9.13MB
`

func TestParseWrk(t *testing.T) {
	r, err := parseWrk([]byte(printed))
	if err != nil {
		t.Fatal(err)
	}
	want := wrkResult{requests: 15701, perSecond: 7841.16, p50: 1880 * time.Microsecond, p99: 950 * time.Microsecond}
	if r != want {
		t.Errorf("%+v, not %+v", r, want)
	}
}

// A run in which requests failed is not a measurement.
func TestParseWrkRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"failures":   printed + "  Non-2xx or 3xx responses: 12\n",
		"errors":     printed + "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
		"nothing":    "",
		"no latency": strings.ReplaceAll(printed, "50%", "51%"),
		"no request": strings.ReplaceAll(printed, "15701 requests", "0 requests"),
	} {
		if r, err := parseWrk([]byte(text)); err == nil {
			t.Errorf("%s: taken as %+v", name, r)
		}
	}
}
