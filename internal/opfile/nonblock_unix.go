//go:build unix

package opfile

import "syscall"

// nonblock makes opening a FIFO return at once; regular files do not change by it.
const nonblock = syscall.O_NONBLOCK
