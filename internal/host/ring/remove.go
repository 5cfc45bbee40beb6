package ring

import (
	"io/fs"
	"os"

	"github.com/headgate/headgate/internal/base/mmap"
)

// removeSame removes the file at path if it is still the one described by info.
func removeSame(path string, info fs.FileInfo) bool {
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(now, info) && os.Remove(path) == nil
}

// removeUnlocked removes the file at path if no producer holds it. It holds the lock meanwhile, so
// that a producer that was about to take it fails and begins again.
func removeUnlocked(path string) bool {
	f, err := mmap.OpenRegular(path, mmap.ReadWrite)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	return err == nil && mmap.LockByte(f, producerByte) == nil && removeSame(path, info)
}
