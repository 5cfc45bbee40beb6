//go:build !linux

package socket

import (
	"errors"
	"net"
	"syscall"
	"time"
)

// Control sets the same timeout as [SetUserTimeout] on a socket that is not connected yet.
func Control(syscall.RawConn, time.Duration) error { return nil }

// ReadProgress returns the progress of a connection, or an error if it is closed or the system does
// not support it.
func ReadProgress(*net.TCPConn) (Progress, error) { return Progress{}, errors.ErrUnsupported }
