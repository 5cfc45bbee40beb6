package window

import (
	"cmp"
	"slices"
)

// restoredPart is a dimension that is being restored.
type restoredPart struct {
	keptPart
	mapping mapping
	words   int // of the checkpoint's cells
	// the shards of the checkpoint are those of this configuration: each key keeps its place
	exact  bool
	hands  [][]uint32 // where they are not: the cells for each shard, one after the other
	latest int64      // events that are later are damage
	left   uint64     // keys that found no room, or were damaged
}

func (r *checkpointReader) readPart(p *restoredPart, shards uint64) error {
	if !p.exact {
		p.hands = make([][]uint32, len(p.shards))
	}
	for i := range shards {
		var err error
		if p.exact {
			err = r.readShard(p, p.shards[i])
		} else {
			err = r.readLoose(p)
		}
		if err != nil {
			return err
		}
	}
	return p.rehome()
}

// readShard makes a shard what it was, as far as it keeps the same of a key.
func (r *checkpointReader) readShard(p *restoredPart, s *shard) error {
	head, err := r.readHead(p.words)
	if err != nil {
		return err
	}
	width := 2 * widthFor(s.capacity)
	if head.places > s.capacity || head.random == 0 || head.sketch != 0 && head.sketch != width ||
		int64(head.added) > int64(width) {
		return damaged("a shard that this release does not make")
	}
	if err := r.readCells(p, s, head.places); err != nil {
		return err
	}
	if head.sketch > 0 {
		s.admission = admission{counts: make([]uint8, head.sketch), added: int(head.added)}
		if err := r.readInto(s.admission.counts, pieceBytes); err != nil {
			return err
		}
	}
	s.random = head.random
	if err := r.checkHash(); err != nil {
		return err
	}
	return p.adopt(s, head.places)
}

// readCells fills the places of an empty shard.
func (r *checkpointReader) readCells(p *restoredPart, s *shard, places int) error {
	own := s.plan.words
	s.cells = make([]uint32, places*own)
	adviseHuge(wholePages(s.cells))
	if p.mapping.same {
		return r.readInto(wordBytes(s.cells), cellsBytes(own))
	}
	rest := s.cells
	return r.eachPiece(places, p.words, func(cells []uint32) error {
		for old := range slices.Chunk(cells, p.words) {
			if cellKey(old) != 0 {
				p.mapping.convert(rest[:own], old)
			}
			rest = rest[own:]
		}
		return nil
	})
}

// adopt takes up the cells that a shard was filled with.
func (p *restoredPart) adopt(s *shard, places int) error {
	s.minutes = make([]int32, places)
	s.free, s.dirty, s.known = s.free.grown(places), s.dirty.grown(places), s.known.grown(places)
	s.index.reserve(places)
	for place := range uint32(places) {
		cell := s.cell(place)
		key := cellKey(cell)
		if key != 0 && p.plan.cellStamp(cell) > p.latest {
			setKey(cell, 0)
			key = 0
			p.left++
		}
		if key == 0 {
			s.free.set(place)
			s.spare++
			continue
		}
		if err := s.enter(key, place); err != nil {
			return err
		}
	}
	return nil
}

// enter takes up the cell at a place that is not in the index yet.
func (s *shard) enter(key uint64, place uint32) error {
	h, cell := mix(key), s.cell(place)
	if s.find(key, h) != none {
		return damaged("a key stands twice")
	}
	if !s.plan.sound(cell) {
		return damaged("a cell leads out of itself")
	}
	s.index.insert(uint32(h), place)
	s.minutes[place] = minuteNumber(s.plan.cellStamp(cell))
	s.dirty.set(place)
	return nil
}

// readLoose deals the cells of a shard of another configuration to those of this one. Hands are cut
// where they have twice what they may keep, so that a large checkpoint takes little memory.
func (r *checkpointReader) readLoose(p *restoredPart) error {
	head, err := r.readHead(p.words)
	if err != nil {
		return err
	}
	shift := shiftFor(len(p.shards))
	err = r.eachPiece(head.places, p.words, func(cells []uint32) error {
		for old := range slices.Chunk(cells, p.words) {
			if key := cellKey(old); key != 0 {
				p.deal(mix(key)>>shift, old)
			}
		}
		return nil
	})
	if err == nil {
		err = r.skipToEnd(head.sketch)
	}
	return err
}

func (p *restoredPart) deal(shard uint64, old []uint32) {
	if cellLast(old) > p.latest {
		p.left++
		return
	}
	own, hand := p.plan.words, p.hands[shard]
	if capacity := p.shards[shard].capacity; len(hand) >= 2*own*max(capacity, minHand) {
		hand = p.cut(hand, capacity)
	}
	at := len(hand)
	hand = append(hand, make([]uint32, own)...)
	p.mapping.convert(hand[at:], old)
	p.hands[shard] = hand
}

// minHand is the number of cells up to twice which cutting does not pay.
const minHand = 64

// cut leaves the most recently active cells of a hand, in that order.
func (p *restoredPart) cut(hand []uint32, capacity int) []uint32 {
	own := p.plan.words
	order := slices.Collect(slices.Chunk(hand, own))
	slices.SortFunc(order, func(a, b []uint32) int {
		return cmp.Or(cmp.Compare(cellLast(b), cellLast(a)), cmp.Compare(cellKey(a), cellKey(b)))
	})
	if len(order) > capacity {
		p.left += uint64(len(order) - capacity)
		order = order[:capacity]
	}
	return slices.Concat(order...)
}

// rehome puts what was dealt into the shards.
func (p *restoredPart) rehome() error {
	for i, hand := range p.hands {
		s, own := p.shards[i], p.plan.words
		hand = p.cut(hand, s.capacity)
		p.hands[i] = nil
		n := len(hand) / own
		s.reserve(n)
		s.index.reserve(n)
		for cell := range slices.Chunk(hand, own) {
			place := s.append()
			copy(s.cell(place), cell)
			if err := s.enter(cellKey(cell), place); err != nil {
				return err
			}
		}
	}
	return nil
}
