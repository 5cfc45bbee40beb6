package proxyhook

import (
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/hostdir"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/mmapsync"
)

// limiting is the connection limiter: in the daemon's file where there is one, and in this process otherwise. The
// request path uses the current limiter and policy; maintain is the supervisor's.
type limiting struct {
	config limits.LimiterConfig
	tenant func(*traffic.Event) string
	log    *slog.Logger

	current   atomic.Pointer[limits.Limiter]
	rules     atomic.Pointer[rules]
	adaptive  limits.Adaptive
	published atomic.Bool // the policy is the daemon's

	mutex   sync.Mutex // guards all below
	dir     hostdir.Dir
	own     limits.Policy
	alone   *limits.Limiter
	retired []*limits.Limiter // shared ones that nothing is admitted to any more
	past    limits.LimiterStats
	reader  *mmapsync.Reader
	version mmapsync.Version // of the policy read last
	looked  bool             // at what the daemon publishes, once
	told    string           // the last trouble that was logged
}

// rules are what requests are admitted by. They are never changed.
type rules struct {
	limits.Policy
	boundsHosts bool               // the policy has overrides of hosts within their origins
	transition  *limits.Transition // not nil while requests may be open that another key was used for
}

// init makes the limiter of this process alone.
func (l *limiting) init(owners []int, c Config) (err error) {
	l.config, l.tenant, l.log = c.Limits, c.Tenant, c.Log
	l.config.Owners = owners
	l.own = limits.Policy{
		Key:        c.LimitKey,
		Threshold:  c.Limits.Threshold,
		Overrides:  maps.Clone(c.Limits.Overrides),
		RetryAfter: limits.Duration(c.Limits.RetryAfter),
	}
	if err := l.own.Check(); err != nil {
		return err
	}
	warnings, err := l.own.Canonical()
	if err != nil {
		return err
	}
	for _, w := range warnings {
		l.log.Warn("headgate: limits", "override", w.Key, "problem", w.Reason)
	}
	l.config.Overrides = l.own.Overrides
	if l.alone, err = limits.NewLimiter(l.config); err != nil {
		return err
	}
	l.current.Store(l.alone)
	l.use(&l.own)
	return nil
}

// admit asks for room at ev's origin. Nothing of it is reached through a mapping that the limiter does not guard.
func (l *limiting) admit(ev *traffic.Event, state *limits.TicketState) (limits.Admission, bool) {
	r := l.rules.Load()
	if r.transition != nil {
		return l.admitTwice(r, ev, state)
	}
	limiter := l.current.Load()
	var b [limits.MaxKey]byte
	key := r.AppendKey(b[:0], l.tenantOf(ev), ev.Origin, ev.Host)
	switch {
	case r.boundsHosts:
		return l.admitHost(limiter, r, ev, state, key)
	case r.ShedFrom == 0 && r.Adaptive == nil:
		return limiter.Admit(state, key)
	}
	return l.admitBelow(limiter, r, ev, state, key)
}

// admitTwice asks for room by the former policies, too.
func (l *limiting) admitTwice(r *rules, ev *traffic.Event, state *limits.TicketState) (limits.Admission, bool) {
	limiter := l.current.Load()
	var b, h [limits.MaxKey]byte
	s := limits.Subject{Tenant: l.tenantOf(ev), Origin: ev.Origin, Host: ev.Host}
	s.Key = r.AppendKey(b[:0], s.Tenant, s.Origin, s.Host)
	if r.boundsHosts {
		s.HostKey = limits.AppendHostKey(h[:0], s.Origin, s.Host)
	}
	former, a, ok := r.transition.Begin(limiter, &s)
	if !ok {
		return a, false
	}
	if r.boundsHosts {
		a, ok = l.admitHost(limiter, r, ev, state, s.Key)
	} else {
		a, ok = l.admitBelow(limiter, r, ev, state, s.Key)
	}
	former.End(&a)
	return a, ok
}

// admitBelow asks for room at ev's origin below the threshold for its score, and the one for the origin's latency.
func (l *limiting) admitBelow(limiter *limits.Limiter, r *rules, ev *traffic.Event, state *limits.TicketState, key []byte) (limits.Admission, bool) {
	score := ev.Score
	return limiter.AdmitBelow(state, key, func(lowered uint32) (_, shed uint32) {
		if r.Adaptive != nil {
			lowered = l.adaptive.Threshold(limiter.Hash(key), lowered)
		}
		return lowered, r.ShedThreshold(lowered, score)
	})
}

