//go:build !amd64

package featurestore

// hasKernels is false: this architecture has no kernels, and nothing calls the functions below.
const hasKernels = false

func startProbesAVX2(*reading, *pick, int) int { panic("no kernels") }

func copyAVX2(*reading, *pick, int) { panic("no kernels") }
