package proxyhook

import (
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/limits"
)

// Stats holds the counts of a Filter since it was made.
type Stats struct {
	Decisions  uint64                         // calls of Decide
	Scored     uint64                         // of these, the ones with a score
	Actions    [numActions]uint64             // decisions by action
	Reasons    [numReasons]uint64             // decisions by reason
	Findings   [heuristics.NumFindings]uint64 // decisions by finding
	NoFeatures uint64                         // decisions without inter-request features
	Stale      uint64                         // decisions with old features: Config.StaleAfter
	Faults     uint64                         // reads that hit truncated shared memory
	Events     uint64                         // events of ended requests sent to the daemon
	Dropped    uint64                         // events dropped: no ring, or a full one

	Open        int    // requests that are reported to the daemon while they are open
	Unopened    uint64 // open requests beyond the bound: they are reported only when they end
	Reports     uint64 // reports of requests that were still open
	ReportsLost uint64 // reports without a ring or to a full one: the next one includes them

	Admitted   uint64 // requests admitted to their origin
	Refused    uint64 // requests refused to protect an origin
	InFlight   uint64 // admitted and not done yet
	DoubleDone uint64 // tickets that were released a second time, without effect
	Silent     uint64 // requests ended by Config.ClientSilence
	Panics     uint64 // panics of Config.Tenant, Origin and Log
	Lowered    int    // keys whose threshold is lowered because their origin is slow
	Untrusted  uint64 // checks that found the directory's owner untrusted
	Shared     bool   // whether the host's proxy processes count together
	Policy     bool   // whether thresholds are those that the daemon publishes

	ModelsReplaced uint64      // models loaded in place of others, or as a shadow
	ModelsRefused  uint64      // models that were unreadable or did not fit
	Shadow         ShadowStats // what a shadow would have done

	Unknown []string // features that the models use and nothing computes

	P50, P99 time.Duration // of Decide, including the shadow

	// Times counts the calls of Decide by duration: element i those of 2^i ns or more, but less
	// than 2^(i+1) ns. Calls of less than 1 ns are in the first element, those of 2^32 ns or more
	// in the last.
	Times [numTimes]uint64
}

const numTimes = 32

// Action returns the number of decisions with this action.
func (s Stats) Action(a Action) uint64 { return s.Actions[a] }

// counters are a Filter's own counts. Each costs one atomic add on the request path.
type counters struct {
	scored     atomic.Uint64
	actions    [numActions]atomic.Uint64
	reasons    [numReasons]atomic.Uint64
	findings   [heuristics.NumFindings]atomic.Uint64
	noFeatures atomic.Uint64
	stale      atomic.Uint64
	faults     atomic.Uint64
	events     atomic.Uint64
	dropped    atomic.Uint64
	latency    histogram

	silentClients atomic.Uint64

	modelsReplaced atomic.Uint64
	modelsRefused  atomic.Uint64
}

func (c *counters) count(d Decision, took time.Duration) {
	if d.Score != 0 {
		c.scored.Add(1)
	}
	c.actions[d.Action].Add(1)
	c.reasons[d.Reason].Add(1)
	if d.Finding != heuristics.NoFinding { // the others are the rest: one atomic add less for each
		c.findings[d.Finding].Add(1)
	}
	c.latency.add(took)
}

// Stats returns the counts. They are read one after the other while requests run.
func (f *Filter) Stats() Stats {
	c := &f.counters
	l := f.limiting.stats()
	s := Stats{
		Scored:      c.scored.Load(),
		NoFeatures:  c.noFeatures.Load(),
		Stale:       c.stale.Load(),
		Faults:      c.faults.Load() + l.Faults,
		Events:      c.events.Load(),
		Dropped:     c.dropped.Load(),
		Open:        f.open.count(),
		Unopened:    f.open.overflow.Load(),
		Reports:     f.open.reports.Load(),
		ReportsLost: f.open.lostReports.Load(),
		Admitted:    l.Admitted,
		Refused:     l.RefusedTotal(),
		InFlight:    l.InFlight,
		DoubleDone:  l.DoubleReleases,
		Silent:      c.silentClients.Load(),
		Panics:      f.callbacks.panics.Load(),
		Lowered:     f.limiting.process.Lowered(),
		Untrusted:   f.home.untrusted.Load(),
		Shared:      l.Shared,
		Policy:      f.limiting.published.Load(),
		Unknown:     f.features.unknown(),
		Shadow:      f.shadow.stats(),
		P50:         c.latency.quantile(0.50),
		P99:         c.latency.quantile(0.99),
		Times:       c.latency.doublings(),
	}
	unread := min(f.reporter.unread.Load(), s.Events)
	s.Events, s.Dropped = s.Events-unread, s.Dropped+unread
	s.ModelsReplaced, s.ModelsRefused = c.modelsReplaced.Load(), c.modelsRefused.Load()
	s.Shadow.Model = f.scoring().shadow != nil
	for i := range s.Actions {
		s.Actions[i] = c.actions[i].Load()
		s.Decisions += s.Actions[i]
	}
	for i := range s.Reasons {
		s.Reasons[i] = c.reasons[i].Load()
	}
	s.Findings[heuristics.NoFinding] = s.Decisions
	for i := heuristics.NoFinding + 1; i < heuristics.NumFindings; i++ {
		s.Findings[i] = c.findings[i].Load()
		s.Findings[heuristics.NoFinding] -= min(s.Findings[i], s.Findings[heuristics.NoFinding])
	}
	return s
}

// LimiterStats returns the connection limiter's own counts, by reason of refusal.
func (f *Filter) LimiterStats() limits.LimiterStats { return f.limiting.stats() }
