package daemon

import (
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/window"
)

// OpenWithClock is Open with other clocks than the machine's.
func OpenWithClock(config Config, clock func() window.Instant) (*Daemon, error) {
	return open(config, clock)
}

// BootID is bootID.
var BootID = bootID

// OpenClock reads the machine's clocks.
var OpenClock = openClock

// ReplaceTable puts what wrap returns in the place of what daemons publish to, and wait in that of
// how long their end waits for a publication, until restore is called.
func ReplaceTable(wrap func(window.Table) window.Table, wait time.Duration) (restore func()) {
	former, waited := newTable, lastPublication
	newTable = func(p *featurestore.Publisher) window.Table { return wrap(former(p)) }
	lastPublication = wait
	return func() { newTable, lastPublication = former, waited }
}

// PauseAfter returns how long a publication's begin is ahead of the next one's if it took so long.
func PauseAfter(took, interval time.Duration) time.Duration {
	b := beat{interval: interval}
	b.done(took)
	return b.pause
}
