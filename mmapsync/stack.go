package mmapsync

import "github.com/headgate/headgate/internal/lane"

// lanes is the number of ways on which the goroutines of a Reader are spread: the most slots that it can use at once.
const lanes = 1 << laneBits

const laneBits = 4

// ownLane is a number below lanes that differs from goroutine to goroutine. That it changes or is shared does no harm.
func ownLane() uint32 { return lane.Hash() >> (32 - laneBits) }
