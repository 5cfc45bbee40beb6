//go:build !amd64

package scorer

// machineTiers has no vector tier here, so no model is laid out for one, and nothing calls these.

func (q *quantiser) numbersTo(Tier, []float32, []byte) {}

func (q *quantiser) keysTo(Tier, []int32, []byte) {}

func (b *blocks) find(chunk, *Row, []uint32) {}

func (x *exits) findChunk(chunk, *Row, []uint32) {}
