package scorer

import (
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// setLayout merges the columns of several models, and has for each column of a model its column in
// the set.
type setLayout struct {
	columns     columns
	columnIndex [][]uint16
	catIndex    [][]int32 // by model: index into columns.cats of the set for that of the model
	numberAt    map[numberColumn]int
}

// newSetLayout merges kind by kind, since the columns of the set are in the order of kinds too.
// positions are those of the models' inputs among those of the set. NewSet refuses a set of more
// columns than 16 bits can number; until then it does no harm.
func newSetLayout(models []*Model, positions [][]int32, inputs int) *setLayout {
	l := &setLayout{columnIndex: make([][]uint16, len(models)),
		catIndex: make([][]int32, len(models)),
		numberAt: map[numberColumn]int{}}
	l.columns.inputs = inputs
	for i, m := range models {
		l.columnIndex[i] = make([]uint16, m.columns.count)
		l.mergeNumbers(i, &m.columns, positions[i])
	}
	l.columns.count = len(l.columns.numbers)
	for i, m := range models {
		l.mergeValues(i, &m.columns, positions[i])
	}
	l.numberValues(models)
	for i, m := range models {
		for j := range m.columns.combinations {
			l.mergeCombined(i, &m.columns.combinations[j])
		}
	}
	return l
}

func (l *setLayout) mergeNumbers(model int, c *columns, positions []int32) {
	for i, n := range c.numbers {
		n.flat = positions[n.flat]
		at, ok := l.numberAt[n]
		if !ok {
			at = len(l.columns.numbers)
			l.numberAt[n] = at
			l.columns.numbers = append(l.columns.numbers, n)
		}
		l.columnIndex[model][i] = uint16(at)
	}
}

// mergeValues merges the categorical inputs and collects the values that any model knows of them.
func (l *setLayout) mergeValues(model int, c *columns, positions []int32) {
	for _, flat := range c.cats {
		at := slices.Index(l.columns.cats, positions[flat])
		if at < 0 {
			at = len(l.columns.cats)
			l.columns.cats = append(l.columns.cats, positions[flat])
		}
		l.catIndex[model] = append(l.catIndex[model], int32(at))
	}
	for _, o := range c.oneHots {
		known := l.oneHots(l.catIndex[model][o.cat])
		known.values = append(known.values, o.values...)
		slices.Sort(known.values)
		known.values = slices.Compact(known.values)
	}
}

// oneHots returns the columns of the known values of a categorical input of the set, new ones if
// there are none.
func (l *setLayout) oneHots(cat int32) *oneHotColumns {
	all := &l.columns.oneHots
	at := slices.IndexFunc(*all, func(o oneHotColumns) bool { return o.cat == cat })
	if at < 0 {
		at = len(*all)
		*all = append(*all, oneHotColumns{cat: cat})
	}
	return &(*all)[at]
}

// numberValues numbers the columns of known values.
func (l *setLayout) numberValues(models []*Model) {
	for i := range l.columns.oneHots {
		o := &l.columns.oneHots[i]
		o.first = int32(l.columns.count)
		l.columns.count += len(o.values)
	}
	for i, m := range models {
		for _, o := range m.columns.oneHots {
			merged := l.oneHots(l.catIndex[i][o.cat])
			for j, v := range o.values {
				at, _ := slices.BinarySearch(merged.values, v)
				l.columnIndex[i][int(o.first)+j] = uint16(int(merged.first) + at)
			}
		}
	}
}

// mergeCombined translates a combination to the columns of the set, and adds its tables to an equal
// one.
func (l *setLayout) mergeCombined(model int, c *combination) {
	moved := combination{}
	for _, cat := range c.cats {
		moved.cats = append(moved.cats, l.catIndex[model][cat])
	}
	for _, n := range c.numbers {
		moved.numbers = append(moved.numbers, keyCondition{border: n.border,
			column: l.columnIndex[model][n.column]})
	}
	for _, o := range c.oneHots {
		moved.oneHots = append(moved.oneHots, forest.OneHotSplit{Cat: l.catIndex[model][o.Cat],
			Value: o.Value})
	}
	all := &l.columns.combinations
	at := slices.IndexFunc(*all, moved.same)
	if at < 0 {
		at = len(*all)
		*all = append(*all, moved)
	}
	for i := range c.probes {
		l.mergeProbe(&(*all)[at], model, &c.probes[i])
	}
}

// same reports whether two combinations have the same hash for every row.
func (c *combination) same(other combination) bool {
	return slices.Equal(c.cats, other.cats) && slices.Equal(c.numbers, other.numbers) &&
		slices.Equal(c.oneHots, other.oneHots)
}

// mergeProbe shares a table of the same statistics; a table with any difference, such as that of a
// model trained on other data, is looked up separately.
func (l *setLayout) mergeProbe(c *combination, model int, p *probe) {
	at := slices.IndexFunc(c.probes, func(known probe) bool {
		return slices.Equal(known.hashes, p.hashes) && slices.Equal(known.bins, p.bins) &&
			slices.Equal(known.unseen, p.unseen)
	})
	if at < 0 {
		at = len(c.probes)
		moved := *p
		moved.first = int32(l.columns.count)
		l.columns.count += p.width
		c.probes = append(c.probes, moved)
	}
	for j := range p.width {
		column := int(c.probes[at].first) + j
		l.columnIndex[model][int(p.first)+j] = uint16(column)
	}
}

// over returns the same trees over the columns of a set.
func (f *oblivious) over(c *columns, columnOf []uint16) *oblivious {
	moved := *f
	moved.columns, moved.blocks = c, nil
	moved.splits = slices.Clone(f.splits)
	for i := range moved.splits {
		if s := &moved.splits[i]; *s != never {
			s.column = columnOf[s.column]
		}
	}
	return &moved
}

// over returns the same trees over the columns of a set.
func (a *asymmetric) over(c *columns, columnOf []uint16) *asymmetric {
	moved := *a
	moved.columns = c
	moved.nodes = slices.Clone(a.nodes)
	for i := range moved.nodes {
		n := &moved.nodes[i]
		n.column = columnOf[n.column]
	}
	return &moved
}
