package window

// admission counts the events of keys that have no cell yet, while a shard is at least half full: a
// count-min sketch of two rows (Cormode and Muthukrishnan 2005) with conservative update (Estan and
// Varghese 2002), halved after as many counts as a row is long, so that what a flood counts once
// fades. It errs to the higher side, but for what it forgets: a key may get its cell early, and
// late where its events do not come within a row's length of others'.
type admission struct {
	counts []uint8 // two rows; none before the first count
	added  int     // since the last halving
}

// admissionWidth is the length of a row for each key of a shard's capacity, rounded up to a power
// of two.
const admissionWidth = 4

func widthFor(capacity int) int {
	width := 64
	for width < admissionWidth*capacity {
		width *= 2
	}
	return width
}

// admit counts an event of a key, given by its mixed hash, and reports whether it is the
// threshold-th.
func (a *admission) admit(h uint64, threshold uint8, capacity int) bool {
	if a.counts == nil {
		a.counts = make([]uint8, 2*widthFor(capacity))
	}
	width := uint64(len(a.counts) / 2)
	first := &a.counts[h>>16&(width-1)]
	second := &a.counts[width+h*0xd6e8feb86659fd93>>32&(width-1)]
	n := min(*first, *second)
	if n+1 >= threshold {
		return true
	}
	*first, *second = max(*first, n+1), max(*second, n+1)
	if a.added++; a.added >= int(width) {
		a.age()
	}
	return false
}

func (a *admission) age() {
	a.added = 0
	for i := range a.counts {
		a.counts[i] /= 2
	}
}
