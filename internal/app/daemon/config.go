package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"time"

	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/host/hostlimits"
)

// Config configures the daemon. The zero value uses the default directory without an HTTP listener.
type Config struct {
	Dir        string                  // default: as hostdir.Place finds or would make it
	State      string                  // of the checkpoints; default: Dir, or hostdir.State
	DirOwner   string                  // who may own the directory, besides root and us
	DirGroup   string                  // of the directory; empty: unchanged
	Listen     string                  // loopback address and port; empty: no listener
	HostNames  []string                // allowed hosts of HTTP requests; also this machine
	Interval   time.Duration           // longest time between publications, see beat; default 1 s
	Checkpoint time.Duration           // longest time between checkpoints; default 1 min
	Window     window.Config           // Workers: default half of the processors, at most 4
	Limits     hostlimits.KeeperConfig // size of the file that proxies count requests in flight in
	Policy     string                  // file of a hostlimits.Policy; empty: none
	NewSeed    bool                    // hash keys with a new seed, and drop all history
	Log        *slog.Logger            // default: slog.Default()
}

func (c *Config) setDefaults() error {
	if c.Interval == 0 {
		c.Interval = time.Second
	}
	if c.Checkpoint == 0 {
		c.Checkpoint = time.Minute
	}
	if c.Window.Workers == 0 { // the proxies need the other half, and few events need many workers
		c.Window.Workers = max(1, min(runtime.GOMAXPROCS(0)/2, 4))
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Interval < 10*time.Millisecond || c.Checkpoint < c.Interval {
		return fmt.Errorf("publications every %v and checkpoints every %v: at least 10ms, and checkpoints not more often than publications",
			c.Interval, c.Checkpoint)
	}
	names, err := checkNames(c.HostNames)
	if err != nil {
		return err
	}
	c.HostNames = names
	return checkLoopback(c.Listen)
}

// checkLoopback makes sure that the unauthenticated endpoints stay on this machine.
func checkLoopback(listen string) error {
	if listen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("listen address %q is not host:port", listen)
	}
	if addr, err := netip.ParseAddr(host); host == "localhost" || err == nil && addr.IsLoopback() {
		return nil
	}
	return fmt.Errorf("listen address %q is not a loopback address: use 127.0.0.1, [::1] or localhost", listen)
}
