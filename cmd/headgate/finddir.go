package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/mmapsync"
)

// findDir finds the daemon's directory as a proxy does, for a command with --dir and --dir-owner,
// and returns the owners whose files may be read there.
func findDir(command, path, owner string) (string, hostdir.Owners, error) {
	owners, err := hostdir.NewOwners(owner)
	if err != nil {
		return "", nil, usageError{fmt.Errorf("%s: --dir-owner: %w", command, err)}
	}
	dir, err := hostdir.Place{Path: path, Owners: owners}.Find()
	path = string(dir)
	var untrusted *hostdir.UntrustedError
	switch {
	case errors.As(err, &untrusted):
		return "", nil, fmt.Errorf("%w; name who is trusted with it by --dir-owner", err)
	case errors.Is(err, fs.ErrPermission):
		return "", nil, fmt.Errorf("%s may not be entered: %w; run headgate %s as the daemon's user or in its group", path, err, command)
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return "", nil, fmt.Errorf("%s: no such directory; start the daemon with: headgate run --dir %s", path, path)
	}
	return path, owners, nil
}

// openFeatures opens the table published in a directory. The caller closes it.
func openFeatures(dir string, owners hostdir.Owners) (*featurestore.Store, error) {
	store, err := featurestore.Open(hostdir.Dir(dir).Features(), owners...)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no daemon has published here; start one with: headgate run --dir %s", dir, dir)
	}
	return store, err
}

// notPublished adds what to do to the error of a table that was not published yet, and returns any
// other error as it is.
func notPublished(dir string, err error) error {
	if errors.Is(err, mmapsync.ErrNotPublished) {
		return fmt.Errorf("%s: nothing is published yet; the daemon publishes every second", dir)
	}
	return err
}
