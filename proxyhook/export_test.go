package proxyhook

import (
	"context"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/ring"
)

// What the tests see of the inside.
var (
	ClientAddr    = clientAddr
	CanonicalHost = canonicalHost
	RefererHost   = func(referer string) string { host, _ := traffic.SplitReferer(referer); return canonicalHost(host) }
	RetryAfter    = retryAfter
	Describe      = (*Filter).describe
	Maintain      = (*Filter).maintain     // one look of the supervisor
	Warm          = (*Filter).warm         // one look ahead of the requests
	LookAtFiles   = (*Filter).lookAtModels // one look at the files of models
)

// SuperviseEvery and WarmEvery set the supervisor's intervals for filters made from now on.
func SuperviseEvery(d time.Duration) { superviseEvery = d }
func WarmEvery(d time.Duration)      { warmEvery = d }
func ReportEvery(d time.Duration)    { reportEvery = d }

// DefaultWarmEvery is what the second of them is in production.
var DefaultWarmEvery, DefaultReportEvery = warmEvery, reportEvery

// ReadingClock is what the age of a publication comes from.
type ReadingClock struct{ readingClock }

func (c *ReadingClock) See(published, wall, running int64) { c.see(published, wall, running) }
func (c *ReadingClock) At(wall int64) int64                { return c.at(wall) }

// LastStep is what puts durations right.
type LastStep struct{ lastStep }

func (s *LastStep) Look(wall, running int64)              { s.look(wall, running) }
func (s *LastStep) Duration(passed, running int64) uint64 { return s.duration(passed, running) }

// Histogram is the latency histogram.
type Histogram struct{ histogram }

func (h *Histogram) Add(d time.Duration)              { h.add(d) }
func (h *Histogram) Quantile(q float64) time.Duration { return h.quantile(q) }
func (h *Histogram) Doublings() []uint64              { t := h.doublings(); return t[:] }

// Connection is what the request path reads from now.
func (f *Filter) Connection() any { return f.features.current.Load() }

// DistrustFeatures is what a fault met in an earlier connection does.
func (f *Filter) DistrustFeatures(c any) { f.features.distrust(c.(*binding)) }

// KeptTickets is how many tickets the request with this context remembers.
func KeptTickets(ctx context.Context) int { return len(innermost(ctx).tickets) }

// AdmitForRelease admits a call to an origin, as a Handler's or a Transport's, and returns its
// release.
func AdmitForRelease(f *Filter) func() {
	held, _ := (&request{filter: f}).admit("origin")
	return held.release
}

// Ring is what the request path reports to now, and DistrustRing what a fault met in an earlier one
// does.
func (f *Filter) Ring() *ring.Producer          { return f.reporter.current.Load() }
func (f *Filter) DistrustRing(p *ring.Producer) { f.reporter.distrust(p) }

// TellOpen is the supervisor's look at a part of the open requests, all of which OpenParts looks
// see.
func (f *Filter) TellOpen() { f.reportOpen() }

// What the table of open requests has.
const (
	OpenParts = openLanes
	OpenRoom  = openLanes * laneSlots
)

// InTransition reports whether requests count under previous policies, too.
func InTransition(f *Filter) bool { return f.limiting.process.InTransition() }
