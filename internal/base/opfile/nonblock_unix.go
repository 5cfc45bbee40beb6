//go:build unix

package opfile

import "syscall"

// nonblock makes opening a FIFO return at once. It has no effect on regular files.
const nonblock = syscall.O_NONBLOCK
