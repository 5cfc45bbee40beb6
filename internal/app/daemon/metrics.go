package daemon

import (
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/prometheus/client_golang/prometheus"
)

// collector converts Stats to metrics on request. No label ever contains a client's data.
type collector struct{ daemon *Daemon }

// metric is one series without a label.
type metric struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*Stats) float64
}

func counter(name, help string, value func(*Stats) float64) metric {
	return metric{describe(name, help), prometheus.CounterValue, value}
}

func gauge(name, help string, value func(*Stats) float64) metric {
	return metric{describe(name, help), prometheus.GaugeValue, value}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("headgate_"+name, help, labels, nil)
}

var metrics = []metric{
	counter("events_total", "Events consumed from the proxies' rings.",
		func(s *Stats) float64 { return float64(s.Rings.Events) }),
	counter("events_dropped_total", "Events that proxies dropped because their ring was full.",
		func(s *Stats) float64 { return float64(s.Rings.Dropped) }),
	counter("events_lost_total", "Events left unfinished by proxies that died, or damaged.",
		func(s *Stats) float64 { return float64(s.Rings.Lost + s.Rings.Damaged + s.Rings.Abandoned) }),
	counter("events_undecodable_total", "Events that could not be decoded.",
		func(s *Stats) float64 { return float64(s.Undecodable) }),
	counter("events_oversized_total", "Events with a string or an amount that was cut to its bound.",
		func(s *Stats) float64 { return float64(s.Oversized) }),
	counter("events_future_total", "Events whose time was ahead of the clock and was replaced by now.",
		func(s *Stats) float64 { return float64(s.FutureTimes) }),
	counter("clock_steps_total", "Times that the wall clock was set by a second or more.",
		func(s *Stats) float64 { return float64(s.ClockSteps) }),
	counter("requests_refused_total", "Requests that proxies refused to protect an origin.",
		func(s *Stats) float64 { return float64(s.Refused) }),
	gauge("rings", "Event rings attached: one for each proxy process.",
		func(s *Stats) float64 { return float64(s.Rings.Rings) }),
	gauge("ring_backlog_events", "Events waiting in the rings at the last publication.",
		func(s *Stats) float64 { return float64(s.Rings.Backlog) }),
	counter("ring_bad_files_total", "Files among the rings that are not rings.",
		func(s *Stats) float64 { return float64(s.Rings.BadFiles) }),
	counter("rings_spoiled_total", "Rings of dead proxies that could not be read and were removed, with an unknown number of events.",
		func(s *Stats) float64 { return float64(s.Rings.Spoiled) }),
	gauge("ring_files_refused", "Files among the rings that are ignored because there are too many.",
		func(s *Stats) float64 { return float64(s.Rings.Refused) }),
	counter("rings_unlinked_total", "Rings of living proxies that were removed.",
		func(s *Stats) float64 { return float64(s.Rings.Unlinked) }),
	counter("publications_total", "Publications of the feature table.",
		func(s *Stats) float64 { return float64(s.Publishes) }),
	counter("publications_skipped_total", "Beats without a publication because the previous one was not done.",
		func(s *Stats) float64 { return float64(s.Feed.Skipped) }),
	counter("publications_rebuilt_total", "Publications of all rows, into an empty table.",
		func(s *Stats) float64 { return float64(s.Feed.Rebuilt) }),
	counter("rows_published_total", "Rows put into the table because they changed.",
		func(s *Stats) float64 { return float64(s.Feed.Rows) }),
	counter("events_backward_total", "Events more than a minute earlier than a previous one.",
		func(s *Stats) float64 { return float64(s.Window.Backward) }),
	counter("keys_unrestored_total", "Keys of the checkpoint that found no room at the start.",
		func(s *Stats) float64 { return float64(s.Window.Unrestored) }),
	counter("failures_total", "Publications and checkpoints that failed.",
		func(s *Stats) float64 { return float64(s.Failed) }),
	counter("http_refused_total", "HTTP requests to the daemon refused for their Host or Origin.",
		func(s *Stats) float64 { return float64(s.HTTPRefused) }),
	gauge("table_rows_evicted", "Rows evicted from the table since it was built.",
		func(s *Stats) float64 { return float64(s.RowsEvicted) }),
	gauge("publication_duration_seconds", "Time the last publication took.",
		func(s *Stats) float64 { return s.PublishTime.Seconds() }),
	gauge("publication_interval_seconds", "Time from the start of the last publication until the next may start.",
		func(s *Stats) float64 { return s.Pause.Seconds() }),
	gauge("publication_timestamp_seconds", "Time of the last publication since 1970 UTC.",
		func(s *Stats) float64 { return float64(s.Published.UnixNano()) / 1e9 }),
	gauge("table_bytes", "Size of the published table.",
		func(s *Stats) float64 { return float64(s.ImageBytes) }),
}

