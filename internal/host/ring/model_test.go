package ring_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/headgate/headgate/internal/host/ring"
)

// A naive model of the ring: a list of cells in the order of their claims.
type model struct {
	cells []*modelCell
	held  bool
	lost  uint64
}

type modelCell struct {
	id    uint64
	claim ring.Claim
	full  bool // committed, with an event
	void  bool // committed, abandoned
}

func (m *model) next(dead bool) (uint64, bool) {
	if m.held {
		m.cells, m.held = m.cells[1:], false
	}
	for len(m.cells) > 0 {
		first := m.cells[0]
		if first.full {
			m.held = true
			return first.id, true
		}
		if !first.void && !dead {
			break
		}
		if !first.void {
			m.lost++
		}
		m.cells = m.cells[1:]
	}
	return 0, false
}

func TestAgainstModel(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		size := 2 << rng.IntN(5)
		dead := false
		p, _, mem := newPair(t, ring.Config{Cells: size, CellSize: 64})
		c := mustAttach(t, mem, func() bool { return dead })
		m := &model{}
		next := func(step uint64) {
			t.Helper()
			payload, ok := c.Next(nil)
			id, want := m.next(dead)
			if ok != want || ok && number(payload, 0) != id {
				t.Fatalf("seed %d step %d: next %v %v, want %d %v", seed, step, payload, ok, id,
					want)
			}
		}
		for step := range uint64(2000) {
			switch rng.IntN(10) {
			case 0, 1, 2:
				claim, ok := p.Claim()
				if want := len(m.cells) < size; ok != want {
					t.Fatalf("seed %d step %d: claim %v with %d of %d cells", seed, step, ok,
						len(m.cells), size)
				}
				if ok {
					m.cells = append(m.cells, &modelCell{id: step, claim: claim})
				}
			case 3, 4, 5:
				if len(m.cells) == 0 {
					continue
				}
				cell := m.cells[rng.IntN(len(m.cells))]
				if cell.full || cell.void {
					continue
				}
				if cell.void = rng.IntN(5) == 0; cell.void {
					cell.claim.Commit(nil)
				} else {
					cell.full = true
					cell.claim.Commit(binary.LittleEndian.AppendUint64(cell.claim.Bytes(), cell.id))
				}
			case 6:
				if rng.IntN(8) == 0 { // the consumer dies
					c, m.held = mustAttach(t, mem, func() bool { return dead }), false
				}
			default:
				next(step)
			}
		}
		dead = true
		for step := uint64(2000); !c.Drained(); step++ {
			next(step)
		}
		if counts := c.Counts(); counts.Lost != m.lost || counts.Damaged+counts.Resyncs != 0 {
			t.Fatalf("seed %d: %+v, want %d lost", seed, counts, m.lost)
		}
	}
}
