package daemon

import (
	"strings"

	"github.com/headgate/headgate/mmapsync"
)

// fileSet is what somebody can remove under a living daemon, which then makes it again. Its name is a label of
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

// remade counts and logs what was made again. Why is what was found, where that is known.
func (d *Daemon) remade(set fileSet, path string, why error) {
	d.count(func(s *Stats) { s.Remade[set]++ })
	attributes := []any{"what", set.String(), "path", path}
	if why != nil {
		found, _, _ := strings.Cut(why.Error(), "; remedy:") // there is nothing left to do
		attributes = append(attributes, "found", found)
	}
	d.config.Log.Warn("headgate: files were removed or damaged, and are made again", attributes...)
}

// ours makes again what somebody has removed of the directory, and reports whether it is ours. It is called right before
// anything is made there by its name: while the directory is somebody else's, or cannot be made, nothing is written
// there, and what proxies have mapped stays as it is.
func (d *Daemon) ours() bool {
	remade, err := d.dir.keep(d.config)
	d.report(owning, string(d.dir.Dir), err)
	for _, set := range remade {
		d.remade(set, string(d.dir.Dir), nil)
	}
	return err == nil
}

// noteRebuilds counts and logs what the publisher has found damaged.
func (d *Daemon) noteRebuilds(files mmapsync.Stats) {
	for ; d.rebuilt < files.Rebuilds; d.rebuilt++ {
		d.remade(featureFiles, d.dir.Features(), files.Damage)
	}
}
