package scorer

import (
	"encoding/binary"
	"errors"
)

// CatBoost's binary format, as its sources define it (catboost/libs/model, flatbuffers/model.fbs and features.fbs):
//
//	0  "CBM1"
//	4  u32 little endian: bytes of the core; 0xFFFFFFFF would announce a u64, for cores that are larger than MaxFileSize
//	8  the core, a FlatBuffers buffer with a TModelCore as its root
//	   the parts that TModelCore.ModelPartIds names: statistics of categorical features, text dictionaries
const (
	cbmMagic   = "CBM1"
	cbmVersion = "FlabuffersModel_v1" // spelled like this in every file
)

// Slots of TModelCore.
const (
	coreVersion = 0
	coreTrees   = 1
	coreParts   = 3
)

// Slots of TModelTrees.
const (
	treesDimension    = 0
	treesSplits       = 1
	treesSizes        = 2
	treesStarts       = 3
	treesCategorical  = 4
	treesFloats       = 5
	treesOneHot       = 6
	treesStatistics   = 7
	treesLeaves       = 8
	treesSteps        = 10
	treesText         = 12
	treesEstimated    = 13
	treesScale        = 14
	treesBias         = 15
	treesBiases       = 16
	treesRepackedBins = 17
	treesEmbedding    = 18
)

// Slots of TFloatFeature. The name of a categorical, text or embedding feature is in slot otherName of its table.
const (
	floatHasNaN    = 0
	floatFlat      = 2
	floatBorders   = 3
	floatName      = 4
	floatTreatment = 5

	otherFlat = 1
	otherName = 2
)

// Values of TFloatFeature.NanValueTreatment.
const (
	treatAsIs  = 0
	treatFalse = 1 // as -Inf
	treatTrue  = 2 // as +Inf
)

