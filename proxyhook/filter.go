package proxyhook

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/limits"
)

// Filter decides, admits and reports. A proxy process has one; all methods are safe for concurrent
// use.
type Filter struct {
	config    Config
	home      home
	limiting  limiting
	rules     heuristics.Rules
	features  features   // and the models, which they must fit
	replacing sync.Mutex // held from the check of a model until it is used
	files     []*modelFile
	shadow    *shadow
	reporter  reporter
	open      *openTable
	counters  counters
	callbacks callbacks
	panicked  sync.Once // for the log
	secret    uint64    // see Sums

	started  time.Time
	lastStep lastStep
	stop     chan struct{}
	stopped  sync.WaitGroup
	closing  sync.Once
	closeErr error // result of Close
}

// New returns a Filter. The daemon need not run, and its directory need not exist: both are checked
// every second. An error is one of the configuration.
func New(config Config) (*Filter, error) {
	config.setDefaults()
	if err := config.checkProxies(); err != nil {
		return nil, fmt.Errorf("proxyhook: %w", err)
	}
	rules, err := heuristics.New(config.HeuristicsOff)
	if err != nil {
		return nil, fmt.Errorf("proxyhook: HeuristicsOff: %w", err)
	}
	model, file, err := config.loadModel()
	if err == nil {
		err = checkModel(model, config.BotClass)
	}
	if err != nil {
		return nil, fmt.Errorf("proxyhook: model: %w", err)
	}
	if config.BotClass == "" {
		config.BotClass, _ = model.PositiveClass()
	}
	scoring, err := newScoring(model, nil)
	if err != nil {
		return nil, fmt.Errorf("proxyhook: model: %w", err)
	}
	owners, err := hostdir.NewOwners(config.DirOwner)
	if err != nil {
		return nil, fmt.Errorf("proxyhook: DirOwner: %w", err)
	}
	f := &Filter{started: time.Now(), secret: rand.Uint64(), open: new(openTable), stop: make(chan struct{})}
	f.callbacks.guard(&config)
	f.config, f.rules = config, rules
	f.home.place, f.home.log = hostdir.Place{Path: config.Dir, Owners: owners}, config.Log
	f.features.owners, f.features.log = owners, config.Log
	f.shadow = newShadow(config)
	f.reporter.log = config.Log
	f.features.current.Store(&binding{scoring: scoring})
	if err := f.limiting.init(owners, config); err != nil {
		return nil, fmt.Errorf("proxyhook: %w", err)
	}
	f.maintain()
	f.openFiles(file)
	f.stopped.Go(f.supervise)
	if len(f.files) > 0 {
		f.stopped.Go(f.watch)
	}
	return f, nil
}

// Decide scores the request that ev describes and lets the policy decide on it. It also stores
// score and action in ev. ev.Time is the time to read the features for; if it is 0, Decide sets it
// to now.
func (f *Filter) Decide(ev *traffic.Event) (d Decision) {
	start := time.Now()
	if ev.Time == 0 {
		ev.Time = start.UnixNano()
	}
	f.decide(ev, &d)
	ev.Score, ev.Action = d.Score, uint8(d.Action)
	f.counters.count(d, time.Since(start))
	return d
}

// decide runs where a truncated file causes a panic instead of ending the process. The features are
// then not read until the supervisor has checked them, and the request is allowed. decide never
// panics.
func (f *Filter) decide(ev *traffic.Event, d *Decision) {
	from := f.features.current.Load()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer f.rescue(from, d)
	s := from.scoring.pool.Get().(*scratch)
	known := from.prefetchKeys(&s.keys, ev)
	from.scoring.vector.FillRequest(s.inputs, ev)
	from.prefetchRows(s, known)
	d.Finding = f.rules.Request(ev)
	f.readFeatures(from, s, known, ev.Time)
	history := from.scoring.places.History(s.inter)
	d.Finding = f.rules.WithHistory(d.Finding, ev, &history)
	from.scoring.vector.FillInter(s.inputs, s.inter)
	score, shadow := from.scoring.evaluate(s)
	from.scoring.pool.Put(s)
	score, shadow = d.Finding.Bound(score), d.Finding.Bound(shadow)
	f.judge(ev, score, d)
	if from.scoring.shadow != nil || f.shadow.hasOwnPolicy {
		f.shadow.compare(ev, *d, from.scoring, shadow)
	}
}

