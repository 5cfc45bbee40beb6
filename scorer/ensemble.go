package scorer

import (
	"math"
)

// Limits of what Load accepts. They keep a hostile file from costing more than time and memory in proportion to its size;
// no model met in practice comes near them.
const (
	maxTrees    = 1 << 20
	maxDepth    = 16 // CatBoost's own limit
	maxFeatures = 1 << 16
	maxBuckets  = 1 << 16 // byte buckets: the binary format numbers them with 16 bits
	maxName     = 1 << 10 // bytes of a feature name
	maxOutputs  = 1 << 12
)

// bucketBorders is how many borders CatBoost packs into one byte bucket of a quantised row; a feature with more borders takes
// several buckets. The number is frozen by the binary format, which stores bucket numbers.
const bucketBorders = 254

// ensemble is what every loader decodes into: the model as the file describes it, before it is laid out for evaluation. A
// loader copies and decodes, and ends with check, which decides for all formats whether the whole makes sense.
//
// There are two families of trees, and a model is of one of them. Symmetric trees (CatBoost) are here: depths, splits, leaves. Their
// splits refer to conditions by ids; the layout (newColumns) turns every condition, whatever it is about, into "the key of a column is
// greater than a border", so that the evaluation knows nothing of features. Ordinary trees, of nodes that refer to each other, have a
// representation and a check of their own, since each library compares differently in them.
//
// Split ids number all conditions of the model: the borders of the first numeric feature in file order, ascending, then those of the
// second, and so on. Other kinds of conditions take the ids that follow (estimated features, categorical values, target
// statistics, in this order).
type ensemble struct {
	format  string
	floats  []floatFeature // in file order, which is the order of split ids
	outputs int            // numbers that a leaf holds and a row is answered with; at least 1
	depths  []uint8        // splits of each tree
	splits  []int32        // split ids, tree after tree; split d of a tree decides bit d of the leaf index
	leaves  []float64      // tree after tree, (1<<depth)*outputs values for each: those of the first leaf first
	scale   float64        // result = scale*sum + bias
	bias    []float64      // one for each output
}

// floatFeature is a numeric input.
type floatFeature struct {
	name    string // may be empty
	flat    int    // position in the input row
	borders []float32
	nan     NaNMode
}

// condition is what a split id stands for.
type condition struct {
	feature int32   // index into ensemble.floats
	bucket  uint16  // byte bucket in CatBoost's quantised row
	rank    uint8   // the condition holds if the bucket is at least rank: 1..254
	border  float32 // the same, on the input: value > border
}

// conditions lists the meaning of all split ids. check must have passed the features.
func (e *ensemble) conditions() []condition {
	total := 0
	for i := range e.floats {
		total += len(e.floats[i].borders)
	}
	all := make([]condition, 0, total)
	bucket := 0
	for i := range e.floats {
		borders := e.floats[i].borders
		for j, border := range borders {
			all = append(all, condition{
				feature: int32(i),
				bucket:  uint16(bucket + j/bucketBorders),
				rank:    uint8(j%bucketBorders + 1),
				border:  border,
			})
		}
		bucket += buckets(len(borders))
	}
	return all
}

func buckets(borders int) int { return (borders + bucketBorders - 1) / bucketBorders }

// check validates everything the evaluation relies on.
func (e *ensemble) check() error {
	if err := e.checkFeatures(); err != nil {
		return err
	}
	if err := e.checkTrees(); err != nil {
		return err
	}
	return e.checkRange()
}

// checkFeatures makes sure that the borders of a feature are ascending, so that comparing with a border and comparing ranks
// among the borders are the same, and that no two features claim one input.
func (e *ensemble) checkFeatures() error {
	if len(e.floats) > maxFeatures {
		return damaged(e.format, "%d features, at most %d are accepted", len(e.floats), maxFeatures)
	}
	used := 0
	seen := make(map[int]bool, len(e.floats))
	for i := range e.floats {
		f := &e.floats[i]
		switch {
		case f.flat < 0 || f.flat >= maxFeatures:
			return damaged(e.format, "numeric feature %d has flat index %d, expected 0 to %d", i, f.flat, maxFeatures-1)
		case seen[f.flat]:
			return damaged(e.format, "two features have flat index %d", f.flat)
		case len(f.name) > maxName:
			return damaged(e.format, "the name of feature %d has %d bytes, at most %d are accepted", f.flat, len(f.name), maxName)
		}
		seen[f.flat] = true
		if j := unsorted(f.borders); j >= 0 {
			return damaged(e.format, "border %d of feature %d (%v) is NaN or smaller than the one before it", j, f.flat, f.borders[j])
		}
		used += buckets(len(f.borders))
	}
	if used > maxBuckets {
		return damaged(e.format, "the borders take %d byte buckets, at most %d are accepted", used, maxBuckets)
	}
	return nil
}

// unsorted returns the position of the first border out of order, or -1. Infinite borders are in order at the ends: training
// rows with infinities can produce them. Equal neighbours do no harm.
func unsorted(borders []float32) int {
	last := float32(math.Inf(-1))
	for j, border := range borders {
		if !(border >= last) {
			return j
		}
		last = border
	}
	return -1
}

// checkTrees makes sure that depths, splits and leaves fit each other and that every split id exists.
func (e *ensemble) checkTrees() error {
	ids := 0
	for i := range e.floats {
		ids += len(e.floats[i].borders)
	}
	if len(e.depths) > maxTrees {
		return damaged(e.format, "%d trees, at most %d are accepted", len(e.depths), maxTrees)
	}
	if e.outputs < 1 || e.outputs > maxOutputs {
		return damaged(e.format, "%d outputs, expected 1 to %d", e.outputs, maxOutputs)
	}
	if len(e.bias) != e.outputs {
		return damaged(e.format, "%d biases for %d outputs", len(e.bias), e.outputs)
	}
	splits, leaves := 0, int64(0)
	for i, depth := range e.depths {
		if depth > maxDepth {
			return damaged(e.format, "tree %d has depth %d, at most %d is accepted", i, depth, maxDepth)
		}
		splits += int(depth)
		leaves += int64(e.outputs) << depth
	}
	if splits != len(e.splits) {
		return damaged(e.format, "%d tree splits, the depths of the trees ask for %d", len(e.splits), splits)
	}
	if leaves != int64(len(e.leaves)) {
		return damaged(e.format, "%d leaf values, depths and outputs of the trees ask for %d", len(e.leaves), leaves)
	}
	for i, id := range e.splits {
		if id < 0 || int(id) >= ids {
			return damaged(e.format, "tree split %d refers to border %d of %d", i, id, ids)
		}
	}
	return nil
}

// checkRange makes sure that no row can overflow: rounding is monotone, so no partial sum exceeds the sum of the largest
// magnitudes, added in the same order.
func (e *ensemble) checkRange() error {
	bound := 0.0
	leaves := e.leaves
	for i, depth := range e.depths {
		most := 0.0
		for j, leaf := range leaves[:e.outputs<<depth] {
			if math.IsNaN(leaf) || math.IsInf(leaf, 0) {
				return damaged(e.format, "leaf value %d of tree %d is %v", j, i, leaf)
			}
			most = max(most, math.Abs(leaf))
		}
		leaves = leaves[e.outputs<<depth:]
		bound += most
	}
	for _, bias := range e.bias {
		most := float64(bound*math.Abs(e.scale)) + math.Abs(bias)
		if math.IsNaN(most) || math.IsInf(most, 0) {
			return damaged(e.format, "the sum of the trees is not finite with scale %v and bias %v", e.scale, bias)
		}
	}
	return nil
}
