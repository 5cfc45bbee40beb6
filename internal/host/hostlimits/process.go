package hostlimits

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Process is the part that one proxy process takes in the limits of its host. It admits requests by
// a policy, and counts them in the limits file of the host, or alone where there is no such file.
// Admit, Observe and RetryAfter are the request path's: they allocate nothing and wait for no lock.
// All methods are safe for concurrent use.
type Process struct {
	config Config
	log    *slog.Logger

	current  atomic.Pointer[Limiter]
	rules    atomic.Pointer[rules]
	adaptive Adaptive

	mutex    sync.Mutex // guards all below
	private  *Limiter   // counts where there is no file
	retired  []*Limiter // admit nothing any more, but have tickets open
	past     Stats      // of retired limiters without open tickets
	syncedAt time.Time  // zero before the first Sync
}

// rules are what requests are admitted by. They are never changed.
type rules struct {
	Policy
	boundsHosts bool        // the policy has overrides of hosts within their origins
	transition  *Transition // not nil while requests may be open that another key was used for
}

// request is what a request is counted by.
type request struct {
	tenant, origin, host string
	score                uint8
}

// NewProcess returns a process that counts alone, by policy, until it joins a file.
func NewProcess(config Config, policy *Policy, log *slog.Logger) (*Process, error) {
	p := &Process{config: config, log: log}
	p.config.Overrides = policy.Overrides
	var err error
	if p.private, err = NewLimiter(p.config); err != nil {
		return nil, err
	}
	p.current.Store(p.private)
	p.setRules(policy)
	return p, nil
}

// Admit admits a request or refuses it, as [Limiter.Admit] does, with the result in t and res,
// which must be zero. Every access to the file's memory is guarded by the limiter.
func (p *Process) Admit(t *Ticket, res *Result, state *TicketState, tenant, origin, host string,
	score uint8) bool {
	r := p.rules.Load()
	limiter := p.current.Load()
	var b [MaxKey]byte
	key := r.AppendKey(b[:0], tenant, origin, host)
	if r.transition == nil && !r.boundsHosts && r.ShedFrom == 0 && r.Adaptive == nil {
		return limiter.AdmitTo(t, res, state, key, nil)
	}
	request := &request{tenant, origin, host, score}
	switch {
	case r.transition != nil:
		return p.admitInTransition(t, res, limiter, r, state, request, key)
	case r.boundsHosts:
		return p.admitHost(t, res, limiter, r, state, request, key)
	}
	return p.admitBelow(t, res, limiter, r, state, request, key)
}

// admitInTransition also counts the request by the previous policies.
func (p *Process) admitInTransition(t *Ticket, res *Result, limiter *Limiter, r *rules,
	state *TicketState, request *request, key []byte) (ok bool) {
	var h [MaxKey]byte
	s := Subject{Tenant: request.tenant, Origin: request.origin, Host: request.host, Key: key}
	if r.boundsHosts {
		s.HostKey = AppendHostKey(h[:0], s.Origin, s.Host)
	}
	former, refusal, ok := r.transition.Begin(limiter, &s)
	if !ok {
		*res = refusal
		return false
	}
	if r.boundsHosts {
		ok = p.admitHost(t, res, limiter, r, state, request, key)
	} else {
		ok = p.admitBelow(t, res, limiter, r, state, request, key)
	}
	former.End(t)
	return ok
}

// admitBelow holds the request to the threshold that its score and the origin's latency leave.
func (p *Process) admitBelow(t *Ticket, res *Result, limiter *Limiter, r *rules, state *TicketState,
	request *request, key []byte) bool {
	score := request.score
	return limiter.AdmitTo(t, res, state, key, func(lowered uint32) (_, shed uint32) {
		return p.lower(limiter, r, key, score, lowered)
	})
}

// lower returns what the latency of a key and the score of a request leave of a threshold.
func (p *Process) lower(limiter *Limiter, r *rules, key []byte, score uint8,
	threshold uint32) (lowered, shed uint32) {
	if r.Adaptive != nil {
		threshold = p.adaptive.Threshold(limiter.Hash(key), threshold)
	}
	return threshold, r.ShedThreshold(threshold, score)
}

// admitHost also counts the request under its host within the origin, if that has a threshold of
// its own.
func (p *Process) admitHost(t *Ticket, res *Result, limiter *Limiter, r *rules, state *TicketState,
	request *request, key []byte) bool {
	var b [MaxKey]byte
	host := AppendHostKey(b[:0], request.origin, request.host)
	if r.ShedFrom == 0 && r.Adaptive == nil {
		return limiter.admitWithin(t, res, state, key, host, nil)
	}
	score := request.score
	below := func(within bool, lowered uint32) (_, shed uint32) {
		if within {
			return p.lower(limiter, r, host, score, lowered)
		}
		return p.lower(limiter, r, key, score, lowered)
	}
	return limiter.admitWithin(t, res, state, key, host, below)
}

// Adapts reports whether thresholds follow latencies, so that Observe matters.
func (p *Process) Adapts() bool { return p.rules.Load().Adaptive != nil }

