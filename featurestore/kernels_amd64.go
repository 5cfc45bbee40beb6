package featurestore

import "golang.org/x/sys/cpu"

// hasKernels tells whether this processor has the vector instructions that the kernels are made of. They leave the same
// bits as the Go code beside each of their calls.
var hasKernels = cpu.X86.HasAVX2

// askAVX2 is [reading.ask] for n picks, one to a group.
//
//go:noescape
func askAVX2(to *reading, picks *pick, n int) (found int)

// copyAVX2 copies the blocks of p from a row to dst, faded, and tells by what the columns of each time constant fade.
//
//go:noescape
func copyAVX2(dst *float32, row *byte, p *pick, elapsed float64, by *factors)
