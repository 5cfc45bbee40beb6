// Package socket asks the kernel about TCP connections what package net does not.
package socket

import (
	"net"
	"time"
)

// SetUserTimeout ends a connection in which something that was sent, or could not be sent, has waited so long for the
// other side (TCP_USER_TIMEOUT). Where the system does not have it, nothing is changed.
func SetUserTimeout(c *net.TCPConn, d time.Duration) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	return Control(raw, d)
}

// Progress is how far what was written to a connection has come.
type Progress struct {
	Unsent bool   // the kernel has bytes that it has not sent, for want of room at the other side or in the network
	Acked  uint64 // bytes that the other side has confirmed since the connection began
}
