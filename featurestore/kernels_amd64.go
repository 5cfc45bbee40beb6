package featurestore

import "golang.org/x/sys/cpu"

// hasKernels reports whether this processor has the vector instructions of the kernels. A kernel
// returns the same bits as the Go code next to each of its calls.
var hasKernels = cpu.X86.HasAVX2

// fadeConstants are the constants of fade, for copyAVX2.
//
//lint:ignore U1000 assembly reads it
var fadeConstants = [...]float64{fadeEnd, fadeSquare, fadeLinear, 1}

// startProbesAVX2 does the work of [reading.startProbes] for n picks, 1 to group.
//
//go:noescape
func startProbesAVX2(to *reading, picks *pick, n int) (found int)

// copyAVX2 does the work of [reading.fade] for n picks, and copies their blocks.
//
//go:noescape
func copyAVX2(to *reading, picks *pick, n int)
