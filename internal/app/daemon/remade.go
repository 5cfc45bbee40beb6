package daemon

import (
	"strings"

	"github.com/headgate/headgate/mmapsync"
)

// fileSet is a set of files that the daemon makes again if they are removed. Its name is a label of
// headgate_files_remade_total.
type fileSet int

const (
	wholeDirectory fileSet = iota
	markerFile
	eventsDirectory
	featureFiles
	policyFiles
	limitsFile
	numFileSets
)

var fileSetNames = [numFileSets]string{"directory", "marker", "events", "features", "policy", "limits"}

// String returns the set's name.
func (s fileSet) String() string { return fileSetNames[s] }

// remade counts and logs what was made again. why is what was found, if known.
func (d *Daemon) remade(set fileSet, path string, why error) {
	d.count(func(s *Stats) { s.Remade[set]++ })
	attributes := []any{"what", set.String(), "path", path}
	if why != nil {
		found, _, _ := strings.Cut(why.Error(), "; remedy:") // the remedy is no longer needed
		attributes = append(attributes, "found", found)
	}
	d.config.Log.Warn("headgate: files were removed or damaged, and were made again", attributes...)
}

// ours restores removed parts of the directory, and reports whether it belongs to this daemon. It
// must be called right before anything is made there by name: while the directory belongs to
// someone else or cannot be made, nothing is written there, and what proxies have mapped stays
// unchanged.
func (d *Daemon) ours() bool {
	remade, err := d.dir.keep(d.config)
	d.report(owning, string(d.dir.Dir), err)
	for _, set := range remade {
		d.remade(set, string(d.dir.Dir), nil)
	}
	return err == nil
}

// noteRebuilds counts and logs damage that the publisher found.
func (d *Daemon) noteRebuilds(files mmapsync.Stats) {
	for ; d.rebuiltFiles < files.Rebuilds; d.rebuiltFiles++ {
		d.remade(featureFiles, d.dir.Features(), files.Damage)
	}
}
