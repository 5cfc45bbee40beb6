package mmapsync

import "runtime/debug"

// intact runs f and says false where f touched memory that its file no longer backs: somebody has truncated the file,
// and the access, which would end the process with SIGBUS, becomes a panic that ends here. Any other panic goes on.
// f must leave everything in order when it ends half-way.
func intact(f func()) (ok bool) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if ok {
			return
		}
		// Only a fault of memory has an address, and of those a nil pointer's has none: it is a defect and is not hidden.
		if e := recover(); e != nil {
			if _, fault := e.(interface{ Addr() uintptr }); !fault {
				panic(e)
			}
		}
	}()
	f()
	return true
}

// errTruncated is what a fault says about the file.
const errTruncated formatReason = "the file was truncated while it was in use"

// checked runs a decoder on mapped memory and makes a fault one of its refusals.
func checked(decode func() error) (err error) {
	if !intact(func() { err = decode() }) {
		return errTruncated
	}
	return err
}
