//go:build amd64 || arm64

package prefetch

// line prefetches the cache line of *p.
//
//go:noescape
func line(p *byte)

// lines prefetches the cache lines of n > 0 bytes from p on: one every 64 bytes, and the last one.
// The number of branches depends only on n, not on the position of p in its line, which the
// processor could not predict.
//
//go:noescape
func lines(p *byte, n uintptr)

// each prefetches count lines, whose addresses are an array at first.
//
//go:noescape
func each(first *Line, count uintptr)
