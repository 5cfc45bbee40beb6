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
	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/limits"
)

// limiting is the connection limiter. It decides which policy is in force: the daemon's, or this
// process's own if the daemon publishes none.
type limiting struct {
	process *hostlimits.Process
	tenant  func(*traffic.Event) string
	log     *slog.Logger

	published atomic.Bool // whether the policy is the daemon's

	mutex       sync.Mutex // guards the fields below
	own         hostlimits.Policy
	reader      policyReader
	lastProblem string // last problem logged
}

// init makes the limiter count in this process alone. A wrong setting is a *[limits.ConfigError].
func (l *limiting) init(owners []int, c Config) (err error) {
	l.tenant, l.log, l.reader.owners = c.Tenant, c.Log, owners
	l.own = hostlimits.Policy{
		Key:        c.LimitKey,
		Threshold:  c.Limits.Threshold,
		Overrides:  maps.Clone(c.Limits.Overrides),
		RetryAfter: hostlimits.Duration(c.Limits.RetryAfter),
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
	own := l.own
	l.process, err = hostlimits.NewProcess(hostlimits.Config{
		Threshold:  c.Limits.Threshold,
		ExactKeys:  c.Limits.ExactKeys,
		Sketch:     countmin.Size(c.Limits.Sketch),
		RetryAfter: c.Limits.RetryAfter,
		Owners:     owners,
	}, &own, l.log)
	return err
}

// admit admits a request at ev's origin or refuses it, with the result in a, which must be zero.
func (l *limiting) admit(a *limits.Admission, ev *traffic.Event, state *limits.TicketState) bool {
	var r hostlimits.Result
	ticket := (*hostlimits.Ticket)(&a.Ticket)
	ok := l.process.Admit(ticket, &r, (*hostlimits.TicketState)(state),
		l.tenantName(ev), ev.Origin, ev.Host, ev.Score)
	a.Estimate, a.Threshold = r.Estimate, r.Threshold
	a.Reason, a.RetryAfter = limits.Reason(r.Reason), r.RetryAfter
	return ok
}

func (l *limiting) tenantName(ev *traffic.Event) string {
	if l.tenant == nil {
		return ""
	}
	return l.tenant(ev)
}

// observes reports whether the wait for the origin of r must be measured.
func (f *Filter) observes(r *http.Request) bool {
	return f.limiting.process.Adapts() && (f.config.LongLived == nil || !f.config.LongLived(r))
}

// observe records a wait for an origin that has ended: with an answer unless failed is set, and
// with left if the request was abandoned.
func (f *Filter) observe(x *exchange, held *admission, failed, left bool) {
	if took, how, ok := x.result(failed, left); ok {
		f.limiting.observe(held.ticket, held.estimate, held.threshold, took, how)
	}
}

func (l *limiting) observe(t limits.Ticket, estimate uint64, threshold uint32,
	took time.Duration, how Ending) {
	l.process.Observe(hostlimits.Ticket(t), estimate, threshold, took, hostlimits.Ending(how))
}

// setThreshold changes this process's own policy.
func (l *limiting) setThreshold(ev *traffic.Event, n uint32) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	own := l.own
	if own.Overrides = maps.Clone(own.Overrides); own.Overrides == nil {
		own.Overrides = make(map[string]uint32)
	}
	key := own.AppendKey(nil, l.tenantName(ev), ev.Origin, ev.Host)
	if len(own.Key) == 0 && ev.Host != "" {
		key = hostlimits.AppendHostKey(nil, ev.Origin, ev.Host)
	}
	own.Overrides[string(key)] = n
	if err := own.Check(); err != nil {
		return err
	}
	l.own = own
	if l.published.Load() {
		return nil
	}
	return l.process.Apply(&own)
}

// maintain follows the daemon's files if its directory was found.
func (l *limiting) maintain(dir hostdir.Dir, found bool) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if found {
		err := l.readPolicy(dir)
		joining := l.process.Join(dir.Limits())
		if joining != nil && (err == nil || errors.Is(err, fs.ErrNotExist)) {
			err = joining
		}
		l.logProblem(dir, err)
	}
	l.process.Sync()
}

// readPolicy applies the policy that the daemon publishes in dir. The current policy stays if the
// daemon's files are missing, or its policy is invalid.
func (l *limiting) readPolicy(dir hostdir.Dir) error {
	text, changed, err := l.reader.read(dir)
	if err != nil || !changed {
		return err
	}
	if len(text) == 0 || string(text) == "{}" { // the proxies' own configuration is in force
		l.published.Store(false)
		own := l.own
		return l.process.Apply(&own)
	}
	p, err := hostlimits.ParsePolicy(text)
	if err == nil {
		err = l.process.Apply(&p)
	}
	if err != nil {
		return err
	}
	l.published.Store(true)
	l.log.Info("headgate: the daemon's limits hold",
		"threshold", p.Threshold, "overrides", len(p.Overrides))
	return nil
}

// logProblem logs a problem once, not every second. A missing directory of the daemon is not a
// problem.
func (l *limiting) logProblem(dir hostdir.Dir, err error) {
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist):
		l.lastProblem = ""
	case err.Error() != l.lastProblem:
		l.lastProblem = err.Error()
		l.log.Warn("headgate: limits", "dir", string(dir), "error", err)
	}
}

// stats returns the sums of this process's counts.
func (l *limiting) stats() limits.LimiterStats { return limits.LimiterStats(l.process.Stats()) }

func (l *limiting) close() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.process.Close()
	return l.reader.close()
}
