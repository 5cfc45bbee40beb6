//go:build !amd64

package scorer

// machineTiers has no vector tier here, so models are not laid out for one, and these are not
// called.

func (q *quantiser) numbersTo(Tier, []float32, []byte) {}

func (q *quantiser) keysTo(Tier, []int32, []byte) {}

func (b *blocks) find(chunk, *Scratch, []uint32) {}

func (x *exits) findChunk(chunk, *Scratch, []uint32) {}
