package window

import (
	"math"

	"github.com/headgate/headgate/featurestore/traffic"
)

// wired tells which clients are new to a program on a wire, and how many the program has on all wires. Its memory of hashes
// is apart from the other one, so that neither makes the other forget.
type wired struct {
	seen     familiar
	programs programs
}

func (w *wired) fill(o *traffic.Observation, now int64) {
	m := &o.Measures
	m[traffic.NewWireClients], m[traffic.ProgramClients] = 0, 0
	program := o.Objects[traffic.Programs]
	if o.Keys[traffic.ProgramOnWire] == 0 || program == 0 || networkOf(o) == 0 {
		return
	}
	isNew, _ := w.seen.add(pairOf(o), now)
	if isNew && w.programs.count(program, now) {
		m[traffic.NewWireClients] = 1
	}
	m[traffic.ProgramClients] = w.programs.sum(program, now)
}

// pairOf makes one hash of a client and its program on its wire.
func pairOf(o *traffic.Observation) uint64 {
	return combine(networkOf(o), o.Keys[traffic.ProgramOnWire])
}

// programs counts the clients of programs that user agents name: networks that are new with a program on a wire, of which the
// first programRoom of a minute count, as with clients. A block is of the programs whose hashes have its place. Where it has more
// than there is room for, the one with the fewest clients goes.
//
//	words 5-28  six programs of four words: the low half of the hash, the minute when the last client was counted, how many were
//	            in that, and the decayed sum over traffic.UsualWindow as of that minute
type programs struct{ blocks *blocks }

const (
	programRoom   = 15
	programWords  = 4
	blockPrograms = 6
)

// programKeys is for how many keys of Config.MaxKeys there is a block.
const programKeys = 64

// count counts a client of a program where there is room for it, and reports whether there was.
func (p *programs) count(program uint64, now int64) bool {
	minute := minuteOf(now)
	entry, found := p.find(program, minute)
	if !found {
		clear(entry)
		entry[0], entry[1] = programTag(program), uint32(minute)
	}
	if minute > int32(entry[1]) {
		entry[3] = math.Float32bits(programSum(entry, minute))
		entry[1], entry[2] = uint32(minute), 0
	}
	if entry[2] >= programRoom {
		return false
	}
	entry[2]++
	entry[3] = math.Float32bits(float(entry[3]) + 1)
	return true
}

// sum is what the clients of a program come to now.
func (p *programs) sum(program uint64, now int64) float32 {
	minute := minuteOf(now)
	entry, found := p.find(program, minute)
	if !found {
		return 0
	}
	return programSum(entry, minute)
}

// find returns the entry of a program, or else the one that it is to have.
func (p *programs) find(program uint64, minute int32) (entry []uint32, found bool) {
	words := p.blocks.cell(program)[5:][:blockPrograms*programWords]
	tag := programTag(program)
	least := float32(math.Inf(1))
	for ; len(words) > 0; words = words[programWords:] {
		e := words[:programWords:programWords]
		if e[0] == tag {
			return e, true
		}
		sum := float32(-1)
		if e[0] != 0 {
			sum = programSum(e, minute)
		}
		if sum < least {
			entry, least = e, sum
		}
	}
	return entry, false
}

func programTag(program uint64) uint32 { return max(1, uint32(program)) }

// programSum is what an entry's sum has become in a minute.
func programSum(entry []uint32, minute int32) float32 {
	then := int32(entry[1])
	if minute <= then {
		return float(entry[3])
	}
	elapsed := (float64(minute) - float64(then)) / traffic.UsualWindow.Minutes()
	if elapsed > 32 {
		return 0
	}
	return float(entry[3]) / float32(exp(elapsed))
}
