// Package catboost decodes CatBoost's models: the binary format (.cbm) and the JSON export.
package catboost

import (
	"bytes"
	"encoding/binary"
	"encoding/json"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// CatBoost's binary format, as its sources define it (catboost/libs/model, flatbuffers/model.fbs
// and features.fbs):
//
//	0  "CBM1"
//	4  u32 little endian: bytes of the core; 0xFFFFFFFF would announce a u64, for cores that
//	   exceed MaxFileSize
//	8  the core, a FlatBuffers buffer with a TModelCore as its root
//	   the parts that TModelCore.ModelPartIds names: statistics of categorical features,
//	   text dictionaries
const (
	formatBinary = "catboost-cbm"
	formatJSON   = "catboost-json"

	// Magic is what a file begins with.
	Magic         = "CBM1"
	formatVersion = "FlabuffersModel_v1" // spelled like this in every file
)

// Field numbers of TModelCore.
const (
	coreVersion = 0
	coreTrees   = 1
	coreInfo    = 2
	coreParts   = 3
)

// Field numbers of TModelTrees.
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
	treesWeights      = 9
	treesSteps        = 10
	treesStepLeaves   = 11
	treesText         = 12
	treesEstimated    = 13
	treesScale        = 14
	treesBias         = 15
	treesBiases       = 16
	treesRepackedBins = 17
	treesEmbedding    = 18
)

// Field numbers of TFloatFeature. The name of a categorical, text or embedding feature is field
// otherName of its table.
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

// newEnsemble returns an ensemble without trees. One iteration of CatBoost's training is one tree.
func newEnsemble(format string) *forest.Ensemble {
	return &forest.Ensemble{Format: format, PerIteration: 1,
		Conditions: &forest.ConditionTrees{Scale: 1}}
}

// IsBinary reports whether data begins as the binary format does.
func IsBinary(data []byte) bool { return bytes.HasPrefix(data, []byte(Magic)) }

// DecodeBinary decodes a model in the binary format.
func DecodeBinary(data []byte) (*forest.Ensemble, error) {
	core, parts, err := cutCore(data)
	if err != nil {
		return nil, err
	}
	b := &flatbuf{data: core}
	root, trees, names, err := openCore(b)
	if b.err != nil || err != nil {
		return nil, coreError(b, err)
	}
	e, err := decodeModel(b, trees, names, parts)
	if err != nil {
		return nil, err
	}
	metadata, err := decodeInfo(root)
	if err == nil {
		err = metadata.describe(e)
	}
	return e, coreError(b, err)
}

// coreError prefers the first access that failed, since it is the cause of later errors.
func coreError(b *flatbuf, err error) error {
	if b.err != nil {
		return &forest.FormatError{Format: formatBinary, Reason: "damaged core", Err: b.err}
	}
	return err
}

// cutCore returns the core of the file, and the parts that follow it.
func cutCore(data []byte) (core, parts []byte, err error) {
	if len(data) < 8 {
		return nil, nil, forest.Damaged(formatBinary, "%d bytes, a header has 8", len(data))
	}
	size := binary.LittleEndian.Uint32(data[4:])
	core = data[8:]
	if int64(size) > int64(len(core)) {
		return nil, nil, forest.Damaged(formatBinary,
			"the core has %d bytes, the header announces %d: the file is cut off", len(core), size)
	}
	return core[:size], core[size:], nil
}

// openCore returns the trees and the names of the parts, or an error for a model that cannot be
// evaluated.
func openCore(b *flatbuf) (root, trees table, names []string, err error) {
	root = b.table(b.follow(0)) // no file identifier follows the reference to the root
	if version := root.string(coreVersion); version != formatVersion && b.err == nil {
		return root, trees, nil, forest.Damaged(formatBinary, "version %q, expected %q", version,
			formatVersion)
	}
	trees, ok := root.child(coreTrees)
	if !ok {
		return root, trees, nil, forest.Damaged(formatBinary, "no trees")
	}
	names = root.strings(coreParts)
	return root, trees, names, refuseUnsupported(trees, names)
}

func decodeModel(b *flatbuf, trees table, names []string, parts []byte) (*forest.Ensemble, error) {
	e := newEnsemble(formatBinary)
	e.Conditions.Scale = trees.float64(treesScale, 1)
	decodeBias(e, trees)
	err := decodeFloats(e, trees)
	if err == nil {
		err = decodeCategorical(e, trees)
	}
	if err != nil || b.err != nil {
		return nil, coreError(b, err)
	}
	for range names { // each is that of the statistics
		if parts, err = decodeTables(e, parts); err != nil {
			return nil, err
		}
	}
	if len(parts) > 0 {
		return nil, forest.Damaged(formatBinary, "%d bytes follow the model", len(parts))
	}
	return e, coreError(b, decodeTrees(b, e, trees))
}

