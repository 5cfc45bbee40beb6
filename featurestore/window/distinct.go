package window

import (
	"math"
	"math/bits"
)

// A distinct cell counts different hashes in a sliding window: two panes of half a window each, of
// which the older one is cleared when a third begins. A pane is 32 bytes: up to 15 tokens of 16
// bits, exact but for two hashes that share a token, and from the 16th on a HyperLogLog of 64
// registers of 4 bits, in the same place. Beside the panes there is one word of state.
const (
	paneWords = 8
	maxTokens = 15
	sketched  = 16 // fill of a pane that is a HyperLogLog
	registers = 64
	maxRank   = 15
)

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

func (s distinctState) fill(side int64) uint8 {
	return uint8(s >> (fillShift + fillBits*side) & fillMask)
}

func (s distinctState) withFill(side int64, fill uint8) distinctState {
	shift := fillShift + fillBits*side
	return s&^(fillMask<<shift) | distinctState(fill)<<shift
}

func (s distinctState) sound() bool { return s.fill(0) <= sketched && s.fill(1) <= sketched }

// add counts a spread hash in a cell, in the pane of the given number. A hash of 0 counts nothing,
// but time goes on.
func (d *distinct) add(cell []uint32, number int64, hash uint64) {
	state := distinctState(cell[d.at])
	if state.number() != uint16(number) {
		state = d.rotate(cell, state, uint16(number))
	}
	if hash != 0 {
		side := number & 1
		p, fill := (*pane)(cell[d.panes[side]:]), state.fill(side)
		if fill == sketched {
			p.raise(int(hash>>58), bits.LeadingZeros64(hash<<6)+1)
		} else if token := newToken(hash); !p.holds(fill, token) {
			state = state.withFill(side, p.append(fill, token))
		}
		state |= everBit
	}
	cell[d.at] = uint32(state)
}

// rotate clears what is older than the pane before the one of the given number, and returns the
// state with that.
func (d *distinct) rotate(cell []uint32, state distinctState, number uint16) distinctState {
	ahead := number - state.number()
	for side := range int64(2) {
		// The pane on the side of number is at least two older, the other one where number is not
		// the next.
		if state.fill(side) != 0 && (side == int64(number&1) || ahead != 1) {
			*(*pane)(cell[d.panes[side]:]) = pane{}
			state = state.withFill(side, 0)
		}
	}
	return state&^0xffff | distinctState(number)
}

// count estimates the distinct hashes of both panes together; NaN where there never was one.
func (d *distinct) count(cell []uint32) float32 {
	state := distinctState(cell[d.at])
	if state&everBit == 0 {
		return nan
	}
	small, large := int64(0), int64(1)
	if state.fill(0) > state.fill(1) {
		small, large = large, small
	}
	fill, fewer := state.fill(large), state.fill(small)
	if fewer == 0 && fill != sketched {
		return float32(fill)
	}
	union, other := *(*pane)(cell[d.panes[large]:]), (*pane)(cell[d.panes[small]:])
	if fewer == sketched {
		union.merge(other)
		return union.estimate()
	}
	for i := range int(fewer) {
		fill = union.addToken(fill, other.token(i))
	}
	if fill == sketched {
		return union.estimate()
	}
	return float32(fill)
}

// spread makes any hash, also a small number that stands for "none", uniform in its high bits. Of
// 0, and of nothing else, it makes 0.
func spread(hash uint64) uint64 {
	hash ^= hash >> 32
	hash *= 0x9e3779b97f4a7c15
	return hash ^ hash>>29
}

// newToken returns the highest 16 bits, which of 0 make 1. The highest 6 of a token are the
// register, and the bits below give the rank.
func newToken(hash uint64) uint16 { return max(1, uint16(hash>>48)) }

// append adds a token that the pane does not hold, and returns the new fill.
func (p *pane) append(fill uint8, token uint16) uint8 {
	if fill < maxTokens {
		p[fill/2] |= uint32(token) << (16 * (fill & 1))
		return fill + 1
	}
	p.promote()
	p.raise(tokenRegister(token))
	return sketched
}

// addToken counts a token in a pane with the given fill, and returns the new fill.
func (p *pane) addToken(fill uint8, token uint16) uint8 {
	if fill == sketched {
		p.raise(tokenRegister(token))
		return fill
	}
	if p.holds(fill, token) {
		return fill
	}
	return p.append(fill, token)
}

// holds reports whether a token is among those that fill the pane. It compares four at a time,
// without a branch for each, since which it will be cannot be foreseen. Behind the fill all is 0,
// which is not a token.
func (p *pane) holds(fill uint8, token uint16) bool {
	const each = 0x0001_0001_0001_0001
	pattern, found := uint64(token)*each, uint64(0)
	for i := uint8(0); i < fill; i += 4 {
		x := (uint64(p[i/2]) | uint64(p[i/2+1])<<32) ^ pattern
		// lanes that are zero borrow: their highest bit is set then, and was not (Mycroft 1987)
		found |= (x - each) &^ x
	}
	return found&(each<<15) != 0
}

func (p *pane) token(i int) uint16 { return uint16(p[i/2] >> (16 * (i & 1))) }

// promote makes a pane of tokens a HyperLogLog.
func (p *pane) promote() {
	tokens := *p
	*p = pane{}
	for i := range maxTokens {
		p.raise(tokenRegister(tokens.token(i)))
	}
}

// tokenRegister returns a token's register and rank: the rank that the whole hash would have given,
// unless all ten bits are zero (1 in 1024), where it is 11 or more and 11 is taken.
func tokenRegister(token uint16) (register, rank int) {
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

// estimate is the HyperLogLog estimate with linear counting for small counts (Flajolet et al. 2007,
// figure 3).
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
