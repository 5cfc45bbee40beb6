package mmapsync

import "unsafe"

// lanes is the number of ways on which the goroutines of a Reader are spread: the most slots that it can use at once.
const lanes = 1 << laneBits

const laneBits = 4

// lane is a number below lanes that differs from goroutine to goroutine: a multiplicative hash of where the stack is.
// Stacks are powers of two in size, from 2 KiB on. That a goroutine has another lane when its stack is moved or used
// more deeply does no harm, and so does a lane that is shared.
func lane() uint32 {
	var here byte
	return uint32(uintptr(unsafe.Pointer(&here))>>11) * 0x9e3779b1 >> (32 - laneBits)
}
