//go:build !amd64 || race

package mmap

// plainStoresRelease: other processors have an instruction for it, which the atomic store is; and the race detector
// sees atomic stores only.
const plainStoresRelease = false