func decodeCBM(data []byte) (*ensemble, error) {
	core, err := cbmCore(data)
	if err != nil {
		return nil, err
	}
	b := &flatbuf{data: core}
	e, err := decodeCore(b)
	if b.err != nil {
		return nil, &FormatError{Format: formatCBM, Reason: "damaged core", Err: b.err}
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// cbmCore returns the core of the file. Nothing may follow it: only parts that are not supported would.
func cbmCore(data []byte) ([]byte, error) {
	if len(data) < 8 {
		return nil, damaged(formatCBM, "%d bytes, a header has 8", len(data))
	}
	size := binary.LittleEndian.Uint32(data[4:])
	core := data[8:]
	if int64(size) > int64(len(core)) {
		return nil, damaged(formatCBM, "the core has %d bytes, the header announces %d: the file is cut off", len(core), size)
	}
	return core[:size], checkTail(core[:size], len(core)-int(size))
}

// checkTail refuses bytes after the core, unless the core explains them itself by naming what is not supported.
func checkTail(core []byte, rest int) error {
	if rest == 0 {
		return nil
	}
	if _, err := decodeCore(&flatbuf{data: core}); errors.Is(err, ErrUnsupported) {
		return err
	}
	return damaged(formatCBM, "%d bytes follow the core", rest)
}

// decodeCore decodes and checks. If b.err is set as well, it is the cause of whatever else looks wrong.
func decodeCore(b *flatbuf) (*ensemble, error) {
	root := b.table(b.follow(0)) // no file identifier follows the reference to the root
	if version := root.string(coreVersion); version != cbmVersion && b.err == nil {
		return nil, damaged(formatCBM, "version %q, expected %q", version, cbmVersion)
	}
	trees, ok := root.child(coreTrees)
	if !ok {
		return nil, damaged(formatCBM, "no trees")
	}
	if err := refuseUnsupported(root, trees); err != nil {
		return nil, err
	}
	e := &ensemble{format: formatCBM, scale: trees.float64(treesScale, 1)}
	decodeBias(e, trees)
	if err := decodeFloats(e, trees); err != nil {
		return nil, err
	}
	return e, decodeTrees(e, trees)
}

// otherInputs are the kinds of features that are not numeric.
var otherInputs = []struct {
	slot int
	kind string
}{{treesCategorical, "categorical"}, {treesText, "text"}, {treesEmbedding, "embedding"}}

// derivedFeatures are computed from the inputs before the trees see them. They come with inputs that are not numeric, so files
// that have them alone are odd.
var derivedFeatures = []struct {
	slot int
	kind string
}{{treesOneHot, "one-hot"}, {treesStatistics, "target statistics"}, {treesEstimated, "estimated"}}

// refuseUnsupported names the first thing in the model that cannot be evaluated, the most telling ones first.
func refuseUnsupported(root, trees table) error {
	for _, other := range otherInputs {
		err := trees.list(other.slot, func(_ int, item table) error {
			if name := item.string(otherName); name != "" {
				return unsupported(formatCBM, "%s feature %q", other.kind, clipped(name))
			}
			return unsupported(formatCBM, "%s feature %d", other.kind, item.int32(otherFlat, -1))
		})
		if err != nil {
			return err
		}
	}
	if len(trees.vector(treesSteps, 4)) > 0 {
		return unsupported(formatCBM, "a model of non-symmetric trees")
	}
	for _, derived := range derivedFeatures {
		if len(trees.vector(derived.slot, 4)) > 0 {
			return unsupported(formatCBM, "a model with %s features", derived.kind)
		}
	}
	if len(root.vector(coreParts, 4)) > 0 {
		return unsupported(formatCBM, "a model with further parts")
	}
	return nil
}

// decodeBias: newer files store a list of biases, one for each output, and leave the single one at 0. A file without trees may
// leave the number of outputs at 0.
func decodeBias(e *ensemble, trees table) {
	e.outputs = int(trees.int32(treesDimension, 0))
	if e.outputs == 0 && len(trees.vector(treesSizes, 4)) == 0 {
		e.outputs = 1
	}
	e.bias = trees.float64s(treesBiases)
	if len(e.bias) == 0 && e.outputs >= 1 && e.outputs <= maxOutputs {
		e.bias = make([]float64, e.outputs)
		e.bias[0] = trees.float64(treesBias, 0)
	}
}

// decodeFloats keeps the order of the file, which numbers the splits. The numeric index of a feature (slot 1) repeats that
// order and is not needed.
func decodeFloats(e *ensemble, trees table) error {
	return trees.list(treesFloats, func(i int, item table) error {
		if i >= maxFeatures {
			return damaged(formatCBM, "more than %d features", maxFeatures)
		}
		f := floatFeature{
			name:    item.string(floatName),
			flat:    int(item.int32(floatFlat, -1)),
			borders: item.float32s(floatBorders),
		}
		// The treatment counts only if the training rows had missing values.
		switch treatment := item.uint8(floatTreatment); {
		case treatment > treatTrue:
			return damaged(formatCBM, "feature %d treats NaN in the unknown way %d", f.flat, treatment)
		case treatment == treatTrue && item.uint8(floatHasNaN) != 0:
			f.nan = NaNHigh
		}
		e.floats = append(e.floats, f)
		return nil
	})
}

// decodeTrees copies the trees. A depth is checked before it is narrowed to 8 bits; all else is left to check.
func decodeTrees(e *ensemble, trees table) error {
	sizes := trees.int32s(treesSizes)
	if len(sizes) > maxTrees {
		return damaged(formatCBM, "%d trees, at most %d are accepted", len(sizes), maxTrees)
	}
	for i, size := range sizes {
		if size < 0 || size > maxDepth {
			return damaged(formatCBM, "tree %d has depth %d, expected 0 to %d", i, size, maxDepth)
		}
		e.depths = append(e.depths, uint8(size))
	}
	e.splits = trees.int32s(treesSplits)
	e.leaves = trees.float64s(treesLeaves)
	if err := checkStarts(trees.int32s(treesStarts), sizes); err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return err
	}
	return checkRepacked(e, trees.vector(treesRepackedBins, 4))
}

// checkStarts: where the splits of each tree start follows from the sizes; a file that says otherwise is damaged.
func checkStarts(starts, sizes []int32) error {
	if len(starts) == 0 {
		return nil
	}
	if len(starts) != len(sizes) {
		return damaged(formatCBM, "%d tree start offsets for %d trees", len(starts), len(sizes))
	}
	next := int64(0)
	for i, start := range starts {
		if int64(start) != next {
			return damaged(formatCBM, "tree %d starts at split %d, expected %d", i, start, next)
		}
		next += int64(sizes[i])
	}
	return nil
}

// checkRepacked compares the file's own translation of splits to byte buckets, which newer files carry, with ours: both must mean
// the same conditions. The ensemble has passed its check. An entry is u16 bucket, u8 mask (0 for numeric features), u8 rank.
func checkRepacked(e *ensemble, repacked []byte) error {
	if len(repacked) == 0 {
		return nil
	}
	if len(repacked)/4 != len(e.splits) {
		return damaged(formatCBM, "%d repacked splits for %d tree splits", len(repacked)/4, len(e.splits))
	}
	conditions := e.conditions()
	for i, id := range e.splits {
		bucket, mask, rank := binary.LittleEndian.Uint16(repacked[4*i:]), repacked[4*i+2], repacked[4*i+3]
		if c := conditions[id]; bucket != c.bucket || mask != 0 || rank != c.rank {
			return damaged(formatCBM, "repacked split %d is bucket %d, mask %d, rank %d; border %d is bucket %d, rank %d",
				i, bucket, mask, rank, id, c.bucket, c.rank)
		}
	}
	return nil
}
