// Package proxy measures what the filter costs a whole proxy: HTTP requests through net/http/httputil's ReverseProxy with and without it.
//
// Origin and proxy are processes of their own on loopback, and so is the daemon. wrk, in a closed loop, measures the throughput and the processor
// time of the proxy for one request; a paced client on one connection measures latencies (see harness.Paced).
package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/headgate/headgate/bench/harness"
)

// Suite compares a proxy with the filter to one without and to one with what many people write themselves.
var Suite = harness.Suite{Name: "proxy", About: "HTTP through a reverse proxy: with the filter, without, and with a rate limiter per address", NeedsPeer: true, Run: run}

// middlewares in the order of the report. The filter's is headgate's row.
var middlewares = []string{harness.Headgate, "no filter", "x/time/rate per address"}

const (
	connections = 16
	clients     = 1000 // addresses in X-Forwarded-For
)

func run(r *harness.Run) error {
	wrk, err := harness.FindInstalled("wrk")
	if err != nil {
		return r.Miss(err)
	}
	dir, err := os.MkdirTemp("", "headgate-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	script := filepath.Join(dir, "clients.lua")
	if err := os.WriteFile(script, []byte(fmt.Sprintf(clientsScript, clients)), 0o600); err != nil {
		return err
	}
	h, err := startHouse(dir)
	if err != nil {
		return err
	}
	defer h.close()
	seconds := r.Size(2, 8)
	var throughput, latency []harness.Implementation
	for _, name := range middlewares {
		front := h.fronts[name]
		throughput = append(throughput, harness.Implementation{Name: name, Measure: func() ([]harness.Measurement, error) {
			return load(wrk, script, front, seconds)
		}})
		latency = append(latency, harness.Implementation{Name: name, Measure: func() ([]harness.Measurement, error) {
			return paced(front, 500*seconds)
		}})
	}
	if err := r.Compare(fmt.Sprintf("%d connections, closed loop", connections), throughput); err != nil {
		return err
	}
	return r.Compare("one request every 2 ms", latency)
}

// clientsScript has wrk send as many clients, each a user agent of its own among a hundred.
const clientsScript = `
local requests = {}
init = function(args)
  for i = 0, %d - 1 do
    wrk.headers["X-Forwarded-For"] = "198.51." .. math.floor(i / 256) .. "." .. i %% 256
    wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) bench/" .. i %% 100
    requests[i] = wrk.format("GET", "/page/" .. i %% 37)
  end
end
local next = 0
request = function()
  next = (next + 1) %% #requests
  return requests[next]
end
`

// load runs wrk, and takes the proxy's processor time meanwhile.
func load(wrk, script string, f *front, seconds int) ([]harness.Measurement, error) {
	before, err := f.processorTime()
	if err != nil {
		return nil, err
	}
	result, err := runWrk(wrk, script, f.url, seconds)
	if err != nil {
		return nil, err
	}
	after, err := f.processorTime()
	if err != nil {
		return nil, err
	}
	n := result.requests
	return []harness.Measurement{
		{Metric: "throughput", Unit: "requests/s", Value: result.perSecond, N: n},
		{Metric: "processor time of the proxy", Unit: "ns/request", Value: float64(after-before) / float64(n), N: n},
		{Metric: "closed-loop p50", Unit: "ns", Value: float64(result.p50), N: n},
		{Metric: "closed-loop p99", Unit: "ns", Value: float64(result.p99), N: n},
	}, nil
}

// paced sends requests on one connection, each from another client.
func paced(f *front, n int) ([]harness.Measurement, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequest(http.MethodGet, f.url+"/page", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) bench/0")
	latency, err := harness.Paced(n, 2*time.Millisecond, func(i int, _ int64) error {
		request.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", i%clients/256, i%256))
		response, err := transport.RoundTrip(request)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, response.Body)
		if response.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d", response.StatusCode)
		}
		return errors.Join(err, response.Body.Close())
	})
	if err != nil {
		return nil, err
	}
	return latency.Measurements(), nil
}
