//go:build !amd64

package featurestore

// hasKernels is false where there are none; nothing calls them then.
const hasKernels = false

func askAVX2(*reading, *pick, int) int { panic("no kernels") }

func copyAVX2(*reading, *pick, int) { panic("no kernels") }
