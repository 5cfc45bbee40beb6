package scorer

import (
	"encoding/binary"
	"math"
)

// Limits for categorical features.
const (
	maxStatisticBorders = 255 // CatBoost's own limit for target statistics: the number of borders below a value fits a byte
	maxStatistics       = 32  // of one table, for each class it counts: keeps finished tables in proportion to the file
)

// catFeature is a categorical input.
type catFeature struct {
	name string // may be empty
	flat int    // position in the input row
}

// oneHot asks for the values of a categorical feature: condition j holds if the hash of the input is values[j].
type oneHot struct {
	cat    int32 // index into ensemble.cats
	values []int32
}

// combination is what a target statistic is kept for: the values of categorical features, together with the answers to
// conditions on numeric and categorical ones. The order within each list counts.
type combination struct {
	cats    []int32 // indices into ensemble.cats
	floats  []floatSplit
	oneHots []oneHotSplit
}

type floatSplit struct {
	feature int32 // index into ensemble.floats
	border  float32
}

type oneHotSplit struct {
	cat   int32 // index into ensemble.cats
	value int32
}

// statisticKind is a CtrType of CatBoost.
type statisticKind uint8

const (
	statBorders statisticKind = iota
	statBuckets
	statBinarizedMean
	statFloatMean
	statCounter
	statFrequency
	statKinds
)

var statisticNames = [statKinds]string{"Borders", "Buckets", "BinarizedTargetMeanValue", "FloatTargetMeanValue", "Counter",
	"FeatureFreq"}

// tableID says what a table of statistics counts. Statistics of several priors and target borders share a table.
type tableID struct {
	combination combination
	kind        statisticKind
	classifier  int32 // which binarisation of the target
}

// key is equal for equal identities.
func (t *tableID) key() string {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte{byte(t.kind)}, uint32(t.classifier))
	b = le.AppendUint32(b, uint32(len(t.combination.cats)))
	for _, cat := range t.combination.cats {
		b = le.AppendUint32(b, uint32(cat))
	}
	b = le.AppendUint32(b, uint32(len(t.combination.floats)))
	for _, f := range t.combination.floats {
		b = le.AppendUint32(le.AppendUint32(b, uint32(f.feature)), math.Float32bits(f.border))
	}
	for _, o := range t.combination.oneHots {
		b = le.AppendUint32(le.AppendUint32(b, uint32(o.cat)), uint32(o.value))
	}
	return string(b)
}

// statistic is a feature that CatBoost derives from a table: a number, compared with borders as a numeric input is.
type statistic struct {
	id           tableID
	table        int   // index into ensemble.tables, set by check
	target       int32 // which class, or border between classes, is counted as a hit
	prior, trust float32
	shift, scale float32
	borders      []float32
}

// statisticTable is what the training rows with each value of a combination amount to.
type statisticTable struct {
	id          tableID
	hashes      []uint64  // of the combinations seen in training, each once
	classes     int       // numbers in counts for each hash
	counts      []int32   // kinds Borders and Buckets: rows of each class; Counter, FeatureFreq and the means: rows
	sums        []float32 // means: sum of the targets
	denominator int32     // Counter and FeatureFreq
}

// noHash marks an empty place in a table: no combination is looked up under it.
const noHash = math.MaxUint64

func (k statisticKind) isMean() bool  { return k == statBinarizedMean || k == statFloatMean }
func (k statisticKind) isCount() bool { return k == statCounter || k == statFrequency }

// value is the statistic for entry i of its table, or for combinations that training did not see if i is negative. CatBoost
// computes it in float32 at every step.
func (s *statistic) value(t *statisticTable, i int) float32 {
	hits, total := t.entry(s.target, i)
	v := (hits + s.prior) / (total + s.trust)
	return (v + s.shift) * s.scale
}

func (t *statisticTable) entry(target int32, i int) (hits, total float32) {
	switch {
	case t.id.kind.isCount() && i < 0:
		return 0, float32(t.denominator)
	case t.id.kind.isCount():
		return float32(t.counts[i]), float32(t.denominator)
	case i < 0:
		return 0, 0
	case t.id.kind.isMean():
		return t.sums[i], float32(t.counts[i])
	}
	return t.classCounts(target, i)
}

