package scorer

//go:generate go -C internal/asm run . -out ../../kernels_amd64.s -stubs ../../kernels_amd64.go -pkg scorer

// numbersTo quantises inputs. values has at least q.inputs of them, bins at least q.size() bytes.
func (q *quantiser) numbersTo(tier Tier, values []float32, bins []byte) {
	_, _ = values[q.inputs-1], bins[q.size()-1]
	if q.groups > 0 && tier == TierAVX2 {
		quantiseFew256(&q.few[0], q.groups, &values[0], &bins[0])
	} else if q.groups > 0 {
		quantiseFew512(&q.few[0], q.groups, &values[0], &bins[0])
	}
	if q.columns > 0 && tier == TierAVX2 {
		quantiseWide256(&q.wide[0], q.columns, &values[0], &bins[16*q.groups])
	} else if q.columns > 0 {
		quantiseWide512(&q.wide[0], q.columns, &values[0], &bins[16*q.groups])
	}
}

// keysTo quantises keys. values has at least q.inputs of them, bins at least q.size() bytes.
func (q *quantiser) keysTo(tier Tier, values []int32, bins []byte) {
	_, _ = values[q.inputs-1], bins[q.size()-1]
	if q.groups > 0 && tier == TierAVX2 {
		quantiseFewKeys256(&q.few[0], q.groups, &values[0], &bins[0])
	} else if q.groups > 0 {
		quantiseFewKeys512(&q.few[0], q.groups, &values[0], &bins[0])
	}
	if q.columns > 0 && tier == TierAVX2 {
		quantiseWideKeys256(&q.wide[0], q.columns, &values[0], &bins[16*q.groups])
	} else if q.columns > 0 {
		quantiseWideKeys512(&q.wide[0], q.columns, &values[0], &bins[16*q.groups])
	}
}

// find writes the numbers of the leaves of a chunk of trees to at. The kernels write those of whole
// blocks.
func (b *blocks) find(c chunk, scratch *Scratch, at []uint32) {
	_ = at[c.blocks*b.lookup.lanes()-1]
	program, bins, found := &b.program[c.start], &scratch.vector.bins[0], &at[0]
	switch {
	case b.lookup.tier == TierAVX2:
		findOblivious256(program, c.blocks, bins, b.lookup.tables, found)
	case b.lookup.size <= vectorBytes:
		findObliviousSingle512(program, c.blocks, bins, found)
	case b.lookup.pages == 0:
		findObliviousHeld512(program, c.blocks, bins, found)
	default:
		findObliviousPaged512(program, c.blocks, bins, b.lookup.pages, found)
	}
}

// findChunk writes the leaf numbers of a chunk of trees. The kernels write 16 numbers at a time.
func (x *exits) findChunk(c chunk, scratch *Scratch, found []uint32) {
	program, bins, leaves := &x.program[c.start], &scratch.vector.treeBins[0], &x.leaves[0]
	_ = found[c.trees+exitRoom-1]
	few, pages := x.trees == 16, x.lookup.pages
	switch {
	case x.lookup.size <= vectorBytes && few:
		findExits32Single512(program, c.blocks, bins, leaves, &found[0])
	case x.lookup.size <= vectorBytes:
		findExits64Single512(program, c.blocks, bins, leaves, &found[0])
	case pages == 0 && few:
		findExits32Held512(program, c.blocks, bins, leaves, &found[0])
	case pages == 0:
		findExits64Held512(program, c.blocks, bins, leaves, &found[0])
	case few:
		findExits32Paged512(program, c.blocks, bins, pages, leaves, &found[0])
	default:
		findExits64Paged512(program, c.blocks, bins, pages, leaves, &found[0])
	}
}
