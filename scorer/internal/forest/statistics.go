package forest

import (
	"encoding/binary"
	"math"
)

// Limits for categorical features.
const (
	// CatBoost's own limit for target statistics: the number of borders below a value fits a byte
	maxStatisticBorders = 255
	maxStatistics       = 32 // of one table and class: bounds computed tables
)

// CatFeature is a categorical input.
type CatFeature struct {
	Name string // may be empty
	Flat int    // position in the input row
}

// OneHot holds conditions on a categorical feature: condition j holds if the hash of the input is
// Values[j].
type OneHot struct {
	Cat    int32 // index into ConditionTrees.Cats
	Values []int32
}

// Combination is what a target statistic is keyed by: the values of categorical features, together
// with the results of conditions on numeric and categorical ones. The order within each list
// matters.
type Combination struct {
	Cats    []int32 // indices into ConditionTrees.Cats
	Floats  []FloatSplit
	OneHots []OneHotSplit
}

// FloatSplit is a condition on a numeric feature: it is above a border.
type FloatSplit struct {
	Feature int32 // index into ConditionTrees.Floats
	Border  float32
}

// OneHotSplit is a condition on a categorical feature: its hash is a value.
type OneHotSplit struct {
	Cat   int32 // index into ConditionTrees.Cats
	Value int32
}

// StatisticKind is a CtrType of CatBoost.
type StatisticKind uint8

const (
	StatBorders StatisticKind = iota
	StatBuckets
	StatBinarizedMean
	StatFloatMean
	StatCounter
	StatFrequency
	StatKinds
)

// StatisticNames are the names of the kinds in JSON.
var StatisticNames = [StatKinds]string{"Borders", "Buckets", "BinarizedTargetMeanValue",
	"FloatTargetMeanValue", "Counter",
	"FeatureFreq"}

// TableID identifies a table of statistics. Statistics with different priors and target borders
// share a table.
type TableID struct {
	Combination Combination
	Kind        StatisticKind
	Classifier  int32 // which binarisation of the target
}

// Key returns equal keys for equal identities.
func (t *TableID) Key() string {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte{byte(t.Kind)}, uint32(t.Classifier))
	b = le.AppendUint32(b, uint32(len(t.Combination.Cats)))
	for _, cat := range t.Combination.Cats {
		b = le.AppendUint32(b, uint32(cat))
	}
	b = le.AppendUint32(b, uint32(len(t.Combination.Floats)))
	for _, f := range t.Combination.Floats {
		b = le.AppendUint32(le.AppendUint32(b, uint32(f.Feature)), math.Float32bits(f.Border))
	}
	for _, o := range t.Combination.OneHots {
		b = le.AppendUint32(le.AppendUint32(b, uint32(o.Cat)), uint32(o.Value))
	}
	return string(b)
}

// Statistic is a feature that CatBoost derives from a table: a number, compared with borders as a
// numeric input is.
type Statistic struct {
	ID           TableID
	Table        int   // index into ConditionTrees.Tables, set by Check
	Target       int32 // which class, or border between classes, is counted as a hit
	Prior, Trust float32
	Shift, Scale float32
	Borders      []float32
}

// StatisticTable has the counts and sums of the training rows for each value of a combination.
type StatisticTable struct {
	ID          TableID
	Hashes      []uint64  // of the combinations seen in training, each once
	Classes     int       // numbers in counts for each hash
	Counts      []int32   // rows of each class for Borders and Buckets, else rows
	Sums        []float32 // means: sum of the targets
	Denominator int32     // Counter and FeatureFreq
}

// NoHash marks an empty bucket of a table: no combination is looked up under it.
const NoHash = math.MaxUint64

// IsMean reports whether a table of the kind has sums of targets.
func (k StatisticKind) IsMean() bool { return k == StatBinarizedMean || k == StatFloatMean }

// isCount reports whether the kind counts rows, relative to the denominator of the table.
func (k StatisticKind) isCount() bool { return k == StatCounter || k == StatFrequency }

// Value returns the statistic for entry i of its table, or for combinations that training did not
// see if i is negative. Like CatBoost, it rounds to float32 at every step.
func (s *Statistic) Value(t *StatisticTable, i int) float32 {
	hits, total := t.entry(s.Target, i)
	v := (hits + s.Prior) / (total + s.Trust)
	return (v + s.Shift) * s.Scale
}

func (t *StatisticTable) entry(target int32, i int) (hits, total float32) {
	switch {
	case t.ID.Kind.isCount() && i < 0:
		return 0, float32(t.Denominator)
	case t.ID.Kind.isCount():
		return float32(t.Counts[i]), float32(t.Denominator)
	case i < 0:
		return 0, 0
	case t.ID.Kind.IsMean():
		return t.Sums[i], float32(t.Counts[i])
	}
	return t.classCounts(target, i)
}