// admitHost asks for room at ev's origin, and for its host there if that has a threshold of its own.
func (l *limiting) admitHost(limiter *limits.Limiter, r *rules, ev *traffic.Event, state *limits.TicketState, key []byte) (limits.Admission, bool) {
	var b [limits.MaxKey]byte
	host := limits.AppendHostKey(b[:0], ev.Origin, ev.Host)
	if r.ShedFrom == 0 && r.Adaptive == nil {
		return limiter.AdmitWithin(state, key, host, nil)
	}
	score := ev.Score
	return limiter.AdmitWithin(state, key, host, func(within bool, lowered uint32) (_, shed uint32) {
		if name := key; r.Adaptive != nil {
			if within {
				name = host
			}
			lowered = l.adaptive.Threshold(limiter.Hash(name), lowered)
		}
		return lowered, r.ShedThreshold(lowered, score)
	})
}

func (l *limiting) tenantOf(ev *traffic.Event) string {
	if l.tenant == nil {
		return ""
	}
	return l.tenant(ev)
}

// adapts returns the policy by which thresholds follow latencies; nil: none.
func (l *limiting) adapts() *limits.AdaptivePolicy { return l.rules.Load().Adaptive }

// observe takes note of how long the origin of an admitted request was waited for, and how that ended.
func (l *limiting) observe(hash, estimate uint64, threshold uint32, took time.Duration, how limits.Ending) {
	if p := l.adapts(); p != nil && hash != 0 {
		l.adaptive.ObserveEnding(p, hash, threshold, estimate, took, how, time.Now())
	}
}

// observes reports whether it matters how long the origin of r is waited for.
func (f *Filter) observes(r *http.Request) bool {
	return f.limiting.adapts() != nil && (f.config.LongLived == nil || !f.config.LongLived(r))
}

// observe takes note of the wait for an origin that has ended: with an answer unless it failed, and with left where the
// request was given up.
func (f *Filter) observe(x *exchange, held *admission, failed, left bool) {
	if took, how, ok := x.result(failed, left); ok {
		f.limiting.observe(held.ticket.Hash(), held.estimate, held.threshold, took, how)
	}
}

// setThreshold changes the policy that holds while the daemon publishes none.
func (l *limiting) setThreshold(ev *traffic.Event, n uint32) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	own := l.own
	if own.Overrides = maps.Clone(own.Overrides); own.Overrides == nil {
		own.Overrides = make(map[string]uint32)
	}
	key := own.AppendKey(nil, l.tenantOf(ev), ev.Origin, ev.Host)
	if len(own.Key) == 0 && ev.Host != "" {
		key = limits.AppendHostKey(nil, ev.Origin, ev.Host)
	}
	own.Overrides[string(key)] = n
	if err := own.Check(); err != nil {
		return err
	}
	l.own = own
	if l.published.Load() {
		return nil
	}
	return l.apply(&own)
}

// apply goes by a policy, with the mutex held.
func (l *limiting) apply(p *limits.Policy) error {
	for _, limiter := range []*limits.Limiter{l.alone, l.current.Load()} {
		if err := limiter.Apply(*p); err != nil {
			return err
		}
	}
	l.use(p)
	return nil
}

// use makes requests be admitted by a policy. Where that has another key, what is in flight goes on to count under the
// former one; but not at the first look, before any request.
func (l *limiting) use(p *limits.Policy) {
	next := &rules{Policy: *p, boundsHosts: p.BoundsHosts()}
	if former := l.rules.Load(); former != nil && l.looked {
		next.transition = former.transition.Next(&former.Policy, &next.Policy, l.limiters()...)
		if next.transition != nil && next.transition != former.transition {
			l.log.Info("headgate: the key of limits was changed; the former one holds besides until the requests before have ended",
				"key", next.KeyText(), "former", former.KeyText())
		}
	}
	l.rules.Store(next)
}

// limiters are those that requests were admitted through, the current one first.
func (l *limiting) limiters() []*limits.Limiter {
	all := []*limits.Limiter{l.current.Load()}
	if all[0] != l.alone {
		all = append(all, l.alone)
	}
	return append(all, l.retired...)
}

// finish looks whether former policies are still needed.
func (l *limiting) finish(current *limits.Limiter) {
	r := l.rules.Load()
	if !r.transition.Over(current) || r.transition == nil {
		return
	}
	l.rules.Store(&rules{Policy: r.Policy, boundsHosts: r.boundsHosts})
	l.log.Info("headgate: the requests from before the key of limits was changed have ended", "key", r.KeyText())
}

// maintain follows the daemon's files where its directory was found.
func (l *limiting) maintain(dir hostdir.Dir, found bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if found {
		l.follow(dir)
	}
	l.retire()
	current := l.current.Load()
	current.Tell()
	current.Following()
	l.finish(current)
	l.looked = true
}

