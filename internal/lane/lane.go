// Package lane spreads goroutines over memory of their own without asking which goroutine this is: a number from where
// the stack lies, for about a nanosecond. It promises no more than that goroutines that run at the same time mostly get
// different numbers; its user must be right if they do not.
package lane

import "unsafe"

// Hash differs from goroutine to goroutine: a multiplicative hash of where the stack is, whose highest bits are the
// best. Stacks are powers of two in size, from 2 KiB on. A goroutine gets another number when its stack is moved or used
// more deeply.
func Hash() uint32 {
	var here byte
	return uint32(uintptr(unsafe.Pointer(&here))>>11) * 0x9e3779b1
}
