//go:build amd64 || arm64

package prefetch

// lines asks for n > 0 cache lines from that of p on.
//
//go:noescape
func lines(p *byte, n uintptr)
