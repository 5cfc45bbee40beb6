package mmapsync

import "github.com/headgate/headgate/internal/base/lane"

// lanes is the number of ways on which the goroutines of a Reader are spread: the most slots that
// it can use at once.
const lanes = 1 << laneBits

const laneBits = 4

// ownLane returns a number below lanes that differs from goroutine to goroutine. It may change or
// be shared.
func ownLane() uint32 { return lane.Hash() >> (32 - laneBits) }
