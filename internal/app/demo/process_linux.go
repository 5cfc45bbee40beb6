package demo

import "syscall"

// childAttributes keeps the terminal's Ctrl-C from the child, which its parent stops in order, and
// ends the child if the parent dies.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
