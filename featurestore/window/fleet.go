package window

import (
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// fleet knows the newest version of each browser that several networks use, so that one who makes
// up a version, or leaves one machine on a trial of the next, changes nothing. A block is of a
// family of browsers:
//
//	words 2-3    when the newer side began
//	word 4       the newest version; 0: unknown
//	words 5-6    when it was known first, before that when a version was seen first, and 7-8 when the newest rose last, plus lastBegin
//	word 9       which side is the newer
//	words 10-17  one side, and 18-25 the other: four networks with the newest versions, each the low half of its key and
//	             the version
//
// The newest version is the oldest of the four, in the side where that is newer. A side is twelve
// hours. After the first day the newest version rises by one in twelve hours at most: browsers do
// not update faster, but thousands of addresses may lie as one.
type fleet struct{ blocks *blocks }

const (
	fleetSide     = 12 * time.Hour
	fleetLearning = 24 * time.Hour
	fleetNetworks = 4
	families      = 16
)

// lag returns by how many versions the browser of an observation is older than the newest, 0 where
// it is newer, and NaN where either is unknown.
func (f *fleet) lag(o *traffic.Observation, now int64) float32 {
	if o.Agent == "" {
		return nan
	}
	facts := traffic.ParseAgent(o.Agent)
	version := facts[traffic.AgentBrowserVersion]
	family := uint64(facts[traffic.AgentBrowser])
	if family == 0 || family >= families || version != version {
		return nan
	}
	cell := f.blocks.cell(family << 32)
	if facts[traffic.AgentCrawler]+facts[traffic.AgentTool]+facts[traffic.AgentHeadless] == 0 &&
		o.Keys[traffic.DimNet] != 0 {
		f.count(cell, uint32(o.Keys[traffic.DimNet]), uint32(version), now)
	}
	if cell[4] == 0 {
		return nan
	}
	return max(0, float32(cell[4])-version)
}

// count counts a network with a version, and brings the newest version to what that makes of it.
func (f *fleet) count(cell []uint32, network, version uint32, now int64) {
	if began := cellLast(cell); now > began && between(began, now) >= int64(fleetSide) ||
		cell[5]|cell[6] == 0 {
		cell[9] = cell[9]&1 ^ 1
		clear(sideCells(cell, cell[9]))
		if between(began, now) >= 2*int64(fleetSide) {
			clear(sideCells(cell, cell[9]^1))
		}
		setLast(cell, now)
	}
	if cell[5]|cell[6] == 0 {
		setBegun(cell[5:], now)
	}
	side := sideCells(cell, cell[9]&1)
	least := 0
	for i := 0; i < len(side); i += 2 {
		if side[i] == network && side[i+1] != 0 {
			least = i
			break
		}
		if side[i+1] < side[least+1] {
			least = i
		}
	}
	if version <= side[least+1] {
		return
	}
	side[least], side[least+1] = network, version
	f.rise(cell, max(oldestEntry(side), oldestEntry(sideCells(cell, cell[9]&1^1))), now)
}

func sideCells(cell []uint32, side uint32) []uint32 {
	return cell[10+2*fleetNetworks*side:][:2*fleetNetworks]
}

// oldestEntry is the oldest version of a side, 0 where it is of fewer networks than there is room
// for.
func oldestEntry(side []uint32) uint32 {
	oldest := side[1]
	for i := 3; i < len(side); i += 2 {
		oldest = min(oldest, side[i])
	}
	return oldest
}

// rise brings the newest version to what the networks say.
func (f *fleet) rise(cell []uint32, said uint32, now int64) {
	learning := between(sideBegin(cell[5:]), now) < int64(fleetLearning)
	switch {
	case said == 0 || said == cell[4]:
		return
	case cell[4] == 0:
		cell[4] = said
		setBegun(cell[5:], now)
	case said < cell[4] || learning:
		cell[4] = said
	case cell[7]|cell[8] != 0 && between(sideBegin(cell[7:]), now) < int64(fleetSide):
		return
	default:
		cell[4]++
	}
	setBegun(cell[7:], now)
}

// setBegun keeps a time in two words of which 0 stands for none.
func setBegun(words []uint32, now int64) {
	t := uint64(now) ^ lastBegin
	words[0], words[1] = uint32(t), uint32(t>>32)
}

func sideBegin(words []uint32) int64 {
	return int64((uint64(words[0]) | uint64(words[1])<<32) ^ lastBegin)
}
