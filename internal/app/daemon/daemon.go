package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/internal/host/ring"
	"github.com/headgate/headgate/mmapsync"
)

// Daemon owns a headgate directory. Run is its only goroutine, apart from those of the HTTP
// endpoints and those of package window that fold, publish and write checkpoints.
type Daemon struct {
	config     Config
	dir        *directory
	state      *state
	clock      func() window.Instant
	rings      *ring.Set
	aggregator *window.Aggregator
	publisher  *featurestore.Publisher
	output     output
	limiting   *limiting
	reporting  reporting

	beat        beat
	decoder     *traffic.Decoder
	event       traffic.Event
	observation traffic.Observation
	now         int64  // of the current round, nanoseconds since 1970 UTC
	folded      uint64 // events folded

	rebuiltFiles  uint64 // times that the files of the table were made again, as counted so far
	unlinkedRings uint64 // rings removed by others, as counted so far

	started time.Time
	reread  atomic.Bool // Reread was called

	mutex         sync.Mutex // guards the fields below
	stats         Stats
	troubles      troubles
	lastPublished time.Time // start of the last publication, with its monotonic reading; zero: none yet
}

// Stats holds the daemon's counts since it was started.
type Stats struct {
	Rings       ring.Stats
	Window      window.Stats
	Feed        window.FeedStats
	Undecodable uint64                 // events that are not msgp or not of this format
	Oversized   uint64                 // events with a part that was cut to its bound
	FutureTimes uint64                 // events from the future, given the time of their arrival
	ClockSteps  uint64                 // times that the clock was set by a second or more
	Refused     uint64                 // events of requests refused to protect an origin
	Publishes   uint64                 // publications
	Failed      uint64                 // publications and checkpoints that failed
	PublishTime time.Duration          // of the last publication
	Pause       time.Duration          // from its start until the next may start
	ImageBytes  int                    // of one copy of the table
	HTTPRefused uint64                 // rows evicted from the table, since it was built
	RowsEvicted uint64                 // rows evicted from the table since it was built
	Published   time.Time              // the last publication
	Limits      hostlimits.SharedStats // of all proxies together
	Troubles    []Trouble              // current troubles
	Trouble     string                 // the same on one line; empty: none

	FeatureSlots Slots // of readers of the table
	PolicySlots  Slots // of readers of the limiters' policy

	Remade [numFileSets]uint64 // times that files were made again after damage
}

// Slots holds the number of a registry's reader slots, and how many are taken.
type Slots struct{ Taken, All int }

func newSlots(s mmapsync.Stats) Slots { return Slots{s.SlotsTaken, s.Slots} }

// Open takes over a headgate directory, or makes it. The error names the directory or file and what
// to do.
func Open(config Config) (*Daemon, error) { return open(config, openClock()) }

func open(config Config, clock func() window.Instant) (_ *Daemon, err error) {
	if err := config.setDefaults(); err != nil {
		return nil, err
	}
	d := &Daemon{config: config, clock: clock, decoder: traffic.NewDecoder(), beat: beat{interval: config.Interval}, started: time.Now()}
	defer func() {
		if err != nil {
			d.close()
		}
		err = withRemedy(err)
	}()
	var tooMany error
	if d.aggregator, err = window.New(config.Window); err != nil {
		if config.Window.MaxKeys <= window.MaxMaxKeys {
			return nil, err
		}
		tooMany = err // report the missing room rather than this
	}
	if d.dir, err = openDirectory(config, nil); err != nil {
		return nil, err
	}
	for _, r := range d.dir.repaired {
		d.remade(r.set, r.path, r.why)
	}
	if err := cmp.Or(d.checkRoom(), tooMany); err != nil {
		return nil, err
	}
	if d.state, err = openState(config, d.dir.Dir); err != nil {
		return nil, err
	}
	d.config.Dir = string(d.dir.Dir)
	seed, err := d.seed()
	if err != nil {
		return nil, err
	}
	if d.publisher, err = featurestore.OpenPublisher(d.dir.Features(), d.aggregator.Schema(),
		featurestore.PublisherConfig{Capacity: d.aggregator.Capacity(), Seed: seed, Writer: mmapsync.WriterOptions{Repair: true}}); err != nil {
		return nil, err
	}
	d.noteRebuilds(d.publisher.Stats().Files)
	if d.rings, err = ring.OpenSet(d.dir.Events()); err != nil {
		return nil, err
	}
	if d.limiting, err = openLimiting(d.dir.Dir, config, d.remade); err != nil {
		return nil, err
	}
	d.output.feed = d.aggregator.NewFeed(newTable(d.publisher))
	return d, nil
}