// decodeInfo reads the metadata: pairs of a key and a text, which is JSON for the keys that matter
// here. Invalid JSON is skipped, as the library does until the value is needed.
func decodeInfo(root table) (metadata, error) {
	var m metadata
	into := map[string]any{"params": &m.Params, "class_params": &m.Classes,
		"multiclass_params": &m.OldClasses}
	err := root.list(coreInfo, func(_ int, item table) error {
		key, value := item.string(0), item.vector(1, 1)
		switch target := into[key]; {
		case key == "binclass_probability_threshold":
			m.Threshold = bytes.Clone(value)
		case key == "loss_function":
			m.Loss = bytes.Clone(value)
		case target != nil:
			_ = json.Unmarshal(value, target)
		}
		return nil
	})
	return m, err
}

// otherInputs are the kinds of features that are neither numeric nor categorical.
var otherInputs = []struct {
	number int
	kind   string
}{{treesText, "text"}, {treesEmbedding, "embedding"}}

// refuseUnsupported returns an error for the first part of the model that cannot be evaluated, the
// most specific ones first.
func refuseUnsupported(trees table, parts []string) error {
	for _, other := range otherInputs {
		err := trees.list(other.number, func(_ int, item table) error {
			if name := item.string(otherName); name != "" {
				return forest.Unsupported(formatBinary, "%s feature %q", other.kind,
					forest.Clipped(name))
			}
			return forest.Unsupported(formatBinary, "%s feature %d", other.kind,
				item.int32(otherFlat, -1))
		})
		if err != nil {
			return err
		}
	}
	// Estimated features are computed from texts and embeddings: a file without these is unusual.
	if trees.length(treesEstimated) > 0 {
		return forest.Unsupported(formatBinary, "a model with estimated features")
	}
	for _, part := range parts {
		if part != statisticsPart {
			return forest.Unsupported(formatBinary, "a model with the part %q",
				forest.Clipped(part))
		}
	}
	return nil
}

// decodeBias reads the biases: newer files store a list, one for each output, and leave the single
// one at 0. A file without trees may leave the number of outputs at 0.
func decodeBias(e *forest.Ensemble, trees table) {
	e.Outputs = int(trees.int32(treesDimension, 0))
	if e.Outputs == 0 && trees.length(treesSizes) == 0 {
		e.Outputs = 1
	}
	e.Bias = trees.float64s(treesBiases)
	if len(e.Bias) == 0 && e.Outputs >= 1 && e.Outputs <= forest.MaxOutputs {
		e.Bias = make([]float64, e.Outputs)
		e.Bias[0] = trees.float64(treesBias, 0)
	}
}

// decodeFloats keeps the order of the file, which numbers the splits. The numeric index of a
// feature (field 1) repeats that order and is not needed.
func decodeFloats(e *forest.Ensemble, trees table) error {
	t := e.Conditions
	return trees.list(treesFloats, func(i int, item table) error {
		if i >= forest.MaxFeatures {
			return forest.Beyond(formatBinary, forest.MaxFeatures, "too many features")
		}
		f := forest.FloatFeature{
			Name:    item.string(floatName),
			Flat:    int(item.int32(floatFlat, -1)),
			Borders: item.float32s(floatBorders),
		}
		// The treatment counts only if the training rows had missing values.
		switch treatment := item.uint8(floatTreatment); {
		case treatment > treatTrue:
			return forest.Damaged(formatBinary, "feature %d treats NaN in the unknown way %d",
				f.Flat, treatment)
		case treatment == treatTrue && item.uint8(floatHasNaN) != 0:
			f.HighNaN = true
		}
		t.Floats = append(t.Floats, f)
		return nil
	})
}

// decodeTrees copies and checks the trees, of either kind. A size is checked before it is narrowed;
// Check does the rest.
func decodeTrees(b *flatbuf, e *forest.Ensemble, trees table) error {
	sizes := trees.int32s(treesSizes)
	if len(sizes) > forest.MaxTrees {
		return forest.Beyond(formatBinary, forest.MaxTrees, "%d trees", len(sizes))
	}
	splits := trees.int32s(treesSplits)
	e.Leaves, e.Weights.Doubles = trees.float64s(treesLeaves), trees.float64s(treesWeights)
	decode := decodeLevels
	if trees.length(treesSteps) > 0 {
		decode = decodeSteps
	}
	if err := decode(e, trees, sizes, splits); err != nil {
		return err
	}
	if err := checkStarts(trees.int32s(treesStarts), sizes); err != nil {
		return err
	}
	if b.err != nil {
		return b.err
	}
	if err := e.Check(); err != nil {
		return err
	}
	return checkRepacked(e, splits, trees.vector(treesRepackedBins, 4))
}

