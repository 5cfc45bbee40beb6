// Package metrics exports a filter's counts to Prometheus.
//
//	prometheus.MustRegister(metrics.NewCollector(filter))
//
// All names begin with headgate_filter_. No label contains anything that a client sent: labels are
// actions, reasons, findings, and buckets of time, each of a fixed set. A process with several
// filters registers each under its own label, with [prometheus.WrapRegistererWith].
package metrics

import (
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
	"github.com/prometheus/client_golang/prometheus"
)

// NewCollector returns the metrics of f. Collecting them takes microseconds and no lock of the
// request path; it is safe for concurrent use, also after the filter's Close.
func NewCollector(f *proxyhook.Filter) prometheus.Collector { return collector{f} }

type collector struct{ filter *proxyhook.Filter }

// counts is what one collection reads.
type counts struct {
	proxyhook.Stats
	limiter limits.LimiterStats
}

// metric is one series without a label.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*counts) float64
}

func counter(name, help string, value func(*counts) uint64) metric {
	return metric{describe(name, help), prometheus.CounterValue, func(c *counts) float64 { return float64(value(c)) }}
}

func gauge(name, help string, value func(*counts) float64) metric {
	return metric{describe(name, help), prometheus.GaugeValue, value}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("headgate_filter_"+name, help, labels, nil)
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

var metrics = []metric{
	counter("scored_total", "Decisions that gave a score.", func(c *counts) uint64 { return c.Scored }),
	counter("no_features_total", "Decisions without inter-request features: nothing is published, or it is unreadable.",
		func(c *counts) uint64 { return c.NoFeatures }),
	counter("stale_total", "Decisions with features older than the configured bound.", func(c *counts) uint64 { return c.Stale }),
	counter("faults_total", "Reads that hit truncated shared memory.", func(c *counts) uint64 { return c.Faults }),
	counter("untrusted_directory_total", "Checks of the daemon's directory, one a second, that found it owned by an untrusted user.",
		func(c *counts) uint64 { return c.Untrusted }),
	counter("events_total", "Events given to the daemon.", func(c *counts) uint64 { return c.Events }),
	counter("events_dropped_total", "Events dropped: no daemon's directory, or the ring was full.",
		func(c *counts) uint64 { return c.Dropped }),
	counter("open_reports_total", "Reports of requests that were still open.", func(c *counts) uint64 { return c.Reports }),
	counter("open_reports_lost_total", "Reports without a ring or to a full one.", func(c *counts) uint64 { return c.ReportsLost }),
	counter("open_overflow_total", "Requests beyond the bound of the table of open ones.", func(c *counts) uint64 { return c.Unopened }),
	gauge("open_requests", "Requests in the table of open ones.", func(c *counts) float64 { return float64(c.Open) }),
	counter("admitted_total", "Requests admitted to their origin.", func(c *counts) uint64 { return c.Admitted }),
	counter("double_done_total", "Tickets released a second time, without effect.", func(c *counts) uint64 { return c.DoubleDone }),
	counter("silent_clients_total", "Requests ended since their client sent or took nothing for too long.", func(c *counts) uint64 { return c.Silent }),
	counter("callback_panics_total", "Calls of the configuration's functions and of its log that panicked.", func(c *counts) uint64 { return c.Panics }),
	counter("models_replaced_total", "Models loaded in place of others, or as a shadow.",
		func(c *counts) uint64 { return c.ModelsReplaced }),
	counter("models_refused_total", "Models that could not be read, or did not fit.", func(c *counts) uint64 { return c.ModelsRefused }),
	counter("shadow_judged_total", "Decisions that the shadow has judged.", func(c *counts) uint64 { return c.Shadow.Judged }),
	counter("shadow_failed_total", "Decisions for which the shadow had no score, or in which its policy panicked.",
		func(c *counts) uint64 { return c.Shadow.Failed }),
	counter("shadow_changed_total", "Decisions in which the shadow would have acted otherwise.",
		func(c *counts) uint64 { return c.Shadow.Changed }),
	gauge("in_flight", "Requests of this process admitted and not yet done.", func(c *counts) float64 { return float64(c.InFlight) }),
	gauge("lowered_thresholds", "Keys whose threshold is lowered because their origin is slow.",
		func(c *counts) float64 { return float64(c.Lowered) }),
	gauge("shared_limits", "1 if requests in flight are counted together with the host's other proxy processes.",
		func(c *counts) float64 { return number(c.Shared) }),
	gauge("published_policy", "1 if thresholds are those that the daemon publishes.",
		func(c *counts) float64 { return number(c.Policy) }),
	gauge("shadow_model", "1 if there is a shadow model.", func(c *counts) float64 { return number(c.Shadow.Model) }),
	gauge("unknown_features", "Features that the models use and nothing computes.",
		func(c *counts) float64 { return float64(len(c.Unknown)) }),
	gauge("overrides", "Keys with their own threshold.", func(c *counts) float64 { return float64(c.limiter.Overrides) }),
	gauge("exact_keys", "Keys with an exact counter.", func(c *counts) float64 { return float64(c.limiter.ExactKeys) }),
}

// Series with labels.
var (
	decisionsDesc = describe("decisions_total", "Decisions, by action.", "action")
	reasonsDesc   = describe("reasons_total", "Decisions, by what they rest on.", "reason")
	findingsDesc  = describe("findings_total", "Decisions, by what was certain before the model was asked.", "finding")
	refusedDesc   = describe("refused_total", "Requests refused for an overloaded origin, by reason.", "reason")
	shadowDesc    = describe("shadow_decisions_total", "Decisions that the shadow has judged, by what was done and what it would have done.",
		"action", "shadow")
	timesDesc = describe("decide_duration_seconds",
		"Time that decisions took, a shadow's part included. The sum is made of the buckets' middles.")
)

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	now := counts{c.filter.Stats(), c.filter.LimiterStats()}
	for _, m := range metrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&now))
	}
	count := func(desc *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
	}
	for a, n := range now.Actions {
		count(decisionsDesc, n, proxyhook.Action(a).String())
		for b, n := range now.Shadow.Matrix[a] {
			count(shadowDesc, n, proxyhook.Action(a).String(), proxyhook.Action(b).String())
		}
	}
	for r, n := range now.Reasons {
		count(reasonsDesc, n, proxyhook.Reason(r).String())
	}
	for f, n := range now.Findings {
		count(findingsDesc, n, heuristics.Finding(f).String())
	}
	for r, n := range now.limiter.Refused[1:] { // the first counts admissions
		count(refusedDesc, n, limits.Reason(r+1).String())
	}
	ch <- histogram(now.Times[:])
}

// The bounds of the histogram are 2^8 to 2^24 ns: 0.26 µs to 17 ms.
const lowest, highest = 8, 24

// histogram holds the durations of decisions: times[i] counts those of 2^i ns or more, but less
// than 2^(i+1).
func histogram(times []uint64) prometheus.Metric {
	below := make(map[float64]uint64)
	total, sum := uint64(0), 0.0
	for i, n := range times {
		if lowest <= i && i <= highest {
			below[float64(uint64(1)<<i)/1e9] = total
		}
		total += n
		sum += float64(n) * 1.5 * float64(uint64(1)<<i) / 1e9
	}
	return prometheus.MustNewConstHistogram(timesDesc, total, sum, below)
}
