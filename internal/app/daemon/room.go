package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/base/mmap"
)

// checkRoom returns an error for a table that can never fit its file system, before any of its
// files is made. If only free space is missing now, it logs a warning: failing publications are
// trouble that can end.
func (d *Daemon) checkRoom() error {
	config := d.config.Window
	if config.MaxKeys == 0 {
		return nil // the default
	}
	keys := config.MaxKeys
	perKey, cell, err := bytesPerKey(config)
	if err != nil {
		return err
	}
	room, err := mmap.FileSystemRoom(string(d.dir.Dir))
	if err != nil {
		return err
	}
	need := perKey * float64(keys)
	switch {
	case need > float64(room.Total):
		return fmt.Errorf("%d keys in each dimension take %s in %s for the table's two copies, and up to %s of memory as they come, "+
			"and %s has %s in all, enough for %d keys: %w", keys, size(need), d.dir.Dir, size(cell*float64(keys)), where(room),
			size(float64(room.Total)), int64(float64(room.Total)/perKey), syscall.ENOSPC)
	case need > float64(room.Free)+d.presentBytes():
		d.config.Log.Warn("headgate: there is not enough room for the table now; make room, or keep fewer keys with --max-keys",
			"dir", d.dir.Dir, "needed", size(need), "free", size(float64(room.Free)), "max_keys", keys)
	}
	return nil
}

// bytesPerKey returns the size of a key over all dimensions: in the two copies of the published
// table, and in the aggregation.
func bytesPerKey(config window.Config) (table, cell float64, err error) {
	const sample = 1 << 16
	config.MaxKeys = sample
	a, err := window.New(config)
	if err != nil {
		return 0, 0, err
	}
	bytes, err := featurestore.ImageBytes(a.Schema(), a.Capacity())
	return 2 * float64(bytes) / sample, float64(a.MaxBytes()) / sample, err
}

// presentBytes returns the size of the existing data files, which are reused.
func (d *Daemon) presentBytes() (n float64) {
	files, _ := filepath.Glob(d.dir.Features() + "_data_*")
	for _, file := range files {
		if info, err := os.Lstat(file); err == nil && info.Mode().IsRegular() {
			n += float64(info.Size())
		}
	}
	return n
}

func where(r mmap.Room) string {
	if r.InMemory {
		return "memory"
	}
	return "its file system"
}

// size formats an amount of memory for people.
func size(bytes float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for ; bytes >= 1024 && i < len(units)-1; i++ {
		bytes /= 1024
	}
	return fmt.Sprintf("%.3g %s", bytes, units[i])
}
