package window

import (
	"math"

	"github.com/headgate/headgate/featurestore/traffic"
)

// clients counts the clients of all hosts: networks that are new with a user agent, of which the
// first clientRoom of a minute count, so that a flood of k minutes is k times as many at most. It
// is one block:
//
//	words 2-3  when the last was counted
//	word 4     number of its minute (its low bits)
//	word 5     how many were counted in that
//	word 6     decayed sum over traffic.UsualWindow as of the last
//	words 7-8  time of the latest observation of all, plus lastBegin; 0: none
type clients struct{ blocks *blocks }

const clientRoom = 15

// advance returns the time of the latest observation, which one of the given time may be: time that
// runs backwards counts as no time at all.
func (c *clients) advance(now int64) int64 {
	words := c.blocks.cell(0)[7:9]
	now = max(now, sideBegin(words))
	setBegun(words, now)
	return now
}

// count counts a client where there is room for it, and reports whether there was.
func (c *clients) count(now int64) bool {
	cell := c.blocks.cell(0)
	now = max(now, cellLast(cell))
	if minute := uint32(minuteNumber(now)); minute != cell[4] {
		cell[4], cell[5] = minute, 0
	}
	if cell[5] >= clientRoom {
		return false
	}
	cell[5]++
	cell[6] = math.Float32bits(c.sum(now) + 1)
	setLast(cell, now)
	return true
}

// sum is what the clients counted so far come to now.
func (c *clients) sum(now int64) float32 {
	cell := c.blocks.cell(0)
	elapsed := between(cellLast(cell), max(now, cellLast(cell)))
	if elapsed > 32*int64(traffic.UsualWindow) {
		return 0
	}
	return float(cell[6]) / float32(exp(float64(elapsed)/float64(traffic.UsualWindow)))
}
