package daemon

import "github.com/headgate/headgate/featurestore/window"

// OpenWithClock is Open with other clocks than the machine's.
func OpenWithClock(config Config, clock func() window.Instant) (*Daemon, error) {
	return open(config, clock)
}

// BootOf is bootOf.
var BootOf = bootOf

// OpenClock reads the machine's clocks.
var OpenClock = openClock
