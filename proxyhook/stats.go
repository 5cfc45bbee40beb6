package proxyhook

import (
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/limits"
)

// Stats are what a Filter has counted since it was made.
type Stats struct {
	Decisions  uint64                         // calls of Decide
	Scored     uint64                         // of these, the ones that gave a score
	Actions    [numActions]uint64             // decisions by action
	Reasons    [numReasons]uint64             // decisions by reason
	Findings   [heuristics.NumFindings]uint64 // decisions by what was certain before the model was asked
	NoFeatures uint64                         // decisions without inter-request features: nothing published, or unreadable
	Stale      uint64                         // decisions with features older than Config.StaleAfter
	Faults     uint64                         // reads that hit truncated shared memory, the supervisor's too
	Events     uint64                         // events given to the daemon, of requests that have ended
	Dropped    uint64                         // events dropped: no daemon's directory, the ring was full, or it was removed and no daemon had it open

	Open        int    // requests that the daemon is told of while they are open
	Unopened    uint64 // requests that found no place among those: they are told by their end alone
	Reports     uint64 // reports of requests that were still open
	ReportsLost uint64 // reports that found no daemon's ring, or a full one: the next one tells as much more

	Admitted   uint64 // requests admitted to their origin
	Refused    uint64 // requests refused for an overloaded origin
	InFlight   uint64 // admitted and not yet done
	DoubleDone uint64 // tickets that were released a second time, to no effect
	Silent     uint64 // requests ended by Config.ClientSilence
	Panics     uint64 // calls of Config.Tenant, Config.Origin and Config.Log that panicked; their requests went on
	Lowered    int    // keys whose threshold is lowered because their origin is slow
	Untrusted  uint64 // looks at the daemon's directory that found it in hands that are not trusted, one a second
	Shared     bool   // requests in flight are counted together with the host's other proxy processes
	Policy     bool   // thresholds are those that the daemon publishes

	ModelsReplaced uint64      // models put in use in place of others, or as a shadow
	ModelsRefused  uint64      // models that could not be read, or did not fit; those before served on
	Shadow         ShadowStats // what a shadow would have done

	Unknown []string // features that the models want and nobody computes

	P50, P99 time.Duration // of Decide, a shadow's part included

	// Times count the calls of Decide by how long they took: element i those of 2^i ns or more, but less than 2^(i+1) ns.
	// What took less than 1 ns is in the first one, what took 2^32 ns or more in the last.
	Times [numTimes]uint64
}

const numTimes = 32

// Action gives the number of decisions with this action.
func (s Stats) Action(a Action) uint64 { return s.Actions[a] }

// counters are a Filter's own. Each is one atomic add on the request path.
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
	if d.Finding != heuristics.NoFinding { // those without are the rest: one atomic addition less for each
		c.findings[d.Finding].Add(1)
	}
	c.latency.add(took)
}

// Stats gives the counts. They are read one after the other while requests go on.
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
		ReportsLost: f.open.lost.Load(),
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

// LimiterStats gives the connection limiter's own counts, by reason of refusal.
func (f *Filter) LimiterStats() limits.LimiterStats { return f.limiting.stats() }
