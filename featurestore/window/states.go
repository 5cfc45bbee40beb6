package window

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/headgate/headgate/featurestore/traffic"
)

// state is something that a cell keeps, under the name by which a checkpoint of another release
// finds it again: the name says all that decides what the words mean. Where their meaning changes,
// the name has to.
type state struct {
	name string
	runs []run

	// begin makes the words of a cell that had no such state what they are before the first event;
	// nil: they are zero.
	begin func(cell []uint32)
}

// run is a row of words of a cell.
type run struct{ at, words int }

// states lists what follows a cell's key and time, in the order of the first words.
func (p *plan) states() (all []state) {
	if p.opaque != "" {
		return []state{{name: p.opaque, runs: []run{{headWords, p.words - headWords}}}}
	}
	for _, s := range p.sums {
		all = append(all, state{name: s.name(), runs: []run{{s.at, 1}}})
	}
	for _, o := range p.keyMeasures {
		all = append(all, state{name: fmt.Sprintf("past %v", o.measure),
			runs: []run{{o.at, o.words()}}})
	}
	all = append(all, p.usuals.states()...)
	for _, c := range p.counts {
		all = append(all, c.state())
	}
	for _, d := range p.distincts {
		all = append(all, state{name: fmt.Sprintf("distinct %v %v", d.object, d.pane),
			runs: []run{{d.at, 1}, {d.panes[0], paneWords}, {d.panes[1], paneWords}}})
	}
	if p.first >= 0 {
		all = append(all, state{name: "first", runs: []run{{p.first, 2}}, begin: p.beginFirst})
	}
	for i := range p.gaps {
		all = append(all, p.gaps[i].state())
	}
	if p.opens.at >= 0 {
		all = append(all, state{name: fmt.Sprintf("open %v", p.opens.taus),
			runs: []run{{p.opens.at, p.opens.words()}}})
	}
	if p.hours >= 0 {
		all = append(all, state{name: "hours", runs: []run{{p.hours, hourWords}}})
	}
	if p.agent >= 0 {
		for fact := range traffic.NumAgentFacts {
			all = append(all, state{name: fmt.Sprintf("agent %v", fact),
				runs: []run{{p.agent + int(fact), 1}}, begin: p.forgetAgent})
		}
	}
	slices.SortFunc(all, func(a, b state) int { return cmp.Compare(a.runs[0].at, b.runs[0].at) })
	return all
}

func (s *sum) name() string {
	if s.peak > 0 {
		return fmt.Sprintf("peak %v %v %v", s.measure, s.peak, s.window)
	}
	return fmt.Sprintf("sum %v %v", s.measure, s.window)
}

func (g *gaps) state() state {
	if g.last < 0 {
		return state{name: fmt.Sprintf("gaps %v", g.pane), runs: []run{{g.at, gapWords}}}
	}
	return state{name: fmt.Sprintf("gaps %v %v", g.measure, g.pane),
		runs: []run{{g.at, gapWords}, {g.last, 2}}}
}

func (c *count) state() state {
	s := state{name: c.name(), runs: []run{{c.at, 1}}}
	if at := c.at; c.kind == traffic.FoldLast {
		s.begin = func(cell []uint32) { cell[at] = unread }
	}
	return s
}

func (c *count) name() string {
	switch c.kind {
	case traffic.FoldFraction:
		return fmt.Sprintf("last %v", c.per)
	case traffic.FoldLast:
		return fmt.Sprintf("last %v", c.measure)
	case traffic.FoldStreak:
		return fmt.Sprintf("streak %v", c.measure)
	case traffic.FoldSince:
		return fmt.Sprintf("since %v %v", c.measure, c.per)
	}
	return fmt.Sprintf("seen %v", c.measure)
}

// beginFirst has a key's age count from its last event, before which nothing is known.
func (p *plan) beginFirst(cell []uint32) { copy(cell[p.first:p.first+2], cell[2:4]) }

// forgetAgent has the facts of the user agent read again with the next event; until then they are
// NaN.
func (p *plan) forgetAgent(cell []uint32) {
	for fact := range int(traffic.NumAgentFacts) {
		cell[p.agent+fact] = unread
	}
}

// unread is the NaN of a fact that is not known yet. ParseAgent has no such NaN.
const unread = 0x7fc0dead

// mapping is how a cell of a checkpoint becomes one of a plan.
type mapping struct {
	words  int    // of a cell of the checkpoint
	moves  []move // of what both keep, in the order of the checkpoint's words
	begins []func(cell []uint32)
	same   bool // cells are alike
}

type move struct{ from, to, words int }

// mappingTo finds what a part of a checkpoint and a plan have in common, and names what only one of
// them has.
func (part *checkpointPart) mappingTo(p *plan) (m mapping, lost, begun []string) {
	m.words = int(part.words)
	kept := make(map[string]state, len(part.states))
	for _, s := range part.states {
		kept[s.name] = s
	}
	states := p.states()
	for _, s := range states {
		old, ok := kept[s.name]
		if !ok || !alike(old.runs, s.runs) {
			begun = append(begun, s.name)
			if s.begin != nil {
				m.begins = append(m.begins, s.begin)
			}
			continue
		}
		delete(kept, s.name)
		for i, r := range s.runs {
			m.moves = append(m.moves, move{old.runs[i].at, r.at, r.words})
		}
	}
	for name := range kept {
		lost = append(lost, name)
	}
	slices.Sort(lost)
	m.same = m.words == p.words && slices.EqualFunc(part.states, states, sameState)
	return m, lost, begun
}

func alike(a, b []run) bool {
	return slices.EqualFunc(a, b, func(x, y run) bool { return x.words == y.words })
}

func sameState(a, b state) bool { return a.name == b.name && slices.Equal(a.runs, b.runs) }

// convert makes a cell of zeros what a cell of the checkpoint was.
func (m *mapping) convert(cell, old []uint32) {
	copy(cell, old[:headWords])
	for _, v := range m.moves {
		copy(cell[v.to:v.to+v.words], old[v.from:v.from+v.words])
	}
	for _, begin := range m.begins {
		begin(cell)
	}
}
