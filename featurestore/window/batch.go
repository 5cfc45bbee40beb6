package window

import (
	"sync"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/base/prefetch"
)

// Observations are folded in batches, and within a batch in blocks: first the index slots of all
// keys of a block are asked for, then the beginnings of their cells, then all lines of each cell
// while those before it are folded. So the waits of a block overlap; one by one they would be most
// of the time at a million keys. Nearly every slot and every beginning lies in a page of its own:
// what is waited for there is the page's address more than the line.
const (
	blockSize   = 16
	ahead       = 6 // visits
	batchSize   = 64
	sharedBatch = 1024 // where several goroutines fold it: starting them costs microseconds
)

// folder is what one of the goroutines that fold keeps to itself.
type folder struct {
	// it folds into the shards of which this is the number modulo the number of folders
	number  int
	effects [blockSize]effect // of the observations of a block
	visits  [blockSize * int(traffic.NumDimensions)]visit
	lines   [blockSize * int(traffic.NumDimensions)]prefetch.Line
	late    effect
	_       [64]byte
}

// visit is one key of one observation.
type visit struct {
	shard     *shard
	effect    *effect
	key, hash uint64
	guess     uint32 // probably its place
}

// crew folds batches, on the caller's goroutine where there is one folder, and on as many others
// where there are more.
type crew struct {
	tables  []*table
	intake  *intake
	folders []folder
	batch   []traffic.Observation // being filled
	other   []traffic.Observation // being folded, or empty
	running sync.WaitGroup
}

func newCrew(tables []*table, intake *intake, clock *clock, workers int) *crew {
	c := &crew{tables: tables, intake: intake, folders: make([]folder, workers)}
	for i := range c.folders {
		f := &c.folders[i]
		f.number, f.late = i, clock.effect()
		for k := range f.effects {
			f.effects[k] = clock.effect()
		}
	}
	size := batchSize
	if workers > 1 {
		size = sharedBatch
		c.other = make([]traffic.Observation, 0, size)
	}
	c.batch = make([]traffic.Observation, 0, size)
	return c
}

// next returns an observation to fill.
func (c *crew) next() *traffic.Observation {
	if len(c.batch) == cap(c.batch) {
		c.start()
	}
	c.batch = c.batch[:len(c.batch)+1]
	return &c.batch[len(c.batch)-1]
}

// start folds the batch, in the background where there are several folders.
func (c *crew) start() {
	c.intake.fillAll(c.batch)
	if len(c.folders) == 1 {
		c.fold(&c.folders[0], c.batch)
		c.batch = c.batch[:0]
		return
	}
	c.running.Wait()
	c.batch, c.other = c.other[:0], c.batch
	c.running.Add(len(c.folders))
	for i := range c.folders {
		go func() {
			c.fold(&c.folders[i], c.other)
			c.running.Done()
		}()
	}
}

// settle folds what waits and returns when all is folded.
func (c *crew) settle() {
	if len(c.batch) > 0 {
		c.start()
	}
	c.running.Wait()
}

func (c *crew) fold(f *folder, batch []traffic.Observation) {
	for len(batch) > 0 {
		n := min(len(batch), blockSize)
		visits := c.visits(f, batch[:n])
		for i := range batch[:n] {
			f.effects[i].set(&batch[i], batch[i].Time)
		}
		f.find(visits)
		for i := range len(visits) + ahead {
			if i < len(visits) {
				visits[i].prefetch()
			}
			if i >= ahead {
				visits[i-ahead].fold(&f.late)
			}
		}
		batch = batch[n:]
	}
}

// visits returns the keys of a block and asks for their slots in the index.
func (c *crew) visits(f *folder, block []traffic.Observation) []visit {
	n := 0
	for i := range block {
		o, e := &block[i], &f.effects[i]
		for _, t := range c.tables {
			key := o.Keys[t.dimension]
			if key == 0 {
				continue
			}
			h := mix(key)
			number := h >> t.shift
			if len(c.folders) > 1 && int(number)%len(c.folders) != f.number {
				continue
			}
			s := &t.shards[number]
			f.lines[n] = prefetch.CacheLine(&s.index.slots[uint32(h)&s.index.mask])
			// Field by field: a value built elsewhere and copied is read in wider words than it was
			// written, for which the processor waits until the stores, and so all loads before
			// them, are done.
			v := &f.visits[n]
			v.shard, v.effect, v.key, v.hash = s, e, key, h
			n++
		}
	}
	prefetch.Lines(f.lines[:n])
	return f.visits[:n]
}

// find guesses the places, and asks for the beginnings of their cells.
func (f *folder) find(visits []visit) {
	n := 0
	for i := range visits {
		v := &visits[i]
		if v.guess = v.shard.index.first(uint32(v.hash)); v.guess != none {
			f.lines[n] = prefetch.CacheLine(&v.shard.cells[int(v.guess)*v.shard.plan.words])
			n++
		}
	}
	prefetch.Lines(f.lines[:n])
}

// prefetch asks for all that fold changes.
func (v *visit) prefetch() {
	if v.guess != none {
		v.shard.prefetch(v.guess, v.effect)
	}
}

func (v *visit) fold(late *effect) { v.shard.add(v.key, v.hash, v.guess, v.effect, late) }