// newTable returns the table to publish to. Tests replace it by a slower one.
var newTable = func(p *featurestore.Publisher) window.Table { return p }

// scanEvery is the longest time until the ring of a new proxy is found. A ring holds 4,096 events:
// 0.2 s at 20,000 a second.
const scanEvery = 100 * time.Millisecond

// Run serves until ctx is done, then publishes, writes a checkpoint and closes. It must be called
// only once.
func (d *Daemon) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, d.close()) }()
	stopHTTP, err := d.serveHTTP()
	if err != nil {
		return err
	}
	defer stopHTTP()
	watching, stopWatching := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer stopWatching()
	watchers.Go(func() { d.watch(watching) })
	d.config.Log.Info("headgate: daemon started", "dir", d.config.Dir)
	d.scanRings() // before anything slow, since waiting rings fill up
	const (
		idle    = 5 * time.Millisecond // longest wait of an event when there are few
		between = time.Millisecond     // the same while something is being written
	)
	now := time.Now()
	nextScan, nextLimits, nextCheckpoint := now.Add(scanEvery), now, now.Add(d.config.Interval)
	for ctx.Err() == nil {
		busy := d.consume()
		if d.reread.Swap(false) {
			d.readAgain()
		}
		now := time.Now()
		if !now.Before(nextScan) {
			d.scanRings()
			nextScan = nextAfter(nextScan, now, scanEvery)
		}
		if !now.Before(nextLimits) {
			d.keepLimits()
			nextLimits = nextAfter(nextLimits, now, d.config.Interval)
		}
		if d.beat.due(now, d.folded) {
			d.beginPublication()
			d.beat.start(now, d.folded)
		}
		if d.output.checkpointer == nil && !now.Before(nextCheckpoint) && d.checkpointable() {
			d.beginCheckpoint()
		}
		if took, done := d.stepCheckpoint(); done {
			nextCheckpoint = now.Add(d.pause(took))
		}
		switch writing := d.step(); {
		case busy:
		case writing:
			sleep(ctx, between)
		default:
			sleep(ctx, idle)
		}
	}
	d.finish()
	return nil
}

// finish folds the events in the rings, for a bounded time since proxies keep sending, and leaves a
// last publication and checkpoint. Later events wait in the rings for the next daemon.
func (d *Daemon) finish() {
	d.scanRings()
	for end := time.Now().Add(2 * time.Second); d.consume() && time.Now().Before(end); {
	}
	d.keepLimits()
	if !d.publishLast() {
		d.config.Log.Warn("headgate: the last publication took too long; proxies keep the previous one", "waited", lastPublication)
	}
	d.checkpoint()
	s := d.rings.Stats()
	d.config.Log.Info("headgate: daemon stopped", "events", s.Events, "dropped", s.Dropped, "lost", s.Lost+s.Damaged+s.Abandoned,
		"waiting", s.Backlog)
}

