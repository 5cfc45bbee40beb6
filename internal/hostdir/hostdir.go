// Package hostdir names the files of a headgate directory, the one place that the daemon and the proxies of a host
// share, finds that directory, and says whether it may be trusted.
//
//	headgate.lock     marks the directory as headgate's; the daemon that owns it holds a lock on its first byte
//	features_*        the feature table (package mmapsync)
//	events/           one ring of events for each proxy process (package ring)
//	limits            what is in flight, counted by all proxy processes (package limits)
//	policy_*          thresholds and what else the limiters go by (package mmapsync)
//	checkpoint        the daemon's aggregation, as of the last minute (package window), unless it is kept elsewhere
//
// What it promises: [Dir.Check] refuses a directory that somebody who is not trusted owns or could exchange, and one in
// which he owns a file that proxies read. Who can write there decides what every proxy of the host refuses.
package hostdir

import (
	"os"
	"path/filepath"
)

// The directories that are looked for where none is named, in this order. Both lie in memory. Only root can make
// something in the first one's parent; in the second one's everybody can, so that it may be somebody else's.
const (
	Run    = "/run/headgate"
	Shared = "/dev/shm/headgate"
)

// State is the directory that a daemon keeps its checkpoints in where no directory is named at all, if it may. It
// outlives a boot.
const State = "/var/lib/headgate"

// Dir is a headgate directory.
type Dir string

// Lock is the marker and the daemon's lock.
func (d Dir) Lock() string { return filepath.Join(string(d), "headgate.lock") }

// Features is the path that the feature table is published under.
func (d Dir) Features() string { return filepath.Join(string(d), "features") }

// Limits is the file that all proxy processes count in.
func (d Dir) Limits() string { return filepath.Join(string(d), "limits") }

// Policy is the path that the limiters' policy is published under.
func (d Dir) Policy() string { return filepath.Join(string(d), "policy") }

// Events is the directory of the event rings.
func (d Dir) Events() string { return filepath.Join(string(d), "events") }

// StateLock is what the daemon holds a lock on in a directory that it keeps nothing but its checkpoints in.
func (d Dir) StateLock() string { return filepath.Join(string(d), "state.lock") }

// Checkpoint is the file of the daemon's last checkpoint.
func (d Dir) Checkpoint() string { return filepath.Join(string(d), "checkpoint") }

// Marked reports whether a daemon has made d its directory.
func (d Dir) Marked() bool {
	info, err := os.Lstat(d.Lock())
	return err == nil && info.Mode().IsRegular()
}