// classCounts returns the rows of the classes above a border, or of the class of a bucket, and of
// all classes. Sums have 32 bits, as CatBoost's do.
func (t *StatisticTable) classCounts(target int32, i int) (hits, total float32) {
	all, above := int32(0), int32(0)
	counts := t.Counts[i*t.Classes:][:t.Classes]
	for class, n := range counts {
		all += n
		if int32(class) > target {
			above += n
		}
	}
	if t.ID.Kind == StatBuckets {
		above = counts[target]
	}
	return float32(above), float32(all)
}

// checkCategorical validates what refers to categorical features, and finds the table of every
// statistic.
func (e *Ensemble) checkCategorical() error {
	for i := range e.Conditions.OneHots {
		if err := e.checkOneHot(&e.Conditions.OneHots[i]); err != nil {
			return err
		}
	}
	tables := map[string]int{}
	for i := range e.Conditions.Tables {
		t := &e.Conditions.Tables[i]
		if _, ok := tables[t.ID.Key()]; ok {
			return Damaged(e.Format, "two tables of statistics for one combination")
		}
		tables[t.ID.Key()] = i
		if err := e.checkTable(t); err != nil {
			return err
		}
	}
	return e.findTables(tables)
}

// findTables finds the table of every statistic by its key, and checks the statistics.
func (e *Ensemble) findTables(tables map[string]int) error {
	t := e.Conditions
	users := make([]int, len(t.Tables))
	for i := range t.Statistics {
		s := &t.Statistics[i]
		at, ok := tables[s.ID.Key()]
		if !ok && len(t.Tables) == 0 {
			return &FormatError{Format: e.Format,
				Reason: "it has target statistics and none of their tables: train it with " +
					"final_ctr_computation_mode=Default, not Skip", Err: ErrExplained}
		}
		if !ok {
			return Damaged(e.Format, "no table for target statistic %d", i)
		}
		s.Table = at
		if users[at]++; users[at] > maxStatistics*(t.Tables[at].Classes+1) {
			return Damaged(e.Format, "%d target statistics share a table", users[at])
		}
		if err := e.checkStatistic(i, s); err != nil {
			return err
		}
	}
	return nil
}

func (e *Ensemble) checkOneHot(o *OneHot) error {
	t := e.Conditions
	if o.Cat < 0 || int(o.Cat) >= len(t.Cats) {
		return Damaged(e.Format, "values of categorical feature %d of %d", o.Cat, len(t.Cats))
	}
	seen := make(map[int32]bool, len(o.Values))
	for _, v := range o.Values {
		if seen[v] {
			return Damaged(e.Format, "value %d of categorical feature %d is listed twice", v, o.Cat)
		}
		seen[v] = true
	}
	return nil
}

func (e *Ensemble) checkStatistic(i int, s *Statistic) error {
	t := &e.Conditions.Tables[s.Table]
	if len(s.Borders) > maxStatisticBorders {
		return Beyond(e.Format, maxStatisticBorders, "target statistic %d has %d borders", i,
			len(s.Borders))
	}
	if j := unsorted(s.Borders); j >= 0 {
		return Damaged(e.Format, "border %d of target statistic %d (%v) is NaN or smaller than "+
			"the previous one", j, i, s.Borders[j])
	}
	byClass := s.ID.Kind == StatBorders || s.ID.Kind == StatBuckets
	if byClass && (s.Target < 0 || int(s.Target) >= t.Classes) {
		return Damaged(e.Format, "target statistic %d is for class %d of %d", i, s.Target,
			t.Classes)
	}
	return nil
}

// checkTable makes sure that what the table refers to exists, and that it has numbers for each
// hash.
func (e *Ensemble) checkTable(t *StatisticTable) error {
	for _, cat := range t.ID.Combination.Cats {
		if cat < 0 || int(cat) >= len(e.Conditions.Cats) {
			return Damaged(e.Format, "statistics of categorical feature %d of %d", cat,
				len(e.Conditions.Cats))
		}
	}
	for _, o := range t.ID.Combination.OneHots {
		if o.Cat < 0 || int(o.Cat) >= len(e.Conditions.Cats) {
			return Damaged(e.Format, "statistics of categorical feature %d of %d", o.Cat,
				len(e.Conditions.Cats))
		}
	}
	for _, f := range t.ID.Combination.Floats {
		if f.Feature < 0 || int(f.Feature) >= len(e.Conditions.Floats) || !(f.Border == f.Border) {
			return Damaged(e.Format, "statistics of border %v of numeric feature %d of %d",
				f.Border, f.Feature, len(e.Conditions.Floats))
		}
	}
	if len(t.Counts) != len(t.Hashes)*t.Classes ||
		t.ID.Kind.IsMean() && len(t.Sums) != len(t.Hashes) {
		return Damaged(e.Format, "%d counts for %d entries of a table of %d classes", len(t.Counts),
			len(t.Hashes), t.Classes)
	}
	return nil
}
