package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/mmapsync"
)

// noPolicy makes each proxy use its own configuration.
const noPolicy = "{}"

// limiting is the daemon's part in the connection limits: it owns the file that the proxies count
// in, removes the requests of dead proxies from it, and publishes the operator's policy. Proxies
// keep counting without it.
type limiting struct {
	dir    hostdir.Dir
	config hostlimits.KeeperConfig
	file   *policyFile // nil: the operator has named none
	log    *slog.Logger

	keeper  *hostlimits.Keeper
	writer  *mmapsync.Writer
	current []byte   // the policy in force; nil: none yet
	keys    []string // keys with their own threshold
	pinned  *hostlimits.Keeper

	onRemade       func(fileSet, string, error) // called for files that were made again
	policyRebuilds uint64                       // rebuilds of the policy's files so far

	damage    *hostlimits.DamageError // last damage found; nil: none, or long ago
	damagedAt time.Time
	clipped   uint64 // as counted so far
	slots     Slots  // of the policy's readers
}

// openLimiting opens the files or makes them. Here an invalid policy is an error, which the
// operator sees; later an invalid policy leaves the current one in force.
func openLimiting(dir hostdir.Dir, config Config, remade func(fileSet, string, error)) (*limiting, error) {
	l := &limiting{dir: dir, config: config.Limits, log: config.Log, onRemade: remade}
	l.config.Owners = []int{os.Geteuid()}
	if config.Policy != "" {
		l.file = &policyFile{path: config.Policy}
	}
	if err := l.open(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *limiting) open() (err error) {
	if l.keeper, err = hostlimits.OpenKeeper(l.dir.Limits(), l.config); err != nil {
		return err
	}
	if damage := l.keeper.Damage(); damage != nil {
		l.onRemade(limitsFile, l.dir.Limits(), damage)
	}
	if l.writer, err = mmapsync.OpenWriter(l.dir.Policy(), mmapsync.WriterOptions{Repair: true}); err != nil {
		return err
	}
	return l.reload()
}

// maintain does the work on the limits file that is due about once a second.
func (l *limiting) maintain() error {
	if !l.keeper.Intact() {
		l.current = nil // the whole directory may be gone
		l.keeper.Close()
		next, err := hostlimits.OpenKeeper(l.dir.Limits(), l.config)
		if err != nil {
			return err
		}
		l.keeper = next
		l.onRemade(limitsFile, l.dir.Limits(), next.Damage())
	}
	reaping := l.reap()
	renewing := l.renew()
	var pinning error
	if l.pinned != l.keeper {
		if _, pinning = l.keeper.Pin(l.keys); pinning == nil {
			l.pinned = l.keeper
		}
	}
	return errors.Join(reaping, renewing, pinning)
}

// reap lets the keeper free what belongs to no process. Damage that it repaired stays trouble for a
// while, so that operators notice it.
func (l *limiting) reap() error {
	_, err := l.keeper.Reap()
	var damage *hostlimits.DamageError
	if errors.As(err, &damage) {
		l.damage, l.damagedAt, l.pinned = damage, time.Now(), nil
	} else if err != nil {
		return err
	}
	clipped := l.stats().Clipped
	if clipped > l.clipped {
		l.damage, l.damagedAt = &hostlimits.DamageError{Path: l.dir.Limits(), Reason: fmt.Sprintf(
			"%d requests ended that were not counted any more: an unknown process has written to the file (find out which program of the group did it)",
			clipped-l.clipped)}, time.Now()
	}
	l.clipped = clipped
	if l.damage != nil && time.Since(l.damagedAt) < damageFor {
		return l.damage
	}
	l.damage = nil
	return nil
}

// damageFor is how long damage of the file stays trouble. Tests change it.
var damageFor = time.Minute

// renewAfter is the age at which the file is replaced by another one with a new secret for the
// keys' hash. Tests change it.
var renewAfter = 24 * time.Hour

// renew replaces an old file. Clocks may be set back: a file from the future counts as old too.
func (l *limiting) renew() error {
	made, err := l.keeper.Created()
	if age := time.Since(made); err != nil || age >= 0 && age < renewAfter {
		return err
	}
	renewed, err := l.keeper.Renew()
	if renewed {
		l.pinned = nil
	}
	return err
}

// reload publishes the operator's file if it has changed or the published policy is lost.
func (l *limiting) reload() error {
	defer l.noteRebuilds()
	if l.file == nil {
		return l.publish([]byte(noPolicy))
	}
	looking := l.file.check()
	if l.file.text == nil {
		return looking
	}
	return errors.Join(looking, l.publish(l.file.text))
}

func (l *limiting) noteRebuilds() {
	files := l.writer.Stats()
	l.slots = newSlots(files)
	for ; l.policyRebuilds < files.Rebuilds; l.policyRebuilds++ {
		l.onRemade(policyFiles, l.dir.Policy(), files.Damage)
	}
}

// reread reads the operator's file even if it has not changed, and publishes it.
func (l *limiting) reread() error {
	if l.file != nil {
		l.file.forget()
	}
	return l.reload()
}

// policyPath returns the path of the policy for people: the operator's file, or the published one.
func (l *limiting) policyPath() string {
	if l.file != nil {
		return l.file.path
	}
	return l.dir.Policy()
}

// publish checks a policy and publishes it; every proxy applies it within about a second.
func (l *limiting) publish(text []byte) error {
	if l.current != nil && bytes.Equal(text, l.current) {
		return l.writer.Check()
	}
	p, warnings, err := hostlimits.CheckPolicy(text)
	if err != nil {
		return err
	}
	if _, err := l.writer.Publish(text); err != nil {
		return err
	}
	l.warn(warnings)
	l.current = bytes.Clone(text)
	l.keys, l.pinned = slices.Sorted(maps.Keys(p.Overrides)), nil
	return nil
}

// maxWarnings bounds what is logged about one policy; headgate limits check prints all warnings.
const maxWarnings = 10

func (l *limiting) warn(warnings []hostlimits.Warning) {
	for _, w := range warnings[:min(len(warnings), maxWarnings)] {
		l.log.Warn("headgate: policy of limits", "path", l.policyPath(), "override", w.Key, "problem", w.Reason)
	}
	if n := len(warnings) - maxWarnings; n > 0 {
		l.log.Warn("headgate: policy of limits: more overrides are odd; see headgate limits check", "path", l.policyPath(), "more", n)
	}
}

// stats returns what all proxies have counted together.
func (l *limiting) stats() hostlimits.SharedStats {
	r, err := l.keeper.Report(0)
	if err != nil {
		return hostlimits.SharedStats{} // the next round reports the damage and makes another file
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
