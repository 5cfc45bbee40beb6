package ring

import "runtime/debug"

// intact runs f and reports false where f touched memory that its file no longer backs: somebody truncated the file, and
// the access, which would end the process with SIGBUS, becomes a panic that ends here. Any other panic goes on.
func intact(f func()) (ok bool) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if ok {
			return
		}
		// Only the fault of an address outside the first page has this method; a nil pointer is a defect and is not hidden.
		if e := recover(); e != nil {
			if _, fault := e.(interface{ Addr() uintptr }); !fault {
				panic(e)
			}
		}
	}()
	f()
	return true
}
