package scorer

import "slices"

// columnLayout builds the columns of an ensemble, and the condition that each split id stands for.
type columnLayout struct {
	e          *ensemble
	columns    columns
	conditions []keyCondition // by split id
	numberOf   []int32        // column of each numeric feature, or -1
	catOf      []int32        // index into columns.cats of each categorical feature, or -1
}

// newColumns lays out the columns of an ensemble that passed its check.
func newColumns(e *ensemble) (columns, []keyCondition, error) {
	l := &columnLayout{e: e, catOf: slices.Repeat([]int32{-1}, len(e.cats))}
	l.columns.inputs = e.inputs()
	l.addNumbers()
	for i := range e.oneHots {
		l.addOneHot(&e.oneHots[i])
	}
	if err := l.addStatistics(); err != nil {
		return columns{}, nil, err
	}
	return l.columns, l.conditions, nil
}

// addNumbers makes a column of each numeric feature with borders. A feature that only combinations look at has borders too: those.
func (l *columnLayout) addNumbers() {
	combined := map[int32]bool{}
	for i := range l.e.tables {
		for _, f := range l.e.tables[i].id.combination.floats {
			combined[f.feature] = true
		}
	}
	for i := range l.e.floats {
		in := &l.e.floats[i]
		for _, border := range in.borders {
			l.conditions = append(l.conditions, keyCondition{border: orderKey(border), column: uint16(l.columns.count)})
		}
		if len(in.borders) == 0 && !combined[int32(i)] {
			l.numberOf = append(l.numberOf, -1)
			continue
		}
		l.numberOf = append(l.numberOf, int32(l.columns.count))
		l.columns.numbers = append(l.columns.numbers, numberColumn{flat: int32(in.flat), missing: missingKey(in.nan)})
		l.columns.count++
	}
}

// addOneHot sorts the values, for the search, but gives the conditions in the order of the file.
func (l *columnLayout) addOneHot(o *oneHot) {
	if len(o.values) == 0 {
		return
	}
	sorted := slices.Clone(o.values)
	slices.Sort(sorted)
	for _, v := range o.values {
		at, _ := slices.BinarySearch(sorted, v)
		l.conditions = append(l.conditions, keyCondition{border: 0, column: uint16(l.columns.count + at)})
	}
	l.columns.oneHots = append(l.columns.oneHots,
		oneHotColumns{cat: l.cat(o.cat), first: int32(l.columns.count), values: sorted})
	l.columns.count += len(sorted)
}

// addStatistics makes a column of each statistic: those of one table next to each other, in the order of the file.
func (l *columnLayout) addStatistics() error {
	users := make([][]*statistic, len(l.e.tables))
	for i := range l.e.statistics {
		s := &l.e.statistics[i]
		users[s.table] = append(users[s.table], s)
	}
	combinedAt := map[string]int{}
	columnOf := make(map[*statistic]int, len(l.e.statistics))
	for i := range l.e.tables {
		if len(users[i]) == 0 {
			continue
		}
		p, ok := newProbe(int32(l.columns.count), &l.e.tables[i], users[i])
		if !ok {
			return damaged(l.e.format, "entries of table %d of statistics are alike or collide", i)
		}
		for j, s := range users[i] {
			columnOf[s] = l.columns.count + j
		}
		l.columns.count += p.width
		l.addProbe(combinedAt, l.e.tables[i].id, p)
	}
	for i := range l.e.statistics {
		s := &l.e.statistics[i]
		for j := range s.borders {
			l.conditions = append(l.conditions, keyCondition{border: int32(j), column: uint16(columnOf[s])})
		}
	}
	return nil
}

// addProbe adds a table to its combination, whose hash serves all tables of it.
func (l *columnLayout) addProbe(combinedAt map[string]int, id tableID, p probe) {
	key := (&tableID{combination: id.combination}).key()
	at, ok := combinedAt[key]
	if !ok {
		at = len(l.columns.combined)
		combinedAt[key] = at
		l.columns.combined = append(l.columns.combined, l.combine(&id.combination))
	}
	in := &l.columns.combined[at]
	in.probes = append(in.probes, p)
}

func (l *columnLayout) combine(c *combination) combined {
	var out combined
	for _, cat := range c.cats {
		out.cats = append(out.cats, l.cat(cat))
	}
	for _, f := range c.floats {
		out.numbers = append(out.numbers, keyCondition{border: orderKey(f.border), column: uint16(l.numberOf[f.feature])})
	}
	for _, o := range c.oneHots {
		out.oneHots = append(out.oneHots, oneHotSplit{cat: l.cat(o.cat), value: o.value})
	}
	return out
}

// cat returns the place of the hash of a categorical feature.
func (l *columnLayout) cat(feature int32) int32 {
	if l.catOf[feature] < 0 {
		l.catOf[feature] = int32(len(l.columns.cats))
		l.columns.cats = append(l.columns.cats, int32(l.e.cats[feature].flat))
	}
	return l.catOf[feature]
}