// judge calls the policy. It must not be called without a score.
func (f *Filter) judge(ev *traffic.Event, score uint8, d *Decision) {
	if score == 0 {
		d.Reason = NotScored
		return
	}
	d.Score = score
	if d.Action = f.config.Policy.Judge(ev, score); d.Action >= numActions {
		d.Action = Allow
	}
}

// rescue completes a decision that met a memory fault or a panic of the policy: the request is
// allowed. The first panic of the policy is logged.
func (f *Filter) rescue(from *binding, d *Decision) {
	fault := recover()
	if fault == nil {
		return
	}
	*d = Decision{Action: Allow, Score: d.Score, Reason: PolicyFailed, Finding: d.Finding}
	if _, ok := fault.(interface{ Addr() uintptr }); ok {
		*d = Decision{Action: Allow, Reason: FaultCaught}
		f.features.distrust(from)
		f.counters.faults.Add(1)
		return
	}
	f.panicked.Do(func() {
		f.config.Log.Error("headgate: the policy panicked; its requests are allowed", "panic", fault, "stack", string(debug.Stack()))
	})
}

// readFeatures reads the features of s.keys, if these are known, as of now on the wall clock.
func (f *Filter) readFeatures(from *binding, s *scratch, known bool, now int64) {
	if known {
		now = f.features.clock.at(now)
		info, err := from.selection.ReadAhead(&s.ahead, s.inter, s.keys[:], now)
		if err == nil {
			if now-info.Published > int64(f.config.StaleAfter) {
				f.counters.stale.Add(1)
			}
			return
		}
	}
	for i := range s.inter {
		s.inter[i] = nan
	}
	f.counters.noFeatures.Add(1)
}

// Admit requests a ticket for the origin of a request, once the origin is known. state is the
// caller's memory for the ticket (see limits.TicketState). If ok, the admission's ticket must be
// released when the request has ended, by Done or directly; if not, there is nothing to release and
// the admission has the reason.
func (f *Filter) Admit(ev *traffic.Event, origin string, state *limits.TicketState) (a limits.Admission, ok bool) {
	ev.Origin = origin
	ok = f.limiting.admit(&a, ev, state)
	ev.Refused = !ok
	return a, ok
}

// Observe records how long an admitted request waited for its origin: from its last byte, or from
// the last wait for the client, to the first byte of the answer (not of an interim response, 1xx),
// or until the wait ended otherwise. An adaptive policy of limits follows these times; without one
// Observe does nothing. It is for proxies that call Admit and Done themselves, once for each
// admission, before or after Done, and not for requests that are long by design, such as long
// polls: Handler and Transport observe what goes through them.
func (f *Filter) Observe(a *limits.Admission, took time.Duration, how Ending) {
	f.limiting.observe(a.Ticket, a.Estimate, a.Threshold, took, how)
}

// Done ends a request: it releases the ticket, which may be the zero Ticket, and reports the event
// to the daemon. If ev.Duration is 0, Done sets it by the wall clock, corrected by the steps of
// that clock; it also sets ev.Time for a request without a decision. ev belongs to the caller again
// when Done returns.
func (f *Filter) Done(ev *traffic.Event, ticket limits.Ticket) {
	hostlimits.Ticket(ticket).Done() // as ticket.Done, without a call between
	if ev.Time == 0 {
		ev.Time = time.Now().UnixNano()
	} else if ev.Duration == 0 {
		now := time.Now()
		ev.Duration = f.lastStep.duration(now.UnixNano()-ev.Time, int64(now.Sub(f.started)))
	}
	if f.tryReport(ev) {
		f.counters.events.Add(1)
	} else {
		f.counters.dropped.Add(1)
	}
}

