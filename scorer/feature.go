package scorer

import "strconv"

// Feature describes one position of the input row.
type Feature struct {
	// Name is the name in the model file, or the position as a decimal number if the file has none.
	// Names are not guaranteed to be distinct. FeatureIndex finds the position of one.
	Name string
	// Kind says what values the feature takes.
	Kind FeatureKind
	// Borders is the number of conditions that the model puts to the feature: thresholds of a numeric one, known values and
	// borders of statistics of a categorical one. 0 means that the model does not look at it.
	Borders int
	// Splits is the number of splits of the model's trees that look at the feature: a coarse measure of its importance.
	Splits int
	// NaN says how a missing value of a numeric feature is treated.
	NaN NaNMode
}

// FeatureIndex returns the position of the feature of a name among Features, which is its place in
// the slices given to Raw and in a Row. It is not ok if no feature has the name, or more than one.
// It looks at all names: find positions once, not for every row.
func (m *Model) FeatureIndex(name string) (i int, ok bool) { return indexOf(m.features, name) }

// FeatureIndex returns the position of the feature of a name among Features of the set; ok is false
// if there is none.
func (s *Set) FeatureIndex(name string) (i int, ok bool) { return indexOf(s.features, name) }

// indexOf finds a name that only one feature has.
func indexOf(features []Feature, name string) (at int, ok bool) {
	for i := range features {
		if features[i].Name != name {
			continue
		}
		if ok {
			return 0, false
		}
		at, ok = i, true
	}
	return at, ok
}

// FeatureKind says what values a feature takes.
type FeatureKind uint8

const (
	// Numeric features are numbers: from the slice given to Raw, or set by Row.SetFloat or Row.SetInt.
	Numeric FeatureKind = iota
	// Categorical features are texts or integers, set by Row.SetString, Row.SetBytes or Row.SetInt. A number in the slice given
	// to Raw counts as the integer it is equal to.
	Categorical
)

func (k FeatureKind) String() string {
	switch k {
	case Numeric:
		return "numeric"
	case Categorical:
		return "categorical"
	}
	return "FeatureKind(" + strconv.Itoa(int(k)) + ")"
}

// NaNMode says where a missing value (NaN) of a feature falls.
type NaNMode uint8

const (
	// NaNLow: NaN is on the low side of every border. CatBoost's modes Min and Forbidden, and any mode if no training row of
	// the feature had a missing value.
	NaNLow NaNMode = iota
	// NaNHigh: NaN counts as +Inf. CatBoost's mode Max, if training rows of the feature had missing values.
	NaNHigh
	// NaNBySplit: every split of a tree has a side for missing values. LightGBM and XGBoost.
	NaNBySplit
)

func (n NaNMode) String() string {
	switch n {
	case NaNLow:
		return "low"
	case NaNHigh:
		return "high"
	case NaNBySplit:
		return "by split"
	}
	return "NaNMode(" + strconv.Itoa(int(n)) + ")"
}