// classCounts: a border counts the classes above it, a bucket one class. Sums are of 32 bits, as CatBoost's are.
func (t *statisticTable) classCounts(target int32, i int) (hits, total float32) {
	all, above := int32(0), int32(0)
	counts := t.counts[i*t.classes:][:t.classes]
	for class, n := range counts {
		all += n
		if int32(class) > target {
			above += n
		}
	}
	if t.id.kind == statBuckets {
		above = counts[target]
	}
	return float32(above), float32(all)
}

// checkCategorical validates what refers to categorical features, and finds the table of every statistic.
func (e *ensemble) checkCategorical() error {
	for i := range e.oneHots {
		if err := e.checkOneHot(&e.oneHots[i]); err != nil {
			return err
		}
	}
	tables := map[string]int{}
	for i := range e.tables {
		t := &e.tables[i]
		if _, ok := tables[t.id.key()]; ok {
			return damaged(e.format, "two tables of statistics for one combination")
		}
		tables[t.id.key()] = i
		if err := e.checkTable(t); err != nil {
			return err
		}
	}
	users := make([]int, len(e.tables))
	for i := range e.statistics {
		s := &e.statistics[i]
		at, ok := tables[s.id.key()]
		if !ok && len(e.tables) == 0 {
			return &FormatError{Format: e.format, Reason: "it has target statistics and none of their tables: train it with final_ctr_computation_mode=Default, " +
				"not Skip", Err: errNamed}
		}
		if !ok {
			return damaged(e.format, "no table for target statistic %d", i)
		}
		s.table = at
		if users[at]++; users[at] > maxStatistics*(e.tables[at].classes+1) {
			return damaged(e.format, "%d target statistics share a table", users[at])
		}
		if err := e.checkStatistic(i, s); err != nil {
			return err
		}
	}
	return nil
}

func (e *ensemble) checkOneHot(o *oneHot) error {
	if o.cat < 0 || int(o.cat) >= len(e.cats) {
		return damaged(e.format, "values of categorical feature %d of %d", o.cat, len(e.cats))
	}
	seen := make(map[int32]bool, len(o.values))
	for _, v := range o.values {
		if seen[v] {
			return damaged(e.format, "value %d of categorical feature %d is listed twice", v, o.cat)
		}
		seen[v] = true
	}
	return nil
}

func (e *ensemble) checkStatistic(i int, s *statistic) error {
	t := &e.tables[s.table]
	if len(s.borders) > maxStatisticBorders {
		return beyond(e.format, maxStatisticBorders, "target statistic %d has %d borders", i, len(s.borders))
	}
	if j := unsorted(s.borders); j >= 0 {
		return damaged(e.format, "border %d of target statistic %d (%v) is NaN or smaller than the one before it", j, i, s.borders[j])
	}
	byClass := s.id.kind == statBorders || s.id.kind == statBuckets
	if byClass && (s.target < 0 || int(s.target) >= t.classes) {
		return damaged(e.format, "target statistic %d is for class %d of %d", i, s.target, t.classes)
	}
	return nil
}

// checkTable makes sure that what the table refers to exists, and that it has numbers for each hash.
func (e *ensemble) checkTable(t *statisticTable) error {
	for _, cat := range t.id.combination.cats {
		if cat < 0 || int(cat) >= len(e.cats) {
			return damaged(e.format, "statistics of categorical feature %d of %d", cat, len(e.cats))
		}
	}
	for _, o := range t.id.combination.oneHots {
		if o.cat < 0 || int(o.cat) >= len(e.cats) {
			return damaged(e.format, "statistics of categorical feature %d of %d", o.cat, len(e.cats))
		}
	}
	for _, f := range t.id.combination.floats {
		if f.feature < 0 || int(f.feature) >= len(e.floats) || !(f.border == f.border) {
			return damaged(e.format, "statistics of border %v of numeric feature %d of %d", f.border, f.feature, len(e.floats))
		}
	}
	if len(t.counts) != len(t.hashes)*t.classes || t.id.kind.isMean() && len(t.sums) != len(t.hashes) {
		return damaged(e.format, "%d counts for %d entries of a table of %d classes", len(t.counts), len(t.hashes), t.classes)
	}
	return nil
}
