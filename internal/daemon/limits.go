package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"

	"github.com/headgate/headgate/internal/hostdir"
	"github.com/headgate/headgate/internal/opfile"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/mmapsync"
)

// maxPolicyFile is the largest policy, in bytes, that limits.ParsePolicy accepts.
const maxPolicyFile = 16 << 20

// noPolicy leaves the limits to each proxy's own configuration.
const noPolicy = "{}"

// limiting is the daemon's part in the connection limits: it owns the file that the proxies count in, takes out of it
// what dead proxies had in flight, and publishes the operator's policy. Proxies count on without it.
type limiting struct {
	dir    hostdir.Dir
	config limits.KeeperConfig
	path   string // of the operator's file; empty: none
	log    *slog.Logger

	keeper    *limits.Keeper
	writer    *mmapsync.Writer
	read      fs.FileInfo // the operator's file when it was read last
	published []byte      // what holds; nil: nothing yet
	keys      []string    // that have a threshold of their own
	pinned    *limits.Keeper
}

// openLimiting opens the files or makes them. A policy that makes no sense is an error here, where somebody sees it;
// later ones leave the policy before them in force.
func openLimiting(dir hostdir.Dir, config limits.KeeperConfig, path string, log *slog.Logger) (*limiting, error) {
	l := &limiting{dir: dir, config: config, path: path, log: log}
	if err := l.open(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *limiting) open() (err error) {
	if l.keeper, err = limits.OpenKeeper(l.dir.Limits(), l.config); err != nil {
		return err
	}
	if l.writer, err = mmapsync.OpenWriter(l.dir.Policy(), mmapsync.WriterOptions{}); err != nil {
		return err
	}
	return l.reload()
}

// maintain does what is to be done about once a second.
func (l *limiting) maintain() error {
	lost := !l.keeper.Whole()
	if lost { // perhaps with the whole directory
		l.published, l.read = nil, nil
	}
	err := l.reload()
	if lost {
		l.keeper.Close()
		next, opening := limits.OpenKeeper(l.dir.Limits(), l.config)
		if opening != nil {
			return errors.Join(err, opening)
		}
		l.keeper = next
	}
	_, reaping := l.keeper.Reap()
	var pinning error
	if l.pinned != l.keeper {
		if _, pinning = l.keeper.Pin(l.keys); pinning == nil {
			l.pinned = l.keeper
		}
	}
	return errors.Join(err, reaping, pinning)
}

// reload publishes the operator's file where it has changed.
func (l *limiting) reload() error {
	if l.path == "" {
		return l.publish([]byte(noPolicy))
	}
	info, err := os.Stat(l.path)
	if err != nil {
		l.read = nil // a file that takes its place is read even if it looks the same
		return fmt.Errorf("policy of limits: %w", err)
	}
	if l.read != nil && os.SameFile(info, l.read) && info.ModTime().Equal(l.read.ModTime()) && info.Size() == l.read.Size() {
		return l.writer.Check()
	}
	text, err := opfile.Read(l.path, maxPolicyFile)
	if err != nil {
		return fmt.Errorf("policy of limits: %w", err)
	}
	if err := l.publish(text); err != nil {
		return fmt.Errorf("policy of limits: %s: %w", l.path, err)
	}
	l.read = info
	return nil
}

// publish checks a policy and makes it hold in every proxy, within about a second.
func (l *limiting) publish(text []byte) error {
	if l.published != nil && bytes.Equal(text, l.published) {
		return l.writer.Check()
	}
	p, warnings, err := limits.CheckPolicy(text)
	if err != nil {
		return err
	}
	if _, err := l.writer.Publish(text); err != nil {
		return err
	}
	l.warn(warnings)
	l.published = bytes.Clone(text)
	l.keys, l.pinned = slices.Sorted(maps.Keys(p.Overrides)), nil
	return nil
}

// maxWarnings bounds what is logged about one policy; headgate limits check prints all.
const maxWarnings = 10

func (l *limiting) warn(warnings []limits.Warning) {
	for _, w := range warnings[:min(len(warnings), maxWarnings)] {
		l.log.Warn("headgate: policy of limits", "path", l.path, "override", w.Key, "problem", w.Reason)
	}
	if n := len(warnings) - maxWarnings; n > 0 {
		l.log.Warn("headgate: policy of limits: more overrides are odd; see headgate limits check", "path", l.path, "more", n)
	}
}

// stats tells what all proxies have counted together.
func (l *limiting) stats() limits.SharedStats {
	r, err := l.keeper.Report(0)
	if err != nil {
		return limits.SharedStats{} // the next round tells what is wrong and makes another file
	}
	return r.SharedStats
}

func (l *limiting) close() error {
	var errs []error
	if l.keeper != nil {
		errs = append(errs, l.keeper.Close())
	}
	if l.writer != nil {
		errs = append(errs, l.writer.Close())
	}
	return errors.Join(errs...)
}
