package demo

import "syscall"

// childAttributes keep the terminal's Ctrl-C from the child, which its parent ends in order, and end it with its
// parent however that dies.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
