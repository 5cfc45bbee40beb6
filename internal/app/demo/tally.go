package demo

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/proxyhook"
)

// tally counts the answers that the clients get.
type tally struct {
	filter    *proxyhook.Filter
	hasShadow bool       // whether there is a shadow model
	mutex     sync.Mutex // guards the fields below
	total     counts
	kinds     map[string]*kindTally
	origins   map[string]*originTally
}

type counts struct{ sent, scored, flagged, limited, failed int }

type kindTally struct {
	counts
	bot bool
}

type originTally struct{ sent, limited int }

func (t *tally) countFailure(r *request) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, c := range t.counters(r) {
		c.sent++
		c.failed++
	}
}

func (t *tally) countAnswer(r *request, response *http.Response) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	score, _ := strconv.Atoi(response.Header.Get(scoreHeader))
	flagged := response.Header.Get(actionHeader) != proxyhook.Allow.String()
	limited := response.StatusCode == http.StatusServiceUnavailable && response.Header.Get(proxyhook.ReasonHeader) != ""
	for _, c := range t.counters(r) {
		c.sent++
		if score > 0 {
			c.scored++
			if flagged {
				c.flagged++
			}
		}
		if limited {
			c.limited++
		}
	}
	t.countOrigin(response.Header.Get(originHeader), limited)
}

func (t *tally) countOrigin(name string, limited bool) {
	o := t.origins[name]
	if o == nil {
		o = &originTally{}
		t.origins[name] = o
	}
	o.sent++
	if limited {
		o.limited++
	}
}

func (t *tally) counters(r *request) [2]*counts {
	k := t.kinds[r.kind]
	if k == nil {
		k = &kindTally{bot: r.bot}
		t.kinds[r.kind] = k
	}
	return [2]*counts{&t.total, &k.counts}
}

// showEvery calls show at an interval, until the caller calls stop, which shows once more.
func (t *tally) showEvery(interval time.Duration, show func(Snapshot)) (stop func()) {
	if show == nil {
		return func() {}
	}
	start := time.Now()
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				show(t.snapshot(time.Since(start)))
			case <-end:
				show(t.snapshot(time.Since(start)))
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

// Snapshot is the progress of a demonstration.
type Snapshot struct {
	Elapsed  time.Duration
	Kinds    []Kind
	Origins  []Origin
	P50, P99 time.Duration // duration of a decision
	InFlight uint64
}

// Kind holds the counts of one kind of client.
type Kind struct {
	Name                           string
	Bot                            bool
	Sent, Flagged, Limited, Failed int
}

// Origin holds the requests for one origin, and how many of them were refused.
type Origin struct {
	Name          string
	Sent, Limited int
}

func (t *tally) snapshot(elapsed time.Duration) Snapshot {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	stats := t.filter.Stats()
	s := Snapshot{Elapsed: elapsed, P50: stats.P50, P99: stats.P99, InFlight: stats.InFlight}
	for name, k := range t.kinds {
		s.Kinds = append(s.Kinds, Kind{name, k.bot, k.sent, k.flagged, k.limited, k.failed})
	}
	slices.SortFunc(s.Kinds, func(a, b Kind) int {
		if a.Bot != b.Bot {
			if a.Bot {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	for name, o := range t.origins {
		if name != "" {
			s.Origins = append(s.Origins, Origin{name, o.sent, o.limited})
		}
	}
	slices.SortFunc(s.Origins, func(a, b Origin) int { return cmp.Compare(a.Name, b.Name) })
	return s
}

// Summary is the result of a demonstration. Allowed and Flagged count the requests that the policy
// allowed and flagged; the rest could not be scored. Limited503 counts requests of both kinds that
// were refused to protect an origin.
type Summary struct {
	Requests       int               `json:"requests"` // sent and finished
	Scored         int               `json:"scored"`
	Allowed        int               `json:"allowed"`
	Flagged        int               `json:"flagged"`
	Findings       map[string]uint64 `json:"findings"` // by finding, without NoFinding
	Limited503     int               `json:"limited_503"`
	LimitedOrigins []string          `json:"limited_origins"`
	DecisionNS     DecisionNS        `json:"decision_ns"`
	EventsDropped  uint64            `json:"events_dropped"`
	Failed         int               `json:"failed"`              // requests without an answer
	Malformed      int               `json:"malformed,omitempty"` // not access log lines
	CutShort       bool              `json:"cut_short,omitempty"` // out of time: machine too slow
	Shadow         *Shadow           `json:"shadow,omitempty"`

	// Truth is set if the truth is known.
	*Truth
}

// DecisionNS holds quantiles of the duration of a decision, in nanoseconds.
type DecisionNS struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
}

// Shadow holds what a shadow model would have done with the requests.
type Shadow struct {
	Judged           uint64 `json:"judged"`
	Flagged          uint64 `json:"flagged"`
	FlaggedOfAllowed uint64 `json:"flagged_of_allowed"` // of these, allowed by the active model
	AllowedOfFlagged uint64 `json:"allowed_of_flagged"` // flagged by the active model
	Failed           uint64 `json:"failed"`             // requests that the shadow could not score
}

func newShadow(s proxyhook.ShadowStats) *Shadow {
	shadow := &Shadow{Judged: s.Judged, Flagged: s.Judged - s.Action(proxyhook.Allow), Failed: s.Failed}
	for done, would := range s.Matrix {
		for action, n := range would {
			switch done, action := proxyhook.Action(done), proxyhook.Action(action); {
			case done == proxyhook.Allow && action != proxyhook.Allow:
				shadow.FlaggedOfAllowed += n
			case done != proxyhook.Allow && action == proxyhook.Allow:
				shadow.AllowedOfFlagged += n
			}
		}
	}
	return shadow
}

// Truth compares the decisions with what the clients were.
type Truth struct {
	BotsSent      int `json:"bots_sent"`
	BotsFlagged   int `json:"bots_flagged"`
	PeopleSent    int `json:"people_sent"`
	PeopleFlagged int `json:"people_flagged"`
}

func (t *tally) summary(truthKnown bool) Summary {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	stats := t.filter.Stats()
	s := Summary{
		Requests:       t.total.sent,
		Scored:         t.total.scored,
		Allowed:        t.total.scored - t.total.flagged,
		Flagged:        t.total.flagged,
		Findings:       findings(stats),
		Limited503:     t.total.limited,
		LimitedOrigins: []string{},
		DecisionNS:     DecisionNS{stats.P50.Nanoseconds(), stats.P99.Nanoseconds()},
		EventsDropped:  stats.Dropped,
		Failed:         t.total.failed,
	}
	for name, o := range t.origins {
		if o.limited > 0 {
			s.LimitedOrigins = append(s.LimitedOrigins, name)
		}
	}
	slices.Sort(s.LimitedOrigins)
	if t.hasShadow {
		s.Shadow = newShadow(stats.Shadow)
	}
	if truthKnown {
		s.Truth = t.truth()
	}
	return s
}

func findings(s proxyhook.Stats) map[string]uint64 {
	named := make(map[string]uint64)
	for f, n := range s.Findings {
		if heuristics.Finding(f) != heuristics.NoFinding && n > 0 {
			named[heuristics.Finding(f).String()] = n
		}
	}
	return named
}

func (t *tally) truth() *Truth {
	var truth Truth
	for _, k := range t.kinds {
		if k.bot {
			truth.BotsSent += k.sent
			truth.BotsFlagged += k.flagged
		} else {
			truth.PeopleSent += k.sent
			truth.PeopleFlagged += k.flagged
		}
	}
	return &truth
}
