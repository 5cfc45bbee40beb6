package featurestore

import "golang.org/x/sys/cpu"

// hasKernels tells whether this processor has the vector instructions that the kernels are made of. They leave the same
// bits as the Go code beside each of their calls.
var hasKernels = cpu.X86.HasAVX2

// fadeConstants are those of fade, for copyAVX2.
//
//lint:ignore U1000 assembly reads it
var fadeConstants = [...]float64{fadeEnd, fadeSquare, fadeLinear, 1}

// askAVX2 is [reading.ask] for n picks, one to a group.
//
//go:noescape
func askAVX2(to *reading, picks *pick, n int) (found int)

// copyAVX2 does for n picks what [reading.fade] does, and copies their blocks.
//
//go:noescape
func copyAVX2(to *reading, picks *pick, n int)
