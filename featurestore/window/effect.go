package window

import (
	"math"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// effect is what an observation does to the cells of its keys, as far as that does not depend on
// the key: worked out once, it serves all of them.
type effect struct {
	clock       *clock
	observation *traffic.Observation
	now         int64 // the time as of which it is folded

	minute  period
	windows []period  // epochs, by the number of the time constant
	epoch   int64     // start of the latest of them
	growth  []float32 // what an amount of 1 counts in each
	panes   []period  // by the number of their length
	// what is added to sums, by the number of the amount; of noAmount it is 0
	amounts [maxAmounts + 1]float32
	objects [traffic.NumObjects]uint64 // spread
}

func (c *clock) effect() effect {
	e := effect{
		clock:   c,
		windows: make([]period, len(c.windows)), growth: make([]float32, len(c.windows)),
		panes: make([]period, len(c.panes)),
	}
	e.prepare()
	return e
}

// set makes e that of o, as of now.
func (e *effect) set(o *traffic.Observation, now int64) {
	e.observation = o
	for i, hash := range o.Objects {
		e.objects[i] = spread(hash)
	}
	if e.now != now {
		e.now = now
		e.prepare()
	}
	for i, a := range e.clock.amounts {
		e.amounts[i] = o.Measures[a.measure] * e.growth[a.window]
	}
}

// prepare computes what depends on the time alone.
func (e *effect) prepare() {
	e.minute.move(e.now, int64(time.Minute))
	e.epoch = math.MinInt64
	for i := range e.windows {
		w, p := &e.clock.windows[i], &e.windows[i]
		p.move(e.now, w.span)
		e.growth[i] = w.growth(p.start, e.now)
		e.epoch = max(e.epoch, p.start)
	}
	for i, length := range e.clock.panes {
		e.panes[i].move(e.now, int64(length))
	}
}
