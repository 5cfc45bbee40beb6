package scorer

// countSplits counts for each feature the splits of trees that look at it. A condition on a combination of categories counts for
// each of them.
func (e *ensemble) countSplits(features []Feature) {
	owners := make([][]int32, 0, e.splitIDs()) // positions of the inputs behind each split id
	own := func(count int, flats ...int32) {
		for range count {
			owners = append(owners, flats)
		}
	}
	for i := range e.floats {
		own(len(e.floats[i].borders), int32(e.floats[i].flat))
	}
	for i := range e.oneHots {
		own(len(e.oneHots[i].values), int32(e.cats[e.oneHots[i].cat].flat))
	}
	for i := range e.statistics {
		var flats []int32
		for _, cat := range e.statistics[i].id.combination.cats {
			flats = append(flats, int32(e.cats[cat].flat))
		}
		own(len(e.statistics[i].borders), flats...)
	}
	count := func(id int32) {
		for _, flat := range owners[id] {
			features[flat].Splits++
		}
	}
	for _, id := range e.splits {
		count(id)
	}
	for i := range e.nodes {
		count(e.nodes[i].split)
	}
}
