package window

import (
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// flood is a peak by which a key is remembered beyond Config.Idle.
type flood struct {
	fold   traffic.Fold
	least  float32 // the peak that does so
	memory int64   // ns, for how long
	at     int     // word of the peak
	clock  int     // number of its window in the clock
}

// floodBonus is by how much younger a key counts that has flooded, where one has to make place: an
// hour, so that a host of them cannot drive out everybody else for a day.
const floodBonus = int64(time.Hour)

// cellMemory returns for how long after its last event a cell is to be kept for its peaks, 0 where
// it has none as high.
func (p *plan) cellMemory(cell []uint32) (memory int64) {
	for i := range p.floods {
		f := &p.floods[i]
		if float(cell[f.at]) < f.least { // then it was worth less still at the last event
			continue
		}
		e, last := &p.clock.windows[f.clock], cellLast(cell)
		if decayed(cell[f.at], e.growth(e.start(last), last)) >= f.least {
			memory = max(memory, f.memory)
		}
	}
	return memory
}
