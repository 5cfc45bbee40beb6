package scorer

import (
	"strconv"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// describe lists the positions of the input row.
func describe(e *forest.Ensemble) []Feature {
	var features []Feature
	if e.Binary != nil {
		features = describeBinary(e)
	} else {
		features = describeConditions(e)
	}
	for i := range features {
		if features[i].Name == "" {
			features[i].Name = strconv.Itoa(i)
		}
	}
	return features
}

// describeConditions describes the inputs of trees over conditions. The model ignores positions
// that the file does not mention.
func describeConditions(e *forest.Ensemble) []Feature {
	t := e.Conditions
	features := make([]Feature, t.InputCount())
	for i := range t.Floats {
		f := &t.Floats[i]
		features[f.Flat] = Feature{Name: f.Name, Borders: len(f.Borders)}
		if f.HighNaN {
			features[f.Flat].NaN = NaNHigh
		}
	}
	for i := range t.Cats {
		features[t.Cats[i].Flat] = Feature{Name: t.Cats[i].Name, Kind: Categorical}
	}
	for i := range t.OneHots {
		features[t.Cats[t.OneHots[i].Cat].Flat].Borders += len(t.OneHots[i].Values)
	}
	for i := range t.Statistics {
		for _, cat := range t.Statistics[i].ID.Combination.Cats {
			features[t.Cats[cat].Flat].Borders += len(t.Statistics[i].Borders)
		}
	}
	countSplits(t, features)
	return features
}

// countSplits counts for each feature the splits that compare it. A split on a combination of
// categories counts for each of them.
func countSplits(t *forest.ConditionTrees, features []Feature) {
	owners := make([][]int32, 0, t.ConditionCount()) // positions of the inputs behind each split id
	own := func(count int, flats ...int32) {
		for range count {
			owners = append(owners, flats)
		}
	}
	for i := range t.Floats {
		own(len(t.Floats[i].Borders), int32(t.Floats[i].Flat))
	}
	for i := range t.OneHots {
		own(len(t.OneHots[i].Values), int32(t.Cats[t.OneHots[i].Cat].Flat))
	}
	for i := range t.Statistics {
		var flats []int32
		for _, cat := range t.Statistics[i].ID.Combination.Cats {
			flats = append(flats, int32(t.Cats[cat].Flat))
		}
		own(len(t.Statistics[i].Borders), flats...)
	}
	count := func(id int32) {
		for _, flat := range owners[id] {
			features[flat].Splits++
		}
	}
	for _, id := range t.Splits {
		count(id)
	}
	for i := range t.Nodes {
		count(t.Nodes[i].Split)
	}
}

// describeBinary describes the inputs of binary trees. Each split says on which side missing values
// are.
func describeBinary(e *forest.Ensemble) []Feature {
	b := e.Binary
	features := make([]Feature, len(b.Names))
	type border struct{ feature, key int32 }
	seen := map[border]bool{}
	for i := range b.Splits {
		s := &b.Splits[i]
		f := &features[s.Feature]
		f.Splits++
		if s.Kind != forest.NumericSplit {
			f.Kind = Categorical
			f.Borders++
		} else if key := (border{s.Feature, s.Border}); !seen[key] {
			seen[key] = true
			f.Borders++
		}
	}
	for i := range features {
		features[i].Name, features[i].NaN = b.Names[i], NaNBySplit
	}
	return features
}
