// Package demo runs all of headgate on one machine: the daemon as a child process, three origins of
// which one is slow, a reverse proxy with the filter linked in, and clients that send simulated
// traffic or a real access log through it as real HTTP. Everything listens on loopback only.
package demo

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// Config configures a demonstration. Executable is required: the headgate binary, whose run command
// is the daemon.
type Config struct {
	Executable string
	For        time.Duration // length of the simulated traffic; 0: until the context is done
	Seed       uint64        // of the simulated traffic
	Rate       float64       // of the simulated traffic, requests/s; 0: the simulator's default
	Log        io.Reader     // an access log to send instead, completely
	LogName    string        // the log's name in errors
	Speed      float64       // of the log: 2 is twice as fast as it was written; default 1
	MaxSilence time.Duration // cut silences of the log, in its time, to this; default 10 s
	MaxRate    float64       // most requests/s; default 1000, or twice Rate if that is more
	Threshold  uint32        // requests in flight for an origin; default 64
	Model      string        // model file; default: the built-in one
	Shadow     string        // file of a shadow model; default: none

	HeuristicsOff []string // HeuristicsOff is passed to proxyhook.Config.

	// Show, if not nil, is called twice a second.
	Show   func(Snapshot)
	Logger *slog.Logger
}

// Run runs the demonstration until its traffic ends or ctx is done, and returns its summary.
func Run(ctx context.Context, config Config) (_ Summary, err error) {
	if config.Threshold == 0 {
		config.Threshold = 64
	}
	if config.MaxRate == 0 {
		config.MaxRate = max(1000, 2*config.Rate)
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	load, err := config.load()
	if err != nil {
		return Summary{}, err
	}
	daemon, dir, err := config.startDaemon(ctx)
	if err != nil {
		return Summary{}, err
	}
	defer os.RemoveAll(dir)
	defer func() { err = errors.Join(err, daemon.stop()) }()
	filter, err := proxyhook.New(proxyhook.Config{
		Dir:            dir,
		ModelFile:      config.Model,
		ShadowFile:     config.Shadow,
		HeuristicsOff:  config.HeuristicsOff,
		TrustedProxies: loopback,
		Limits:         limits.LimiterConfig{Threshold: config.Threshold},
		OriginSilence:  20 * time.Second,
		ClientSilence:  20 * time.Second,
		Log:            config.Logger,
	})
	if err != nil {
		return Summary{}, err
	}
	defer filter.Close()
	site, err := startSite(filter)
	if err != nil {
		return Summary{}, err
	}
	defer site.stop()
	t := &tally{filter: filter, hasShadow: config.Shadow != "", kinds: make(map[string]*kindTally), origins: make(map[string]*originTally)}
	stopShowing := t.showEvery(500*time.Millisecond, config.Show)
	complete, err := newClients(site.proxyAddr, config.MaxRate, t).send(ctx, load, config.sendLimit())
	stopShowing()
	summary := t.summary(load.truthKnown())
	summary.CutShort = !complete && ctx.Err() == nil
	summary.Malformed = load.malformed()
	return summary, err
}

// sendLimit returns how long sending may take; 0: unlimited.
func (c *Config) sendLimit() time.Duration {
	if c.Log != nil {
		return 0
	}
	return c.For
}

// startDaemon starts the daemon with its own directory in memory. If that fails, for instance
// because a container's /dev/shm is too small, it uses the directory of temporary files.
func (c *Config) startDaemon(ctx context.Context) (*daemonProcess, string, error) {
	var lastErr error
	for _, parent := range []string{"/dev/shm", os.TempDir()} {
		dir, err := os.MkdirTemp(parent, "headgate-quickstart-")
		if err == nil {
			var p *daemonProcess
			if p, err = startDaemon(ctx, c.Executable, dir); err == nil {
				return p, dir, nil
			}
			os.RemoveAll(dir)
		}
		if ctx.Err() != nil {
			return nil, "", err
		}
		c.Logger.Warn("headgate: no place for the daemon's files", "dir", parent, "error", err)
		lastErr = err
	}
	return nil, "", lastErr
}