// decodeLevels reads symmetric trees, which have one split for each level.
func decodeLevels(e *forest.Ensemble, _ table, sizes, splits []int32) error {
	t := e.Conditions
	for i, size := range sizes {
		if size < 0 || size > forest.MaxDepth {
			return forest.Damaged(formatBinary, "tree %d has depth %d, expected 0 to %d", i, size,
				forest.MaxDepth)
		}
		t.Depths = append(t.Depths, uint8(size))
	}
	t.Splits = splits
	return nil
}

// steps are the nodes of asymmetric trees, as the file stores them: a step is the distance to the
// next node, and a step of 0 ends in the leaf of the node itself. Nodes with two such steps are
// leaves and become no nodes of the tree.
type steps struct {
	splits []int32
	pairs  []byte  // u16 if the condition does not hold, u16 if it does
	leaves []int32 // of each node: position of the first value
	number []int32 // of each node, without the leaves
}

func decodeSteps(e *forest.Ensemble, trees table, sizes, splits []int32) error {
	t := e.Conditions
	s := &steps{splits: splits, pairs: trees.vector(treesSteps, 4),
		leaves: trees.int32s(treesStepLeaves)}
	if len(s.pairs) != 4*len(splits) || len(s.leaves) != len(splits) {
		return forest.Damaged(formatBinary, "%d steps and %d leaves for %d nodes", len(s.pairs)/4,
			len(s.leaves), len(splits))
	}
	for i := range splits {
		s.number = append(s.number, int32(len(t.Nodes)))
		if no, yes := s.step(i); no != 0 || yes != 0 {
			t.Nodes = append(t.Nodes, forest.TreeNode{Split: splits[i]})
		} else {
			splits[i] = -1 // a leaf has no condition
		}
	}
	start := 0
	t.Roots = []int32{}
	for i, size := range sizes {
		if size < 1 || int64(size) > int64(len(splits)-start) {
			return forest.Damaged(formatBinary, "tree %d has %d nodes of the remaining %d", i, size,
				len(splits)-start)
		}
		end := start + int(size)
		if err := s.link(e, start, end); err != nil {
			return err
		}
		t.Roots = append(t.Roots, s.child(start))
		start = end
	}
	if start != len(splits) {
		return forest.Damaged(formatBinary, "%d nodes belong to no tree", len(splits)-start)
	}
	return nil
}

func (s *steps) step(i int) (no, yes int) {
	return int(binary.LittleEndian.Uint16(s.pairs[4*i:])),
		int(binary.LittleEndian.Uint16(s.pairs[4*i+2:]))
}

// link fills in the children of the nodes of a tree.
func (s *steps) link(e *forest.Ensemble, start, end int) error {
	for i := start; i < end; i++ {
		no, yes := s.step(i)
		if i+max(no, yes) >= end {
			return forest.Damaged(formatBinary,
				"node %d leads beyond its tree, which ends at node %d", i, end)
		}
		if no != 0 || yes != 0 {
			e.Conditions.Nodes[s.number[i]].Next = [2]int32{s.target(i, no), s.target(i, yes)}
		}
	}
	return nil
}

// target returns where a step from node i leads, as in TreeNode.Next.
func (s *steps) target(i, step int) int32 {
	if step == 0 {
		return ^s.leaves[i]
	}
	return s.child(i + step)
}

// child returns node i as in TreeNode.Next.
func (s *steps) child(i int) int32 {
	if s.splits[i] < 0 {
		return ^s.leaves[i]
	}
	return s.number[i]
}

// checkStarts compares the offsets of the trees with their sizes, which determine them.
func checkStarts(starts, sizes []int32) error {
	if len(starts) == 0 {
		return nil
	}
	if len(starts) != len(sizes) {
		return forest.Damaged(formatBinary, "%d tree start offsets for %d trees", len(starts),
			len(sizes))
	}
	next := int64(0)
	for i, start := range starts {
		if int64(start) != next {
			return forest.Damaged(formatBinary, "tree %d starts at split %d, expected %d", i, start,
				next)
		}
		next += int64(sizes[i])
	}
	return nil
}
