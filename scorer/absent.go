package scorer

import (
	"errors"
	"math"
)

// ErrAbsentClass is wrapped by the error of Explain for the output of a class that no training row
// had, although class_names or classes_count of CatBoost declared it. As in CatBoost, the raw
// output of such a class is -Inf for every row and its probability is 0, or about 1e-308 where
// CatBoost's vector code rounds it up. Such an output has no explanation: the library's ShapValues
// omit these classes, so their positions differ from those of the outputs. LightGBM and XGBoost
// train trees for all num_class classes.
var ErrAbsentClass = errors.New("the class was absent in training")

// absent reports whether no training row had the class of an output.
func (m *Model) absent(output int) bool {
	var bias []float64
	switch {
	case m.asymmetric != nil:
		bias = m.asymmetric.bias
	case m.oblivious != nil:
		bias = m.oblivious.bias
	}
	return output < len(bias) && math.IsInf(bias[output], -1)
}
