package scorer

// quantised is the row of bytes that conditions on columns look at: first the buckets of numeric columns, which are quantised from the
// inputs, then those of all others, which are quantised from keys.
type quantised struct {
	numbers quantiser
	others  quantiser
	size    int // bytes
}

// newQuantised lays out the columns, with the borders that the conditions refer to. It also tells where each of them is found.
func newQuantised(c *columns, conditions []keyCondition) (*quantised, func(keyCondition) place) {
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
	var ofNumbers, ofOthers places
	q.numbers, ofNumbers = newQuantiser(c.numbers, borders[:n], false)
	q.others, ofOthers = newQuantiser(others, borders[n:], true)
	q.size = q.numbers.size() + q.others.size()
	return q, func(condition keyCondition) place {
		if condition == never {
			return nowhere
		}
		if column := int(condition.column); column >= n {
			p := ofOthers.of(column-n, condition.border)
			p.bucket += uint16(q.numbers.size())
			return p
		}
		return ofNumbers.of(int(condition.column), condition.border)
	}
}

// fill writes the bytes of a row.
func (q *quantised) fill(tier Tier, c *columns, row *Row, x []float32) {
	c.fillOthers(row, x)
	q.quantise(tier, row, row.overlay(x, c.inputs))
}

// quantise writes the bytes of inputs, and of the keys in the row that are not of inputs.
func (q *quantised) quantise(tier Tier, row *Row, x []float32) {
	row.vector.grow()
	bins := row.vector.bins
	if q.numbers.size() > 0 {
		q.numbers.numbersTo(tier, row.lengthened(x, q.numbers.inputs), bins)
	}
	if q.others.size() > 0 {
		q.others.keysTo(tier, row.keys[:q.others.inputs], bins[q.numbers.size():])
	}
}
