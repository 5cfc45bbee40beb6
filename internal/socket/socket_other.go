//go:build !linux

package socket

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// Control is [SetUserTimeout] for a socket that is not connected yet.
func Control(syscall.RawConn, time.Duration) error { return nil }

// ProgressOf looks at a connection. It fails if the connection is closed, or the system does not know.
func ProgressOf(*net.TCPConn) (Progress, error) { return Progress{}, errors.ErrUnsupported }
