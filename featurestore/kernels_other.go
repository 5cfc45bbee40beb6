//go:build !amd64

package featurestore

// hasKernels is false where there are none; nothing calls them then.
const hasKernels = false

func askAVX2(*reading, *pick, int) int { panic("no kernels") }

func copyAVX2(*float32, *byte, *pick, float64, *factors) { panic("no kernels") }