// Counts of all proxies together, from the limits file.
var limitMetrics = []metric{
	gauge("limits_processes", "Proxy processes that count requests in flight together.",
		func(s *Stats) float64 { return float64(s.Limits.Processes) }),
	gauge("limits_in_flight", "Requests in flight, of all proxy processes.",
		func(s *Stats) float64 { return float64(s.Limits.InFlight) }),
	counter("limits_admitted_total", "Requests admitted to their origin.",
		func(s *Stats) float64 { return float64(s.Limits.Admitted) }),
	counter("limits_reaped_processes_total", "Proxy processes that died and whose counts were taken out.",
		func(s *Stats) float64 { return float64(s.Limits.Reaped) }),
	counter("limits_orphaned_requests_total", "Requests that such processes had in flight.",
		func(s *Stats) float64 { return float64(s.Limits.Orphans) }),
	counter("limits_scrubbed_total", "Ledgers of free seats and counters without a key that were written to and set to zero.",
		func(s *Stats) float64 { return float64(s.Limits.Scrubbed) }),
	counter("limits_given_up_total", "Limits files that were replaced because another program had written to their counters.",
		func(s *Stats) float64 { return float64(s.Limits.GivenUp) }),
	counter("limits_clipped_total", "Releases of requests that found less in the limits file than they had put there.",
		func(s *Stats) float64 { return float64(s.Limits.Clipped) }),
	gauge("limits_exact_keys", "Keys with an exact counter.",
		func(s *Stats) float64 { return float64(s.Limits.ExactKeys) }),
	gauge("limits_bytes", "Size of the file.",
		func(s *Stats) float64 { return float64(s.Limits.Bytes) }),
}

var ageDesc = describe("publication_age_seconds", "Age of what is published.")

var refusedDesc = describe("limits_refused_total", "Requests refused, by reason.", "reason")

var troubleDesc = describe("trouble", "1 while there is trouble of a kind, otherwise 0.", "kind")

var remadeDesc = describe("files_remade_total", "Times that files were made again because somebody removed or damaged them.", "what")

// Reader slots, by the files that they are for.
var (
	slotsDesc = describe("reader_slots", "Slots for readers of the published files.", "files")
	takenDesc = describe("reader_slots_taken", "Slots that living readers of the published files have.", "files")
)

// Series by dimension.
var (
	keysDesc    = describe("keys", "Keys kept.", "dimension")
	evictedDesc = describe("keys_evicted_total", "Keys that made place for others because the dimension was full.", "dimension")
	waitingDesc = describe("events_waiting_total", "Events of keys that had no row yet in a dimension at least half full.", "dimension")
	expiredDesc = describe("keys_expired_total", "Keys dropped for idleness.", "dimension")
)

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := c.daemon.Stats()
	if age := c.daemon.Readiness().Published; age >= 0 {
		ch <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, age.Seconds())
	}
	for _, m := range metrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&s))
	}
	for _, m := range limitMetrics {
		ch <- prometheus.MustNewConstMetric(m.desc, m.kind, m.value(&s))
	}
	for reason, n := range s.Limits.Refused[1:] { // the first counts admissions
		ch <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(n), hostlimits.Reason(reason+1).String())
	}
	for set, slots := range map[fileSet]Slots{featureFiles: s.FeatureSlots, policyFiles: s.PolicySlots} {
		ch <- prometheus.MustNewConstMetric(slotsDesc, prometheus.GaugeValue, float64(slots.All), set.String())
		ch <- prometheus.MustNewConstMetric(takenDesc, prometheus.GaugeValue, float64(slots.Taken), set.String())
	}
	for set, n := range s.Remade {
		ch <- prometheus.MustNewConstMetric(remadeDesc, prometheus.CounterValue, float64(n), fileSet(set).String())
	}
	present := make(map[string]float64)
	for _, t := range s.Troubles {
		present[t.Kind] = 1
	}
	for _, kind := range troubleKinds {
		ch <- prometheus.MustNewConstMetric(troubleDesc, prometheus.GaugeValue, present[kind.name], kind.name)
	}
	for d := range traffic.NumDimensions {
		ch <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(s.Window.Keys[d]), d.String())
		ch <- prometheus.MustNewConstMetric(evictedDesc, prometheus.CounterValue, float64(s.Window.Evicted[d]), d.String())
		ch <- prometheus.MustNewConstMetric(waitingDesc, prometheus.CounterValue, float64(s.Window.Waiting[d]), d.String())
		ch <- prometheus.MustNewConstMetric(expiredDesc, prometheus.CounterValue, float64(s.Window.Expired[d]), d.String())
	}
}
