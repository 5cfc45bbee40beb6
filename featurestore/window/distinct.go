package window

import (
	"math"
	"math/bits"
)

// A distinct cell counts different hashes in a sliding window: two panes of half a window each, of which the older
// one is cleared when a third begins. A pane is 32 bytes: up to 15 tokens of 16 bits, exact but for two hashes that
// share a token, and from the 16th on a HyperLogLog of 64 registers of 4 bits, in the same place. Beside the panes
// there is one word of state.
const (
	paneWords = 8
	maxTokens = 15
	sketched  = 16 // fill of a pane that is a HyperLogLog
	registers = 64
	maxRank   = 15
)

type distinctCell struct {
	state *distinctState
	panes [2]*pane // the even one and the odd one
}

// in gives the distinct cell in a cell.
func (d *distinct) in(cell []uint32) distinctCell {
	return distinctCell{
		state: (*distinctState)(&cell[d.at]),
		panes: [2]*pane{(*pane)(cell[d.panes[0]:]), (*pane)(cell[d.panes[1]:])},
	}
}

type pane [paneWords]uint32

// distinctState is
//
//	bits 0-15   number of the newer pane (its low bits)
//	bits 16-20  fill of the even pane
//	bits 21-25  fill of the odd pane
//	bit 26      whether a hash was ever counted
type distinctState uint32

const (
	fillShift = 16
	fillBits  = 5
	fillMask  = 1<<fillBits - 1
	everBit   = 1 << 26
)

func (s distinctState) number() uint16 { return uint16(s) }

func (s distinctState) fill(side uint64) uint8 {
	return uint8(s >> (fillShift + fillBits*side) & fillMask)
}

func (s distinctState) withFill(side uint64, fill uint8) distinctState {
	shift := fillShift + fillBits*side
	return s&^(fillMask<<shift) | distinctState(fill)<<shift
}

func (s distinctState) sound() bool { return s.fill(0) <= sketched && s.fill(1) <= sketched }

// add counts hash at the pane of the given number. A hash of 0 counts nothing, but time goes on.
func (c distinctCell) add(number uint64, hash uint64) {
	c.rotate(uint16(number))
	if hash == 0 {
		return
	}
	side := number & 1
	fill := c.panes[side].add(c.state.fill(side), spread(hash))
	*c.state = c.state.withFill(side, fill) | everBit
}

// rotate clears what is older than the pane before number.
func (c distinctCell) rotate(number uint16) {
	ahead := number - c.state.number()
	if ahead == 0 {
		return
	}
	c.clear(uint64(number & 1))
	if ahead != 1 {
		c.clear(uint64(number&1) ^ 1)
	}
	*c.state = *c.state&^0xffff | distinctState(number)
}

func (c distinctCell) clear(side uint64) {
	if c.state.fill(side) != 0 { // else it is clear
		*c.panes[side] = pane{}
		*c.state = c.state.withFill(side, 0)
	}
}

// count estimates the distinct hashes of both panes together; NaN where there never was one.
func (c distinctCell) count() float32 {
	if *c.state&everBit == 0 {
		return nan
	}
	small, large := uint64(0), uint64(1)
	if c.state.fill(0) > c.state.fill(1) {
		small, large = large, small
	}
	fill := c.state.fill(large)
	if c.state.fill(small) == 0 && fill != sketched {
		return float32(fill)
	}
	union, other := *c.panes[large], c.panes[small]
	if c.state.fill(small) == sketched {
		union.merge(other)
		return union.estimate()
	}
	for i := range int(c.state.fill(small)) {
		fill = union.addToken(fill, other.token(i))
	}
	if fill == sketched {
		return union.estimate()
	}
	return float32(fill)
}

// spread makes any hash, also a small number that stands for "none", uniform in its high bits.
func spread(hash uint64) uint64 {
	hash ^= hash >> 32
	hash *= 0x9e3779b97f4a7c15
	return hash ^ hash>>29
}

// add counts a spread hash in a pane with the given fill and gives the new fill. The highest 16 bits are the token;
// of those the highest 6 are the register, and the bits below it give the rank.
func (p *pane) add(fill uint8, hash uint64) uint8 {
	if fill != sketched {
		return p.addToken(fill, uint16(hash>>48))
	}
	p.raise(int(hash>>58), bits.LeadingZeros64(hash<<6)+1)
	return sketched
}

func (p *pane) addToken(fill uint8, token uint16) uint8 {
	if fill == sketched {
		p.raise(registerOf(token))
		return sketched
	}
	for i := range int(fill) {
		if p.token(i) == token {
			return fill
		}
	}
	if fill < maxTokens {
		p[fill/2] |= uint32(token) << (16 * (fill & 1))
		return fill + 1
	}
	p.promote()
	p.raise(registerOf(token))
	return sketched
}

func (p *pane) token(i int) uint16 { return uint16(p[i/2] >> (16 * (i & 1))) }

// promote makes a pane of tokens a HyperLogLog.
func (p *pane) promote() {
	tokens := *p
	*p = pane{}
	for i := range maxTokens {
		p.raise(registerOf(tokens.token(i)))
	}
}

// registerOf gives a token's register and rank: the rank that the whole hash would have given, unless all ten bits are
// zero (1 in 1024), where it is 11 or more and 11 is taken.
func registerOf(token uint16) (register, rank int) {
	return int(token >> 10), min(bits.LeadingZeros16(token<<6), 10) + 1
}

func (p *pane) raise(register, rank int) {
	rank = min(rank, maxRank)
	shift := 4 * (register % 8)
	if w := &p[register/8]; int(*w>>shift&0xf) < rank {
		*w = *w&^(0xf<<shift) | uint32(rank)<<shift
	}
}

func (p *pane) merge(other *pane) {
	for r := range registers {
		p.raise(r, int(other[r/8]>>(4*(r%8))&0xf))
	}
}

// estimate is the HyperLogLog estimate with linear counting for small counts (Flajolet et al. 2007, figure 3).
func (p *pane) estimate() float32 {
	const alpha = 0.709 // for 64 registers
	sum, zeros := 0.0, 0
	for r := range registers {
		rank := p[r/8] >> (4 * (r % 8)) & 0xf
		sum += 1 / float64(uint32(1)<<rank)
		if rank == 0 {
			zeros++
		}
	}
	e := alpha * registers * registers / sum
	if e <= 2.5*registers && zeros > 0 {
		e = registers * math.Log(float64(registers)/float64(zeros))
	}
	return float32(e)
}
