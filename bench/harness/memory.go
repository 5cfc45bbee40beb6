package harness

import "os"

// MemoryDir is the folder for files that are to lie in memory, where the daemon's lie, too: /dev/shm, or the temporary folder of a system
// without it.
func MemoryDir() string {
	const memory = "/dev/shm"
	if _, err := os.Stat(memory); err == nil {
		return memory
	}
	return os.TempDir()
}
