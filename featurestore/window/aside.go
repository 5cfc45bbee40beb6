package window

import (
	"fmt"
	"os"
)

// asides is how many unusable checkpoints are kept.
const asides = 4

// SetAside renames an unusable checkpoint, so that it is not overwritten, and returns its new name:
// path with .unused-1 to .unused-4 appended. If all of these exist, it replaces the one that was
// modified first.
func SetAside(path string) (to string, err error) {
	var oldest os.FileInfo
	for i := range asides {
		name := fmt.Sprintf("%s.unused-%d", path, i+1)
		info, err := os.Lstat(name)
		if err != nil { // it does not exist; any other error comes from renaming
			to = name
			break
		}
		if oldest == nil || info.ModTime().Before(oldest.ModTime()) {
			oldest, to = info, name
		}
	}
	return to, os.Rename(path, to)
}
