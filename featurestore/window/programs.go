package window

import (
	"math"

	"github.com/headgate/headgate/featurestore/traffic"
)

// wired finds which clients are new to a program on a wire, and how many the program has on all
// wires. Its memory of hashes is apart from the other one, so that neither makes the other forget.
type wired struct {
	seen     familiar
	programs programs
}

func (w *wired) fill(o *traffic.Observation, now int64) {
	m := &o.Measures
	m[traffic.MeasureNewWireClients], m[traffic.MeasureProgramClients] = 0, 0
	program := o.Objects[traffic.ObjectPrograms]
	if o.Keys[traffic.DimProgramWire] == 0 || program == 0 || networkKey(o) == 0 {
		return
	}
	isNew, _ := w.seen.add(pairHash(o), now)
	entry, minute := w.programs.of(program, minuteNumber(now))
	if isNew && entry.count(minute) {
		m[traffic.MeasureNewWireClients] = 1
	}
	m[traffic.MeasureProgramClients] = entry.sum(minute)
}

// pairHash makes one hash of a client and its program on its wire.
func pairHash(o *traffic.Observation) uint64 {
	return combine(networkKey(o), o.Keys[traffic.DimProgramWire])
}

// programs counts the clients of programs that user agents name: networks that are new with a
// program on a wire, of which the first programRoom of a minute count, as with clients. A block is
// of the programs whose hashes have its place. Where it has more than there is room for, the one
// with the fewest clients goes.
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

// programEntry is one program's.
type programEntry []uint32

// of returns the entry of a program, which it makes where there is none, and the minute that it is
// to be looked at as of: its own where time runs backwards.
func (p *programs) of(program uint64, minute int32) (programEntry, int32) {
	words := p.blocks.cell(program)[5:][:blockPrograms*programWords]
	tag := max(1, uint32(program))
	for at := 0; at < len(words); at += programWords {
		if words[at] == tag {
			e := programEntry(words[at:][:programWords])
			return e, max(minute, e.minute())
		}
	}
	e := fewest(words, minute)
	clear(e)
	e[0], e[1] = tag, uint32(minute)
	return e, minute
}

// fewest returns the entry with the fewest clients.
func fewest(words []uint32, minute int32) (least programEntry) {
	for ; len(words) > 0; words = words[programWords:] {
		e := programEntry(words[:programWords])
		if e[0] == 0 {
			return e
		}
		if least == nil || e.sum(minute) < least.sum(minute) {
			least = e
		}
	}
	return least
}

func (e programEntry) minute() int32 { return int32(e[1]) }

// count counts a client where there is room for it, and reports whether there was.
func (e programEntry) count(minute int32) bool {
	if minute != e.minute() {
		e[1], e[2], e[3] = uint32(minute), 0, math.Float32bits(e.sum(minute))
	}
	if e[2] >= programRoom {
		return false
	}
	e[2]++
	e[3] = math.Float32bits(float(e[3]) + 1)
	return true
}

// sum is what the clients come to in a minute.
func (e programEntry) sum(minute int32) float32 {
	if minute <= e.minute() {
		return float(e[3])
	}
	elapsed := (float64(minute) - float64(e.minute())) / traffic.UsualWindow.Minutes()
	if elapsed > 32 {
		return 0
	}
	return float(e[3]) / float32(exp(elapsed))
}
