// Package socket offers kernel features of TCP connections that package net lacks.
package socket

import (
	"net"
	"time"
)

// SetUserTimeout makes the kernel end a connection whose sent or unsent data has waited this long
// for the other side (TCP_USER_TIMEOUT). It has no effect on systems without this option.
func SetUserTimeout(c *net.TCPConn, d time.Duration) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	return Control(raw, d)
}

// Progress is the progress of written data.
type Progress struct {
	Unsent bool   // the kernel holds unsent bytes, for want of room at the other side or on the way
	Acked  uint64 // bytes that the other side has confirmed since the connection began
}
