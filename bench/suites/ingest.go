package suites

import (
	"log/slog"
	"os"
	"time"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// Ingest measures the way of events from a proxy's ring into the daemon's windows.
var Ingest = harness.Suite{Name: "ingest", About: "events per second through ring and aggregation, end to end, and what is dropped", Run: runIngest}

// ingestVisitors is how many clients the events are from: each is a key of its own in five dimensions.
const ingestVisitors = 100_000

func runIngest(r *harness.Run) error {
	build, err := os.MkdirTemp("", "headgate-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(build)
	dir, err := memoryDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	daemon, err := harness.StartDaemon(build, dir)
	if err != nil {
		return err
	}
	defer end(daemon)
	filter, err := proxyhook.New(proxyhook.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer filter.Close()
	events := make([]traffic.Event, ingestVisitors)
	for i := range events {
		events[i] = visitor(i)
		events[i].Status, events[i].Bytes, events[i].Duration = 200, 5000, 20_000_000
	}
	for _, c := range []struct {
		name string
		rate int // events per second; 0: as many as a core can send
	}{{"as many as a core sends", 0}, {"100,000 events/s", 100_000}} {
		err := r.Compare(c.name, []harness.Implementation{{Name: harness.Headgate, Measure: func() ([]harness.Measurement, error) {
			return ingest(filter, events, c.rate, time.Duration(r.Size(2, 5))*time.Second), nil
		}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// ingest sends events for a while. What the ring takes is what the daemon has folded, but for what fits into the ring itself: it drops when it
// is full.
func ingest(filter *proxyhook.Filter, events []traffic.Event, rate int, length time.Duration) []harness.Measurement {
	const batch = 100
	before := filter.Stats()
	start := time.Now()
	sent := 0
	var inDone time.Duration
	for time.Since(start) < length {
		begin := time.Now()
		now := begin.UnixNano()
		for range batch {
			ev := &events[sent*7919%len(events)]
			ev.Time = now
			filter.Done(ev, limits.Ticket{})
			sent++
		}
		inDone += time.Since(begin)
		for rate > 0 && time.Since(start) < time.Duration(sent)*time.Second/time.Duration(rate) {
			time.Sleep(100 * time.Microsecond)
		}
	}
	took := time.Since(start)
	after := filter.Stats()
	taken, dropped := after.Events-before.Events, after.Dropped-before.Dropped
	return []harness.Measurement{
		{Metric: "taken in", Unit: "events/s", Value: float64(taken) / took.Seconds(), N: int64(sent)},
		{Metric: "dropped", Unit: "%", Value: 100 * float64(dropped) / float64(sent), N: int64(sent)},
		{Metric: "Filter.Done", Unit: "ns/op", Value: float64(inDone) / float64(sent), N: int64(sent)},
	}
}
