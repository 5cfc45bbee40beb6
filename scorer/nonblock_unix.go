//go:build unix

package scorer

import "syscall"

// nonblock makes opening a FIFO return at once; it does not affect regular files.
const nonblock = syscall.O_NONBLOCK
