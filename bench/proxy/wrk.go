package proxy

import (
	"bytes"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// wrkResult is what wrk has printed.
type wrkResult struct {
	requests  int64
	perSecond float64
	p50, p99  time.Duration
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in `)
	wrkRate     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkQuantile = regexp.MustCompile(`(?m)^\s+(50|99)%\s+([\d.]+)(us|ms|s)$`)
	wrkTrouble  = regexp.MustCompile(`(Non-2xx or 3xx responses: \d+|Socket errors: .*)`)
)

func runWrk(program, script, url string, seconds int) (wrkResult, error) {
	out, err := exec.Command(program, "-t1", "-c"+strconv.Itoa(connections), "-d"+strconv.Itoa(seconds)+"s", "--latency", "-s", script, url).CombinedOutput()
	if err != nil {
		return wrkResult{}, fmt.Errorf("wrk: %w: %s", err, bytes.TrimSpace(out))
	}
	return parseWrk(out)
}

func parseWrk(out []byte) (r wrkResult, err error) {
	if trouble := wrkTrouble.Find(out); trouble != nil {
		return r, fmt.Errorf("wrk: %s", trouble)
	}
	requests, rate := wrkRequests.FindSubmatch(out), wrkRate.FindSubmatch(out)
	if requests == nil || rate == nil {
		return r, fmt.Errorf("wrk printed no counts: %.300q", out)
	}
	if r.requests, err = strconv.ParseInt(string(requests[1]), 10, 64); err != nil {
		return r, err
	}
	if r.perSecond, err = strconv.ParseFloat(string(rate[1]), 64); err != nil {
		return r, err
	}
	for _, m := range wrkQuantile.FindAllSubmatch(out, -1) {
		d, err := time.ParseDuration(string(m[2]) + string(m[3]))
		if err != nil {
			return r, err
		}
		if string(m[1]) == "50" {
			r.p50 = d
		} else {
			r.p99 = d
		}
	}
	if r.requests == 0 || r.p50 == 0 || r.p99 == 0 {
		return r, fmt.Errorf("wrk printed no latencies: %.300q", out)
	}
	return r, nil
}
