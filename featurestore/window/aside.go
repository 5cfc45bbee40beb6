package window

import (
	"fmt"
	"os"
)

// asides is how many files are kept beside a checkpoint that could not be used.
const asides = 4

// SetAside renames a checkpoint that cannot be used, so that no other takes its place, and returns its new name: path with
// .unused-1 to .unused-4 appended. Where all of these are taken, the one that was changed longest ago is replaced.
func SetAside(path string) (to string, err error) {
	var oldest os.FileInfo
	for i := range asides {
		name := fmt.Sprintf("%s.unused-%d", path, i+1)
		info, err := os.Lstat(name)
		if err != nil { // there is none; if it is something else, renaming tells
			to = name
			break
		}
		if oldest == nil || info.ModTime().Before(oldest.ModTime()) {
			oldest, to = info, name
		}
	}
	return to, os.Rename(path, to)
}