// tryReport guards against a truncated ring, as decide does.
func (f *Filter) tryReport(ev *traffic.Event) (ok bool) {
	to := f.reporter.current.Load()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			f.counters.faults.Add(1)
			f.reporter.distrust(to)
			ok = false
		}
	}()
	f.Sums().Bound(ev)
	return report(to, ev)
}

// SetThreshold changes how many requests may be in flight for an origin or, if host is not empty,
// for a host within it, which is then bounded in addition to the origin. It applies to later
// requests while the daemon publishes no policy. The host may be written as in a request, in any
// case and with or without a port.
func (f *Filter) SetThreshold(origin, host string, n uint32) error {
	return f.limiting.setThreshold(&traffic.Event{Host: host, Origin: origin}, n)
}

// Sums returns the hashes of the parts of an event that it does not keep whole, under this
// installation's secret, for proxies that fill events themselves. While no daemon's table can be
// read, and events reach no daemon, it uses its own secret.
func (f *Filter) Sums() traffic.Sums {
	if c := f.features.current.Load(); c.store != nil {
		if seed, ok := c.selection.LastSeed(); ok {
			return traffic.NewSums(seed)
		}
	}
	return traffic.NewSums(f.secret)
}

// Features returns the full names of the inputs of the active model.
func (f *Filter) Features() []string { return featureNames(f.scoring().active.Features()) }

// superviseEvery is the time between two checks of the daemon's files, and warmEvery how long a
// request may meet a new file that is not mapped yet. Tests change both.
var (
	superviseEvery = time.Second
	warmEvery      = 10 * time.Millisecond
)

// supervise maintains what the daemon's files are used for, so that the request path need not.
func (f *Filter) supervise() {
	tick, warm, tell := time.NewTicker(superviseEvery), time.NewTicker(warmEvery), time.NewTicker(reportEvery)
	defer tick.Stop()
	defer warm.Stop()
	defer tell.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-tick.C:
			f.maintain()
		case <-warm.C:
			f.warm()
		case <-tell.C:
			f.attempt(f.reportOpen)
		}
	}
}

// warm prepares a new publication before most requests meet it, and checks the clocks.
func (f *Filter) warm() {
	now := time.Now()
	wall, running := now.UnixNano(), int64(now.Sub(f.started))
	f.lastStep.look(wall, running)
	c := f.features.current.Load()
	if c.store == nil {
		return
	}
	published, ok := int64(0), false
	if !survived(func() { published, ok = c.store.Warm() }) {
		f.features.distrust(c)
		f.counters.faults.Add(1)
	} else if ok {
		f.features.clock.see(published, wall, running)
	}
}

func (f *Filter) maintain() {
	dir, found := f.home.find()
	if found {
		f.attempt(func() { f.features.maintain(dir) })
	}
	f.attempt(func() { f.reporter.maintain(dir, found) })
	f.attempt(func() { f.limiting.maintain(dir, found) })
}

// attempt runs work and counts a fault in it.
func (f *Filter) attempt(work func()) {
	if !survived(work) {
		f.counters.faults.Add(1)
	}
}

// survived runs what may meet a truncated file outside of the request path, and reports whether it
// completed. Nothing that the supervisor does is worth the proxy's life, so it catches any panic.
func survived(work func()) (ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { ok = recover() == nil }()
	work()
	return true
}

// Close closes the filter. Later decisions have no features, their events are dropped, and open
// tickets can still be released. Closing again returns the same result.
func (f *Filter) Close() error {
	f.closing.Do(func() {
		close(f.stop)
		f.stopped.Wait()
		f.closeErr = errors.Join(f.features.close(), f.reporter.close(), f.limiting.close())
	})
	return f.closeErr
}

var nan = float32(math.NaN())
