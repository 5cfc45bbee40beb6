package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// staleAfter is the number of intervals after which a publication makes the daemon unready.
const staleAfter = 5

// Readiness holds whether proxies are served, and what is wrong.
type Readiness struct {
	Ready     bool
	Published time.Duration // age of the last publication; negative: none yet
	Troubles  []Trouble
}

// Readiness returns the state as of now, even if the daemon's loop hangs.
func (d *Daemon) Readiness() Readiness {
	d.checkFreshness()
	d.mutex.Lock()
	defer d.mutex.Unlock()
	r := Readiness{Ready: !d.lastPublished.IsZero(), Published: -1, Troubles: d.stats.Troubles}
	if r.Ready {
		r.Published = time.Since(d.lastPublished)
	}
	for _, t := range r.Troubles {
		r.Ready = r.Ready && !t.Unready
	}
	return r
}

// checkFreshness records whether the last publication is fresh. Before the first one, the daemon's
// start counts.
func (d *Daemon) checkFreshness() {
	d.mutex.Lock()
	fresh, started := d.lastPublished, d.started
	d.mutex.Unlock()
	limit := staleAfter * d.config.Interval
	var err error
	switch {
	case fresh.IsZero() && time.Since(started) > limit:
		err = fmt.Errorf("nothing is published yet, %v after the start", limit)
	case !fresh.IsZero() && time.Since(fresh) > limit:
		err = fmt.Errorf("the last publication is more than %v old", limit)
	}
	d.report(freshness, d.dir.Features(), err)
}

// watch notices, beside the daemon's loop, that it no longer publishes.
func (d *Daemon) watch(ctx context.Context) {
	tick := time.NewTicker(d.config.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.checkFreshness()
		}
	}
}

// status returns one word for people and programs.
func (r Readiness) status() string {
	switch {
	case !r.Ready:
		return "unready"
	case len(r.Troubles) > 0:
		return "degraded"
	}
	return "ok"
}

// line returns the status and what is wrong.
func (r Readiness) line() string {
	switch why := joined(r.Troubles); {
	case !r.Ready && r.Published < 0 && why == "":
		return "nothing is published yet"
	case !r.Ready:
		return why
	case why != "":
		return "degraded: " + why
	}
	return "ok"
}

// MarshalJSON implements json.Marshaler. Durations are in seconds.
func (r Readiness) MarshalJSON() ([]byte, error) {
	type trouble struct {
		Kind    string    `json:"kind"`
		Unready bool      `json:"unready"`
		Since   time.Time `json:"since"`
		Seconds float64   `json:"seconds"`
		Text    string    `json:"text"`
	}
	troubles := []trouble{}
	for _, t := range r.Troubles {
		troubles = append(troubles, trouble{t.Kind, t.Unready, t.Since.UTC(), time.Since(t.Since).Seconds(), t.Text})
	}
	var age *float64
	if r.Published >= 0 {
		seconds := r.Published.Seconds()
		age = &seconds
	}
	return json.Marshal(struct {
		Status   string    `json:"status"`
		Age      *float64  `json:"publication_age_seconds"`
		Troubles []trouble `json:"troubles"`
	}{r.status(), age, troubles})
}

// serveReady answers /readyz with a line, or with JSON for ?verbose.
func (d *Daemon) serveReady(w http.ResponseWriter, request *http.Request) {
	r := d.Readiness()
	status := http.StatusOK
	if !r.Ready {
		status = http.StatusServiceUnavailable
	}
	if request.URL.Query().Has("verbose") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, r.line())
}
