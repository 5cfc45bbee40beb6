package socket

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Control sets the same timeout as [SetUserTimeout] on a socket that is not connected yet.
func Control(raw syscall.RawConn, d time.Duration) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
	if err == nil {
		err = failed
	}
	return err
}

// ReadProgress returns the progress of a connection, or an error if it is closed or the system does
// not support it.
func ReadProgress(c *net.TCPConn) (p Progress, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return p, err
	}
	var info *unix.TCPInfo
	controlled := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if controlled != nil {
		return p, controlled
	}
	if err != nil {
		return p, err
	}
	return Progress{info.Notsent_bytes > 0, info.Bytes_acked}, nil
}
