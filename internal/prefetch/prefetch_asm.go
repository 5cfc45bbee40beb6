//go:build amd64 || arm64

package prefetch

// line asks for the cache line of *p.
//
//go:noescape
func line(p *byte)

// lines asks for the cache lines of n > 0 bytes from p on: for one every 64 bytes, and for the last one. How often it
// branches depends on n alone, not on where p lies in its line, which the processor could not foresee.
//
//go:noescape
func lines(p *byte, n uintptr)

// each asks for count lines whose addresses lie one after the other.
//
//go:noescape
func each(first *Line, count uintptr)
