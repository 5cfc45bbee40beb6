package scorer

import "strconv"

// Feature describes one position of the input row.
type Feature struct {
	// Name is the name in the model file, or the position as a decimal number if the file has none.
	// Names are not guaranteed to be distinct. FeatureIndex returns the position of a name.
	Name string
	// Kind is what values the feature takes.
	Kind FeatureKind
	// Borders is the number of conditions on the feature: thresholds of a numeric one, known values
	// and borders of statistics of a categorical one. 0 means that the model does not use it.
	Borders int
	// Splits is the number of splits that compare the feature: a coarse measure of its importance.
	Splits int
	// NaN is how a missing value of a numeric feature is treated.
	NaN NaNMode
}

// FeatureIndex returns the position of the feature with a name among Features, which is also its
// position in the slices that Raw takes and in a Scratch. ok is false unless exactly one feature
// has the name. It compares all names: look positions up once, not for every row.
func (m *Model) FeatureIndex(name string) (i int, ok bool) { return featureIndex(m.features, name) }

// FeatureIndex returns the position of the feature with a name among Features of the set; ok is
// false if there is no such feature.
func (s *Set) FeatureIndex(name string) (i int, ok bool) { return featureIndex(s.features, name) }

// featureIndex returns the position of a name that exactly one feature has.
func featureIndex(features []Feature, name string) (at int, ok bool) {
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

// FeatureKind is what values a feature takes.
type FeatureKind uint8

const (
	// Numeric features are numbers: from the slice that Raw takes, or set by Scratch.SetFloat or
	// Scratch.SetInt.
	Numeric FeatureKind = iota
	// Categorical features are texts or integers, set by Scratch.SetString, Scratch.SetBytes or
	// Scratch.SetInt. A number in the slice that Raw takes counts as the integer it is equal to.
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

// NaNMode is how splits treat a missing value (NaN) of a feature.
type NaNMode uint8

const (
	// NaNLow: NaN is on the low side of every border. CatBoost's modes Min and Forbidden, and any
	// mode if no training row of the feature had a missing value.
	NaNLow NaNMode = iota
	// NaNHigh: NaN counts as +Inf. CatBoost's mode Max, if training rows of the feature had missing
	// values.
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
