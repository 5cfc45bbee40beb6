package scorer

// quantised is the layout of the row of bytes that conditions compare: first the buckets of numeric
// columns, which are quantised from the inputs, then those of all others, which are quantised from
// keys.
type quantised struct {
	numbers quantiser
	others  quantiser
	size    int // bytes
}

// newQuantised lays out the columns, with the borders that the conditions refer to. It also returns
// how to find the byte test of a condition.
func newQuantised(c *columns, conditions []keyCondition) (*quantised, func(keyCondition) byteTest) {
	borders := make([][]int32, c.count)
	for _, condition := range conditions {
		if condition != never {
			borders[condition.column] = append(borders[condition.column], condition.border)
		}
	}
	n := len(c.numbers)
	others := make([]numberColumn, c.count-n)
	for i := range others {
		others[i].flat = int32(n + i)
	}
	q := &quantised{}
	var ofNumbers, ofOthers byteTests
	q.numbers, ofNumbers = newQuantiser(c.numbers, borders[:n], false)
	q.others, ofOthers = newQuantiser(others, borders[n:], true)
	q.size = q.numbers.size() + q.others.size()
	return q, func(condition keyCondition) byteTest {
		if condition == never {
			return neverPasses
		}
		if column := int(condition.column); column >= n {
			p := ofOthers.find(column-n, condition.border)
			p.bucket += uint16(q.numbers.size())
			return p
		}
		return ofNumbers.find(int(condition.column), condition.border)
	}
}

// fill writes the bytes of a row.
func (q *quantised) fill(tier Tier, c *columns, scratch *Scratch, x []float32) {
	c.fillOthers(scratch, x)
	q.quantise(tier, scratch, scratch.overlay(x, c.inputs))
}

// quantise writes the bytes of inputs, and of the keys in the row that are not of inputs.
func (q *quantised) quantise(tier Tier, scratch *Scratch, x []float32) {
	scratch.vector.grow()
	bins := scratch.vector.bins
	if q.numbers.size() > 0 {
		q.numbers.numbersTo(tier, scratch.lengthened(x, q.numbers.inputs), bins)
	}
	if q.others.size() > 0 {
		q.others.keysTo(tier, scratch.keys[:q.others.inputs], bins[q.numbers.size():])
	}
}
