// Package lane spreads goroutines over memory of their own without knowing the goroutine: it
// returns a number from the address of the stack, in about a nanosecond. It promises only that
// goroutines that run at the same time mostly get different numbers; its user must be right if they
// do not.
package lane

import "unsafe"

// Hash returns a number that differs from goroutine to goroutine: a multiplicative hash of the
// address of the stack, whose highest bits are the best. Stacks are powers of two in size, from 2
// KiB on. A goroutine gets another number when its stack is moved or used more deeply.
func Hash() uint32 {
	var here byte
	return uint32(uintptr(unsafe.Pointer(&here))>>11) * 0x9e3779b1
}
