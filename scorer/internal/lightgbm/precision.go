package lightgbm

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// LightGBM compares float64, and inputs here are float32. The result is the same if inputs were
// float32 anyway, and for most other inputs the difference does not matter; but for values such as
// seconds since 1970, of which float32 holds every 128th, a part of the rows takes another path.
//
// The part is estimated feature by feature. A value within half a step of float32 of a threshold
// may be rounded across it, so of values spread over a range the part steps*thresholds/range may
// be. The range is that of the training as the file has it (feature_infos), otherwise that of the
// thresholds.

// A feature gets a warning if its share of rows is above coarseShare and a step of float32 is above
// coarseStep of the range: values that start at 0 always have smaller steps.
const (
	coarseShare = 1e-4
	coarseStep  = 1e-6
)

// thresholds collects those of one numeric feature.
type thresholds struct {
	values    []float64
	low, high float64 // of the training; low > high where it is not known
}

// addThreshold adds a threshold to those of a feature.
func (d *decoder) addThreshold(feature int32, threshold float64) {
	if d.thresholds[feature] == nil {
		d.thresholds[feature] = &thresholds{}
	}
	d.thresholds[feature].values = append(d.thresholds[feature].values, threshold)
}

// coarse reports whether float32 is too coarse for the thresholds, and the share of rows that may
// take another path.
func (t *thresholds) coarse() (share float64, ok bool) {
	slices.Sort(t.values)
	distinct := slices.Compact(t.values)
	low, high := t.low, t.high
	if low > high {
		low, high = distinct[0], distinct[len(distinct)-1]
	}
	step := 0.0
	for i, v := range distinct {
		f := float32(math.Abs(v))
		step = max(step, float64(math.Nextafter32(f, float32(math.Inf(1))))-float64(f))
		if below, _ := lastBelow(v); i > 0 {
			if before, _ := lastBelow(distinct[i-1]); before == below {
				return 1, true // no float32 is between them
			}
		}
	}
	if !(high > low) || math.IsInf(step, 0) {
		return 0, false
	}
	share = float64(len(distinct)) * step / (high - low)
	return share, share > coarseShare && step/(high-low) > coarseStep
}

// trainedRange reads an element of feature_infos: "[0:1.5]" for a numeric feature.
func trainedRange(info string) (low, high float64) {
	inner, ok := strings.CutPrefix(info, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	from, to, parted := strings.Cut(inner, ":")
	low, failedLow := strconv.ParseFloat(from, 64)
	high, failedHigh := strconv.ParseFloat(to, 64)
	if !ok || !closed || !parted || failedLow != nil || failedHigh != nil {
		return 1, 0
	}
	return low, high
}

// coarseFeatures warns of each feature of a LightGBM model for whose thresholds float32 is too
// coarse.
func (d *decoder) coarseFeatures(header fields) (warnings []string) {
	infos := strings.Fields(header["feature_infos"])
	for i, t := range d.thresholds {
		if t == nil {
			continue
		}
		if t.low, t.high = 1, 0; i < len(infos) {
			t.low, t.high = trainedRange(infos[i])
		}
		if share, ok := t.coarse(); ok {
			warnings = append(warnings, fmt.Sprintf("feature %q: LightGBM compares float64, "+
				"inputs here are float32, whose steps are too wide for the thresholds of this "+
				"feature: up to %.3g %% of the rows may get another answer (train it with "+
				"smaller numbers, such as differences)",
				forest.Clipped(d.b.Names[i]), min(100, 100*share)))
		}
	}
	return warnings
}
