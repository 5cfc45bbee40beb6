// Package hostdir names the files of a headgate directory, which the daemon and the proxies of a
// host share, finds that directory, and reports whether it may be trusted.
//
//	headgate.lock     marks the directory as headgate's; the daemon holds a lock on its first byte
//	features_*        the feature table (package mmapsync)
//	events/           one ring of events for each proxy process (package ring)
//	limits            what is in flight, counted by all proxy processes (package hostlimits)
//	policy_*          thresholds and the rest of the limiters' policy (package mmapsync)
//	checkpoint        the daemon's aggregation, as of the last minute (package window), unless
//	                  there is a directory for it
//
// What it promises: [Dir.Check] refuses a directory that a user who is not trusted owns or could
// exchange, and one in which such a user owns a file that proxies read. A user who can write there
// decides what every proxy of the host refuses.
package hostdir

import (
	"os"
	"path/filepath"
)

// The default directories, in this order. Both are in memory. Only root can make something in the
// parent of the first one; all users can in that of the second one, so it may belong to any of
// them.
const (
	Run    = "/run/headgate"
	Shared = "/dev/shm/headgate"
)

// State is the directory that a daemon keeps its checkpoints in if no directory is named at all, if
// it may. It outlives a boot.
const State = "/var/lib/headgate"

// Dir is a headgate directory.
type Dir string

// Lock returns the path of the marker and the daemon's lock.
func (d Dir) Lock() string { return filepath.Join(string(d), "headgate.lock") }

// Features returns the path that the feature table is published under.
func (d Dir) Features() string { return filepath.Join(string(d), "features") }

// Limits returns the path of the file that all proxy processes count in.
func (d Dir) Limits() string { return filepath.Join(string(d), "limits") }

// Policy returns the path that the limiters' policy is published under.
func (d Dir) Policy() string { return filepath.Join(string(d), "policy") }

// Events returns the directory of the event rings.
func (d Dir) Events() string { return filepath.Join(string(d), "events") }

// StateLock returns the path of the daemon's lock in a directory for nothing but its checkpoints.
func (d Dir) StateLock() string { return filepath.Join(string(d), "state.lock") }

// Checkpoint returns the path of the daemon's last checkpoint.
func (d Dir) Checkpoint() string { return filepath.Join(string(d), "checkpoint") }

// Marked reports whether a daemon has marked d.
func (d Dir) Marked() bool {
	info, err := os.Lstat(d.Lock())
	return err == nil && info.Mode().IsRegular()
}
