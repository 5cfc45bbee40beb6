package mmap

import "runtime/debug"

// Intact runs f and returns false if f accessed memory that its file no longer has: the file was
// truncated, and the access, which would end the process with SIGBUS, becomes a panic that ends
// here. Any other panic goes on. f must leave everything in order when it ends half-way.
func Intact(f func()) (ok bool) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if ok {
			return
		}
		// Only the fault of an address outside the first page has this method; a nil pointer is a
		// defect and is not hidden.
		if e := recover(); e != nil {
			if _, fault := e.(interface{ Addr() uintptr }); !fault {
				panic(e)
			}
		}
	}()
	f()
	return true
}