// Observe notes how long the origin of an admitted request was waited for, and how the wait ended.
// estimate and threshold are those of its admission.
func (p *Process) Observe(t Ticket, estimate uint64, threshold uint32, took time.Duration,
	how Ending) {
	if policy := p.rules.Load().Adaptive; policy != nil && t.Hash() != 0 {
		p.adaptive.ObserveEnding(policy, t.Hash(), threshold, estimate, took, how, time.Now())
	}
}

// Lowered returns the number of keys whose threshold is lowered because their origin is slow.
func (p *Process) Lowered() int { return p.adaptive.Lowered() }

// RetryAfter returns the delay that refused requests are told.
func (p *Process) RetryAfter() time.Duration { return p.current.Load().RetryAfter() }

// InTransition reports whether requests also count by former policies.
func (p *Process) InTransition() bool { return p.rules.Load().transition != nil }

// Apply makes policy hold for requests that come after it. The caller must not change the policy
// any more.
func (p *Process) Apply(policy *Policy) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, limiter := range []*Limiter{p.private, p.current.Load()} {
		if err := limiter.Apply(*policy); err != nil {
			return err
		}
	}
	p.setRules(policy)
	return nil
}

// setRules puts a policy in use. Where it has another key, requests that are open go on to count
// under the previous one; but not before the first Sync, when there are none.
func (p *Process) setRules(policy *Policy) {
	next := &rules{Policy: *policy, boundsHosts: policy.BoundsHosts()}
	if former := p.rules.Load(); former != nil && !p.syncedAt.IsZero() {
		next.transition = former.transition.Next(&former.Policy, &next.Policy, p.limiters()...)
		if next.transition != nil && next.transition != former.transition {
			p.log.Info("headgate: the key of limits was changed; "+
				"requests also count under the previous one until those from before have ended",
				"key", next.KeyText(), "former", former.KeyText())
		}
	}
	p.rules.Store(next)
}

// limiters returns those that requests were admitted through, the current one first.
func (p *Process) limiters() []*Limiter {
	all := []*Limiter{p.current.Load()}
	if all[0] != p.private {
		all = append(all, p.private)
	}
	return append(all, p.retired...)
}

// Join makes the process count in the file at path, unless it does already. While there is no file,
// it goes on to count in the one that it has joined before, as the other processes do, if that is
// whole.
func (p *Process) Join(path string) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	former := p.current.Load()
	if former.Current(path) {
		return nil
	}
	next, err := Join(path, p.config)
	if err == nil {
		err = next.Apply(p.rules.Load().Policy)
	}
	if err != nil {
		if former != p.private && !former.Stats().Shared {
			p.replace(former, p.private)
		}
		return err
	}
	if former != p.private && former.Stats().Shared {
		if err := next.Follow(former); err != nil {
			p.log.Warn("headgate: for a moment processes do not see each other's open requests",
				"error", err)
		}
	}
	p.replace(former, next)
	p.log.Info("headgate: requests in flight are counted together with the host's other proxies",
		"path", path)
	return nil
}

func (p *Process) replace(former, next *Limiter) {
	p.current.Store(next)
	if former != p.private {
		p.retired = append(p.retired, former)
	}
}

// Sync writes what this process has counted into the file, and ends what is over: counting in a
// former file, by former policies, and limiters without open tickets. It is to be called about once
// a second.
func (p *Process) Sync() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.dropRetired()
	current := p.current.Load()
	current.WriteTallies()
	current.SyncFormer()
	p.endTransition(current)
	p.syncedAt = time.Now()
}

// dropRetired drops limiters that have nothing in flight any more, and keeps their statistics.
func (p *Process) dropRetired() {
	kept := p.retired[:0]
	for _, limiter := range p.retired {
		s := limiter.Stats()
		if limiter.GivenUp() {
			s.InFlight = 0
		}
		if s.InFlight > 0 {
			kept = append(kept, limiter)
		} else {
			p.past.add(s)
		}
	}
	clear(p.retired[len(kept):])
	p.retired = kept
}

// endTransition drops the previous policies when no request needs them any more.
func (p *Process) endTransition(current *Limiter) {
	r := p.rules.Load()
	if !r.transition.Sync(current) || r.transition == nil {
		return
	}
	p.rules.Store(&rules{Policy: r.Policy, boundsHosts: r.boundsHosts})
	p.log.Info("headgate: the requests from before the key of limits was changed have ended", "key",
		r.KeyText())
}

// Stats returns the sums of all that this process has counted, alone and in files.
func (p *Process) Stats() Stats {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	current := p.current.Load()
	s := current.Stats()
	s.add(p.past)
	for _, limiter := range p.retired {
		s.add(limiter.Stats())
	}
	if current != p.private {
		s.add(p.private.Stats())
	}
	return s
}

// add adds those fields of other that are counts of events and of what is in flight.
func (s *Stats) add(other Stats) {
	s.Admitted += other.Admitted
	for r := range s.Refused {
		s.Refused[r] += other.Refused[r]
	}
	s.InFlight += other.InFlight
	s.DoubleReleases += other.DoubleReleases
	s.Clipped += other.Clipped
	s.Faults += other.Faults
}

// Close writes what this process has counted into the file for the last time. Open tickets stay
// valid.
func (p *Process) Close() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.current.Load().WriteTallies()
}