// follow goes by what the daemon publishes in dir, and counts there.
func (l *limiting) follow(dir hostdir.Dir) {
	if dir != l.dir {
		l.dir = dir
		l.closePolicy()
	}
	err := l.readPolicy()
	if joining := l.join(); joining != nil && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		err = joining
	}
	l.tell(err)
}

// join counts in the file that is in its place now. One that is gone is used on while it is whole: the other processes
// do so, too. One that is damaged is given up.
func (l *limiting) join() error {
	former := l.current.Load()
	if former.Current(l.dir.Limits()) {
		return nil
	}
	next, err := limits.Join(l.dir.Limits(), l.config)
	if err == nil {
		err = next.Apply(l.rules.Load().Policy)
	}
	if err != nil {
		if former != l.alone && !former.Stats().Shared {
			l.replace(former, l.alone)
		}
		return err
	}
	if former != l.alone && former.Stats().Shared {
		if err := next.Follow(former); err != nil {
			l.log.Warn("headgate: for a moment processes do not see each other's requests in flight", "error", err)
		}
	}
	l.replace(former, next)
	l.log.Info("headgate: requests in flight are counted together with the host's other proxies", "path", l.dir.Limits())
	return nil
}

func (l *limiting) replace(former, next *limits.Limiter) {
	l.current.Store(next)
	if former != l.alone {
		l.retired = append(l.retired, former)
	}
}

// retire forgets limiters that have nothing in flight any more. What they counted is kept.
func (l *limiting) retire() {
	kept := l.retired[:0]
	for _, limiter := range l.retired {
		s := limiter.Stats()
		if limiter.GivenUp() {
			s.InFlight = 0
		}
		if s.InFlight > 0 {
			kept = append(kept, limiter)
		} else {
			addStats(&l.past, s)
		}
	}
	clear(l.retired[len(kept):])
	l.retired = kept
}

// readPolicy takes over what the daemon publishes. Without a daemon's files, and with a policy that makes no sense, what
// was there before stays.
func (l *limiting) readPolicy() error {
	if l.reader != nil {
		if replaced, err := l.reader.Replaced(); err == nil && replaced {
			l.closePolicy()
		}
	}
	if l.reader == nil {
		r, err := mmapsync.OpenReader(l.dir.Policy(), mmapsync.ReaderOptions{Slots: 1, Owners: l.config.Owners})
		if err != nil {
			return err
		}
		l.reader = r
	}
	snapshot, err := l.reader.Acquire()
	if errors.Is(err, mmapsync.ErrNotPublished) {
		return nil
	}
	if err != nil {
		return err
	}
	defer snapshot.Release()
	if snapshot.Version() == l.version {
		return nil
	}
	l.version = snapshot.Version()
	return l.takePolicy(snapshot.Bytes())
}

// takePolicy goes by a published policy. The empty one means that the proxies' own configuration holds.
func (l *limiting) takePolicy(text []byte) error {
	if len(text) == 0 || string(text) == "{}" {
		l.published.Store(false)
		own := l.own
		return l.apply(&own)
	}
	p, err := limits.ParsePolicy(text)
	if err == nil {
		err = l.apply(&p)
	}
	if err != nil {
		return err
	}
	l.published.Store(true)
	l.log.Info("headgate: the daemon's limits hold", "threshold", p.Threshold, "overrides", len(p.Overrides))
	return nil
}

// tell logs trouble once, not every second. That there is no daemon's directory is no trouble.
func (l *limiting) tell(err error) {
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		l.told = ""
	case err.Error() != l.told:
		l.told = err.Error()
		l.log.Warn("headgate: limits", "dir", string(l.dir), "error", err)
	}
}

// stats adds up all that this process has counted, wherever.
func (l *limiting) stats() limits.LimiterStats {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	current := l.current.Load()
	s := current.Stats()
	addStats(&s, l.past)
	for _, limiter := range l.retired {
		addStats(&s, limiter.Stats())
	}
	if current != l.alone {
		addStats(&s, l.alone.Stats())
	}
	return s
}

// addStats adds up what are counts.
func addStats(to *limits.LimiterStats, s limits.LimiterStats) {
	to.Admitted += s.Admitted
	for r := range to.Refused {
		to.Refused[r] += s.Refused[r]
	}
	to.InFlight += s.InFlight
	to.DoubleReleases += s.DoubleReleases
	to.Clipped += s.Clipped
	to.Faults += s.Faults
}

func (l *limiting) close() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.current.Load().Tell()
	return l.closePolicy()
}

// closePolicy ends the reading of the daemon's policy, which holds on.
func (l *limiting) closePolicy() error {
	if l.reader == nil {
		return nil
	}
	r := l.reader
	l.reader, l.version = nil, 0
	return r.Close()
}
