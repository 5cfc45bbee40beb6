//go:build !race

package mmap

// plainStoresRelease: amd64 makes no store visible before the loads and stores that come before it in the program (AMD64
// Architecture Programmer's Manual, volume 2, section 7.2), and the compiler keeps those of memory in order.
const plainStoresRelease = true