// nextAfter returns the next scheduled time, skipping missed ones.
func nextAfter(due, now time.Time, interval time.Duration) time.Time {
	due = due.Add(interval)
	if due.Before(now) {
		due = now.Add(interval)
	}
	return due
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// scanRings finds new and ended proxies.
func (d *Daemon) scanRings() {
	if !d.ours() {
		return
	}
	unreadable := readable(d.rings.Scan())
	rings := d.rings.Stats()
	ringless := d.reporting.check(rings.Rings, d.Stats().Limits.Processes, time.Now())
	d.report(scanning, d.dir.Events(), errors.Join(unreadable, d.dir.keepModes(), ringless, leftOut(rings)))
	if n := rings.Unlinked; n > d.unlinkedRings {
		d.config.Log.Warn("headgate: rings of living proxies were removed; the daemon reads them until the proxies make new ones",
			"path", d.dir.Events(), "rings", n-d.unlinkedRings)
		d.unlinkedRings = n
	}
}

// leftOut returns the trouble that rings are not read because there are too many files.
func leftOut(rings ring.Stats) error {
	if rings.Refused == 0 {
		return nil
	}
	return fmt.Errorf("%d files are ignored besides %d rings, since there are too many: remove files that are not rings, or run fewer proxy processes", rings.Refused, rings.Rings)
}

// keepLimits publishes the operator's limits if they have changed, and removes the requests of
// ended proxies from the counts.
func (d *Daemon) keepLimits() {
	if !d.ours() {
		return
	}
	reloading, keeping := d.limiting.reload(), d.limiting.maintain()
	inFlight := d.limiting.stats()
	d.count(func(s *Stats) { s.Limits, s.PolicySlots = inFlight, d.limiting.slots }) // the trouble refers to it
	d.report(policyReading, d.limiting.policyPath(), reloading)
	d.report(limitKeeping, d.dir.Limits(), keeping)
}

// Reread makes Run read the file of limits again. It may be called at any time, from any goroutine,
// also before Run.
func (d *Daemon) Reread() { d.reread.Store(true) }

// readAgain publishes the file as after a change, and logs that it was read.
func (d *Daemon) readAgain() {
	if d.config.Policy == "" {
		d.config.Log.Info("headgate: limits not read again, since --limits is not set; each proxy uses its own")
		return
	}
	err := d.limiting.reread()
	d.report(policyReading, d.limiting.policyPath(), err)
	if err == nil {
		d.config.Log.Info("headgate: limits read again", "path", d.config.Policy)
	} else {
		d.config.Log.Error("headgate: limits read again, the previous policy stays in force", "path", d.config.Policy, "error", err)
	}
}

// consume folds a bounded number of events and reports whether there may be more.
func (d *Daemon) consume() bool {
	const round = 4096
	d.now = d.readClock()
	return d.rings.Poll(round, d.fold) == round
}

// readClock returns the time of the wall clock. If the clock was set since the last call, the
// aggregation is shifted with it.
func (d *Daemon) readClock() (wall int64) {
	now := d.clock()
	if set := d.aggregator.Clock(now); set != 0 {
		d.count(func(s *Stats) { s.ClockSteps++ })
		d.config.Log.Warn("headgate: the clock was set; the clients' history was shifted with it", "by", set, "to", time.Unix(0, now.Wall).UTC())
	}
	return now.Wall
}

// fold folds the bytes of one event, which are untrusted.
func (d *Daemon) fold(payload []byte) {
	ev := &d.event
	if err := d.decoder.Decode(payload, ev); err != nil {
		d.count(func(s *Stats) { s.Undecodable++ })
		return
	}
	if ev.Bound() {
		d.count(func(s *Stats) { s.Oversized++ })
	}
	ev.Time = max(ev.Time, 0)
	if ev.Time-int64(traffic.MaxAhead) > d.now {
		d.now = d.readClock() // the process may have been stopped within a round
	}
	if ev.ClipTime(d.now, traffic.MaxAhead) {
		d.count(func(s *Stats) { s.FutureTimes++ })
	}
	if ev.Refused {
		d.count(func(s *Stats) { s.Refused++ })
	}
	traffic.Observe(ev, d.publisher.Seed(), &d.observation)
	d.observation.ClipOpen(d.now)
	d.aggregator.Add(&d.observation)
	d.folded++
}

func (d *Daemon) count(change func(*Stats)) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	change(&d.stats)
}

// pause returns the time until the next checkpoint. Quick checkpoints are written often, so that a
// kill loses little. They take at most a hundredth of the daemon's time, unless Config.Checkpoint
// demands more.
func (d *Daemon) pause(took time.Duration) time.Duration {
	return min(max(100*took, d.config.Interval), d.config.Checkpoint)
}

// withRemedy adds what to do about a full file system, as in a container with a small /dev/shm.
func withRemedy(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w; make room there, name a directory on another file system with --dir, or keep fewer keys with --max-keys", err)
	}
	return err
}

// Stats returns the counts as of the last publication.
func (d *Daemon) Stats() Stats {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.stats
}

func (d *Daemon) close() error {
	if d.output.feed != nil && d.output.feed.Running() { // publishLast gave up waiting for it
		go func() {
			d.output.feed.Close()
			d.publisher.Close()
			d.dir.close()
		}()
		return errors.Join(d.rings.Close(), d.limiting.close(), d.state.close())
	}
	var errs []error
	if d.output.feed != nil {
		d.output.feed.Close()
	}
	if d.rings != nil {
		errs = append(errs, d.rings.Close())
	}
	if d.publisher != nil {
		errs = append(errs, d.publisher.Close())
	}
	if d.limiting != nil {
		errs = append(errs, d.limiting.close())
	}
	if d.state != nil {
		errs = append(errs, d.state.close())
	}
	if d.dir != nil {
		errs = append(errs, d.dir.close())
	}
	return errors.Join(errs...)
}
