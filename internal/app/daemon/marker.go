package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/headgate/headgate/internal/base/mmap"
)

// markerError reports an invalid marker, or one of another release.
type markerError struct{ reason string }

func (e *markerError) Error() string { return e.reason + "; name another directory with --dir" }

// otherFormat reports the marker of another release. That is not damage: the files may have another
// meaning.
var otherFormat = regexp.MustCompile(`^headgate directory, format [0-9]+\n$`)

// checkMarker returns what is wrong with the marker: nil if a daemon can lock it or has locked it,
// and an error that wraps fs.ErrNotExist if there is none.
func (d *directory) checkMarker() error {
	if irregular, err := mmap.Irregular(d.Lock()); err != nil || irregular {
		if irregular {
			err = &markerError{d.Lock() + " is not a regular file"}
		}
		return err
	}
	lock, err := mmap.OpenRegular(d.Lock(), mmap.ReadWrite)
	if err != nil {
		return err
	}
	defer lock.Close()
	content := make([]byte, len(marker)+1)
	n, _ := lock.ReadAt(content, 0)
	found := string(content[:n])
	locked := mmap.LockByte(lock, 0)
	switch {
	case found == marker && errors.Is(locked, mmap.ErrLocked) && mmap.ReadLocked(lock, 0):
		return &markerError{"somebody who only reads " + d.Lock() + " has locked it"}
	case found == marker, errors.Is(locked, mmap.ErrLocked): // own reports who has it
		return nil
	}
	wrong := &markerError{fmt.Sprintf("%s is not of this headgate: its content is %.40q", d.Lock(), found)}
	if otherFormat.MatchString(found) {
		return errors.New(wrong.Error())
	}
	return wrong
}

// isOurs reports whether a directory without a marker is a headgate directory: it contains our
// files and no others.
func isOurs(entries []os.DirEntry) bool {
	known := 0
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, "headgate.lock"):
		case name == "events", name == "limits", strings.HasPrefix(name, "features_"), strings.HasPrefix(name, "policy_"):
			known++
		case strings.HasPrefix(name, "events."), strings.HasPrefix(name, "limits."), strings.HasPrefix(name, "checkpoint"):
		default:
			return false
		}
	}
	return known > 0
}

// makeEvents makes the directory of the rings, and sets aside a file of its name.
func (d *directory) makeEvents() error {
	info, err := os.Stat(d.Events())
	if err == nil && info.IsDir() {
		return nil
	}
	if _, there := os.Lstat(d.Events()); there == nil {
		if err := mmap.SetAside(d.Events()); err != nil {
			return err
		}
		d.repaired = append(d.repaired, repair{eventsDirectory, d.Events(), errors.New("it was not a directory")})
	}
	if err := os.Mkdir(d.Events(), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
