package scorer

import (
	"slices"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// columnLayout builds the columns of an ensemble, and the condition of each split id.
type columnLayout struct {
	format      string
	trees       *forest.ConditionTrees
	columns     columns
	conditions  []keyCondition // by split id
	numberIndex []int32        // column of each numeric feature, or -1
	catIndex    []int32        // index into columns.cats of each categorical feature, or -1
}

// newColumns lays out the columns of an ensemble that passed its check.
func newColumns(e *forest.Ensemble) (columns, []keyCondition, error) {
	l := &columnLayout{format: e.Format, trees: e.Conditions,
		catIndex: slices.Repeat([]int32{-1}, len(e.Conditions.Cats))}
	l.columns.inputs = e.Conditions.InputCount()
	l.addNumbers()
	for i := range e.Conditions.OneHots {
		l.addOneHot(&e.Conditions.OneHots[i])
	}
	if err := l.addStatistics(); err != nil {
		return columns{}, nil, err
	}
	return l.columns, l.conditions, nil
}

// addNumbers adds a column for each numeric feature that has borders or is part of a combination.
func (l *columnLayout) addNumbers() {
	combined := map[int32]bool{}
	for i := range l.trees.Tables {
		for _, f := range l.trees.Tables[i].ID.Combination.Floats {
			combined[f.Feature] = true
		}
	}
	for i := range l.trees.Floats {
		in := &l.trees.Floats[i]
		for _, border := range in.Borders {
			l.conditions = append(l.conditions, keyCondition{border: forest.OrderKey(border),
				column: uint16(l.columns.count)})
		}
		if len(in.Borders) == 0 && !combined[int32(i)] {
			l.numberIndex = append(l.numberIndex, -1)
			continue
		}
		l.numberIndex = append(l.numberIndex, int32(l.columns.count))
		l.columns.numbers = append(l.columns.numbers, numberColumn{flat: int32(in.Flat),
			missing: missingKey(in.HighNaN)})
		l.columns.count++
	}
}

// addOneHot sorts the values for the search; their conditions stay in the order of the file.
func (l *columnLayout) addOneHot(o *forest.OneHot) {
	if len(o.Values) == 0 {
		return
	}
	sorted := slices.Clone(o.Values)
	slices.Sort(sorted)
	for _, v := range o.Values {
		at, _ := slices.BinarySearch(sorted, v)
		l.conditions = append(l.conditions, keyCondition{border: 0,
			column: uint16(l.columns.count + at)})
	}
	l.columns.oneHots = append(l.columns.oneHots,
		oneHotColumns{cat: l.cat(o.Cat), first: int32(l.columns.count), values: sorted})
	l.columns.count += len(sorted)
}

// addStatistics adds a column for each statistic: statistics of one table are adjacent, in the
// order of the file.
func (l *columnLayout) addStatistics() error {
	users := make([][]*forest.Statistic, len(l.trees.Tables))
	for i := range l.trees.Statistics {
		s := &l.trees.Statistics[i]
		users[s.Table] = append(users[s.Table], s)
	}
	combinedAt := map[string]int{}
	columnOf := make(map[*forest.Statistic]int, len(l.trees.Statistics))
	for i := range l.trees.Tables {
		if len(users[i]) == 0 {
			continue
		}
		p, ok := newProbe(int32(l.columns.count), &l.trees.Tables[i], users[i])
		if !ok {
			return forest.Damaged(l.format,
				"entries of table %d of statistics are alike or collide", i)
		}
		for j, s := range users[i] {
			columnOf[s] = l.columns.count + j
		}
		l.columns.count += p.width
		l.addProbe(combinedAt, l.trees.Tables[i].ID, p)
	}
	for i := range l.trees.Statistics {
		s := &l.trees.Statistics[i]
		for j := range s.Borders {
			l.conditions = append(l.conditions, keyCondition{border: int32(j),
				column: uint16(columnOf[s])})
		}
	}
	return nil
}

// addProbe adds a table to its combination, whose hash is used for all of its tables.
func (l *columnLayout) addProbe(combinedAt map[string]int, id forest.TableID, p probe) {
	key := (&forest.TableID{Combination: id.Combination}).Key()
	at, ok := combinedAt[key]
	if !ok {
		at = len(l.columns.combinations)
		combinedAt[key] = at
		l.columns.combinations = append(l.columns.combinations, l.combine(&id.Combination))
	}
	in := &l.columns.combinations[at]
	in.probes = append(in.probes, p)
}

func (l *columnLayout) combine(c *forest.Combination) combination {
	var out combination
	for _, cat := range c.Cats {
		out.cats = append(out.cats, l.cat(cat))
	}
	for _, f := range c.Floats {
		out.numbers = append(out.numbers, keyCondition{border: forest.OrderKey(f.Border),
			column: uint16(l.numberIndex[f.Feature])})
	}
	for _, o := range c.OneHots {
		out.oneHots = append(out.oneHots, forest.OneHotSplit{Cat: l.cat(o.Cat), Value: o.Value})
	}
	return out
}

// cat returns the index of a categorical feature's hash.
func (l *columnLayout) cat(feature int32) int32 {
	if l.catIndex[feature] < 0 {
		l.catIndex[feature] = int32(len(l.columns.cats))
		l.columns.cats = append(l.columns.cats, int32(l.trees.Cats[feature].Flat))
	}
	return l.catIndex[feature]
}
