package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/app/daemon"
	"github.com/headgate/headgate/internal/host/hostlimits"
)

// runCommand is headgate run.
type runCommand struct {
	Dir        string        `help:"Directory shared with the proxies. Created if it does not exist. Default: /run/headgate if it exists and belongs to the daemon, otherwise /dev/shm/headgate." type:"path"`
	DirOwner   string        `help:"User, by name or number, who may own the directory, besides root and the current user." placeholder:"USER"`
	DirGroup   string        `help:"Group, by name or number, of the directory: its members may be proxies." placeholder:"GROUP"`
	StateDir   string        `help:"Directory for the checkpoints, on a disk. Created if it does not exist. Default: --dir if given, else /var/lib/headgate if that is writable." type:"path" placeholder:"DIR"`
	Listen     string        `help:"Loopback address for /metrics, /healthz and /readyz (default 127.0.0.1:9477). Empty for none." default:"127.0.0.1:9477" placeholder:"ADDR"`
	HostNames  []string      `help:"Names allowed as Host or Origin of requests to --listen, besides localhost and the addresses of this machine." placeholder:"NAME"`
	Interval   time.Duration `help:"Longest time between two publications; quick publications come more often, up to 20 a second." default:"1s"`
	Checkpoint time.Duration `help:"Longest time between two checkpoints of the aggregation; quick checkpoints come more often." default:"1m"`
	MaxKeys    int           `help:"Keys kept in each dimension (client addresses, networks, ...)." default:"131072"`
	Idle       time.Duration `help:"Time after which an idle key is dropped." default:"3h"`
	Limits     string        `help:"File with the connection limits of all proxies (JSON), read again when it changes. Default: each proxy's own." type:"path" placeholder:"FILE"`
	NewSeed    bool          `help:"Hash keys with a new seed: all clients lose their history, and keys shown by inspect before become invalid."`
	Proxies    int           `help:"Number of proxy processes that can share their counts of requests in flight." default:"32"`
}

// Help is shown by headgate run --help.
func (runCommand) Help() string {
	return `The daemon consumes the events of every proxy that uses the directory, folds them into features in sliding windows, and
publishes the features. It ends on SIGTERM or SIGINT after a last publication and checkpoint. On SIGHUP it reads the file of --limits again. It may be killed at any time: proxies
continue, and so does it when it is started again.

Examples:
  headgate run
  headgate run --limits limits.json
  headgate run --dir-group proxies
  headgate run --state-dir /var/lib/headgate
  headgate run --dir /dev/shm/edge --listen 127.0.0.1:9478 --max-keys 1000000
  curl http://127.0.0.1:9477/metrics`
}

// Run runs the daemon until ctx is done.
func (c *runCommand) Run(ctx context.Context, t *terminal) error {
	if c.MaxKeys <= 0 || c.Interval <= 0 || c.Checkpoint <= 0 || c.Idle <= 0 {
		return usageError{errors.New("run: --interval, --checkpoint, --max-keys and --idle must be above 0")}
	}
	if c.Proxies < 1 || c.Proxies > hostlimits.MaxProcesses {
		return fmt.Errorf("run: --proxies %d: want 1 to %d", c.Proxies, hostlimits.MaxProcesses)
	}
	hangups := make(chan os.Signal, 1) // from here on they do not end the process
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	d, err := daemon.Open(daemon.Config{
		Dir:        c.Dir,
		DirOwner:   c.DirOwner,
		DirGroup:   c.DirGroup,
		State:      c.StateDir,
		Listen:     c.Listen,
		HostNames:  c.HostNames,
		Interval:   c.Interval,
		Checkpoint: c.Checkpoint,
		Window:     window.Config{MaxKeys: c.MaxKeys, Idle: c.Idle},
		Limits:     hostlimits.KeeperConfig{Processes: c.Proxies},
		Policy:     c.Limits,
		NewSeed:    c.NewSeed,
		Log:        t.log,
	})
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case <-hangups:
				d.Reread()
			case <-ended:
				return
			}
		}
	}()
	return d.Run(ctx)
}
