package hostdir

import (
	"errors"
	"io/fs"
)

// Place says where a headgate directory is looked for.
type Place struct {
	Path   string // empty: Run if it exists and is trusted, otherwise Shared
	Owners Owners
}

// Find returns the directory, checked. Of the default ones, one that a daemon has marked is
// preferred. An error that wraps fs.ErrNotExist says that there is none yet; the directory returned
// with it is where a daemon would make it. Any other error is about a directory that must not be
// used.
func (p Place) Find() (Dir, error) {
	if p.Path != "" {
		return Dir(p.Path), Dir(p.Path).Check(p.Owners)
	}
	return p.find(Run, Shared)
}

func (p Place) find(candidates ...Dir) (Dir, error) {
	var trusted []Dir
	var refused error
	for _, d := range candidates {
		switch err := d.Check(p.Owners); {
		case err == nil && d.Marked():
			return d, nil
		case err == nil:
			trusted = append(trusted, d)
		case !errors.Is(err, fs.ErrNotExist) && refused == nil:
			refused = err
		}
	}
	last := candidates[len(candidates)-1]
	switch {
	case len(trusted) > 0:
		return trusted[0], nil
	case refused != nil:
		return last, refused
	}
	return last, fs.ErrNotExist
}
