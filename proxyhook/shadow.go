package proxyhook

import (
	"log/slog"
	"math/bits"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/featurestore/traffic"
)

// ShadowStats counts what a shadow would have done. It had no effect. All counts are 0 if there is
// neither a shadow model nor a shadow policy. Decisions that were cut short, by truncated memory or
// a panic of the policy, are not judged.
type ShadowStats struct {
	Model   bool                           // whether there is a shadow model now
	Judged  uint64                         // decisions that the shadow has judged
	Failed  uint64                         // decisions without a score, or with a panic
	Changed uint64                         // judged decisions with another action
	Actions [numActions]uint64             // judged decisions by the shadow's action
	Matrix  [numActions][numActions]uint64 // by the action taken, then by the shadow's

	// Distances counts the decisions that both models scored, by the distance of the scores: 0, 1,
	// 2 to 3, 4 to 7, 8 to 15, 16 to 31, 32 to 63, 64 to 98.
	Distances [numDistances]uint64
}

const numDistances = 8

// Action returns the number of decisions for which the shadow would have taken this action.
func (s *ShadowStats) Action(a Action) uint64 { return s.Actions[a] }

// shadow judges what a policy has already judged, and only counts.
type shadow struct {
	policy       Policy
	hasOwnPolicy bool // its policy is not the filter's: it judges even without a shadow model
	log          *slog.Logger

	failed    atomic.Uint64
	verdicts  [numActions][numActions]atomic.Uint64
	distances [numDistances]atomic.Uint64
	panicked  sync.Once // for the log
}

func newShadow(c Config) *shadow {
	s := &shadow{policy: c.Policy, log: c.Log}
	if c.ShadowPolicy != nil {
		s.policy, s.hasOwnPolicy = c.ShadowPolicy, true
	}
	return s
}

// compare judges the shadow model's score after a decision, or the decision's own score without a
// shadow model.
func (s *shadow) compare(ev *traffic.Event, d Decision, from *scoring, score uint8) {
	switch {
	case from.shadow == nil:
		score = d.Score
	case score != 0 && d.Score != 0:
		s.distances[distanceClass(d.Score, score)].Add(1)
	}
	if score == 0 {
		s.failed.Add(1)
		return
	}
	s.judge(ev, d.Action, score)
}

// judge catches panics: the decision has been made.
func (s *shadow) judge(ev *traffic.Event, done Action, score uint8) {
	defer func() {
		if fault := recover(); fault != nil {
			s.failed.Add(1)
			s.tell(fault)
		}
	}()
	would := s.policy.Judge(ev, score)
	if would >= numActions {
		would = Allow
	}
	s.verdicts[done][would].Add(1)
}

func (s *shadow) tell(fault any) {
	s.panicked.Do(func() {
		s.log.Error("headgate: the shadow's policy panicked; no decision changed", "panic", fault, "stack", string(debug.Stack()))
	})
}

func distanceClass(a, b uint8) int {
	return bits.Len8(max(a, b) - min(a, b))
}

func (s *shadow) stats() (stats ShadowStats) {
	stats.Failed = s.failed.Load()
	for done := range s.verdicts {
		for would := range s.verdicts[done] {
			n := s.verdicts[done][would].Load()
			stats.Matrix[done][would] = n
			stats.Actions[would] += n
			stats.Judged += n
			if would != done {
				stats.Changed += n
			}
		}
	}
	for i := range s.distances {
		stats.Distances[i] = s.distances[i].Load()
	}
	return stats
}
