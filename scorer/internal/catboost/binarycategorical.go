package catboost

import (
	"encoding/binary"
	"math"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Field numbers of TCatFeature, TOneHotFeature, TCtrFeature, TModelCtr, TModelCtrBase,
// TFeatureCombination and TCtrValueTable (catboost/libs/model/flatbuffers: features.fbs,
// ctr_data.fbs).
const (
	catIndex = 0
	catFlat  = 1
	catName  = 2

	oneHotCat    = 0
	oneHotValues = 1

	featureStatistic = 0
	featureBorders   = 1

	statisticBase   = 0
	statisticTarget = 1
	statisticPrior  = 2
	statisticTrust  = 3
	statisticShift  = 4
	statisticScale  = 5

	baseCombination = 0
	baseKind        = 1
	baseClassifier  = 2

	combinationCats    = 0
	combinationFloats  = 1
	combinationOneHots = 2

	tableBase        = 0
	tableHashes      = 1
	tableCounts      = 2
	tableDenominator = 3
	tableClasses     = 4
)

// statisticsPart is the part of the file that holds the tables of statistics: u32 count, then for
// each u32 size and a FlatBuffers buffer with a TCtrValueTable as its root.
const statisticsPart = "static_provider_v1"

func decodeCategorical(e *forest.Ensemble, trees table) error {
	t := e.Conditions
	err := trees.list(treesCategorical, func(i int, item table) error {
		if i >= forest.MaxFeatures {
			return forest.Beyond(formatBinary, forest.MaxFeatures, "too many features")
		}
		if index := item.int32(catIndex, -1); int(index) != i {
			return forest.Damaged(formatBinary, "categorical feature %d has index %d", i, index)
		}
		t.Cats = append(t.Cats, forest.CatFeature{Name: item.string(catName),
			Flat: int(item.int32(catFlat, -1))})
		return nil
	})
	if err != nil {
		return err
	}
	err = trees.list(treesOneHot, func(_ int, item table) error {
		t.OneHots = append(t.OneHots, forest.OneHot{Cat: item.int32(oneHotCat, -1),
			Values: item.int32s(oneHotValues)})
		return nil
	})
	if err != nil {
		return err
	}
	return trees.list(treesStatistics, func(i int, item table) error {
		s, err := decodeStatistic(i, item)
		t.Statistics = append(t.Statistics, s)
		return err
	})
}

func decodeStatistic(i int, item table) (forest.Statistic, error) {
	in, ok := item.child(featureStatistic)
	if !ok {
		return forest.Statistic{}, forest.Damaged(formatBinary, "target statistic %d is empty",
			i)
	}
	id, err := decodeTableID(in, statisticBase)
	return forest.Statistic{
		ID:      id,
		Target:  in.int32(statisticTarget, 0),
		Prior:   in.float32(statisticPrior, 0),
		Trust:   in.float32(statisticTrust, 1),
		Shift:   in.float32(statisticShift, 0),
		Scale:   in.float32(statisticScale, 1),
		Borders: item.float32s(featureBorders),
	}, err
}

// decodeTableID reads the TModelCtrBase in a field.
func decodeTableID(item table, number int) (id forest.TableID, err error) {
	base, ok := item.child(number)
	if !ok {
		return id, forest.Damaged(formatBinary, "statistics of an unknown kind")
	}
	id.Kind = forest.StatisticKind(base.uint8(baseKind))
	if id.Kind >= forest.StatKinds {
		return id, forest.Unsupported(formatBinary, "a model with target statistics of kind %d",
			id.Kind)
	}
	id.Classifier = base.int32(baseClassifier, 0)
	in, ok := base.child(baseCombination)
	if !ok {
		return id, forest.Damaged(formatBinary, "statistics of no features")
	}
	c := &id.Combination
	c.Cats = in.int32s(combinationCats)
	for raw := in.vector(combinationFloats, 8); len(raw) > 0; raw = raw[8:] {
		border := math.Float32frombits(binary.LittleEndian.Uint32(raw[4:]))
		feature := int32(binary.LittleEndian.Uint32(raw))
		c.Floats = append(c.Floats, forest.FloatSplit{Feature: feature, Border: border})
	}
	for raw := in.vector(combinationOneHots, 8); len(raw) > 0; raw = raw[8:] {
		c.OneHots = append(c.OneHots, forest.OneHotSplit{
			Cat:   int32(binary.LittleEndian.Uint32(raw)),
			Value: int32(binary.LittleEndian.Uint32(raw[4:])),
		})
	}
	return id, nil
}

// decodeTables reads the part with the statistics and returns what follows it.
func decodeTables(e *forest.Ensemble, part []byte) ([]byte, error) {
	count, rest, ok := cutU32(part)
	if !ok {
		return nil, forest.Damaged(formatBinary, "the statistics are cut off")
	}
	for i := range count {
		var size uint32
		size, rest, ok = cutU32(rest)
		if !ok || int64(size) > int64(len(rest)) {
			return nil, forest.Damaged(formatBinary, "table %d of %d of the statistics is cut off",
				i, count)
		}
		b := &flatbuf{data: rest[:size]}
		rest = rest[size:]
		t, err := decodeTable(b)
		if b.err != nil {
			return nil, &forest.FormatError{Format: formatBinary, Reason: "damaged statistics",
				Err: b.err}
		}
		if err != nil {
			return nil, err
		}
		e.Conditions.Tables = append(e.Conditions.Tables, t)
	}
	return rest, nil
}

func cutU32(data []byte) (uint32, []byte, bool) {
	if len(data) < 4 {
		return 0, nil, false
	}
	return binary.LittleEndian.Uint32(data), data[4:], true
}

func decodeTable(b *flatbuf) (t forest.StatisticTable, err error) {
	root := b.table(b.follow(0))
	if t.ID, err = decodeTableID(root, tableBase); err != nil {
		return t, err
	}
	t.Denominator = root.int32(tableDenominator, 0)
	t.Classes = 1
	if t.ID.Kind == forest.StatBorders || t.ID.Kind == forest.StatBuckets {
		t.Classes = int(root.int32(tableClasses, 0))
	}
	if t.Classes < 1 || t.Classes > forest.MaxOutputs {
		return t, forest.Damaged(formatBinary, "statistics of %d classes, expected 1 to %d",
			t.Classes, forest.MaxOutputs)
	}
	return t, addEntries(&t, root.vector(tableHashes, 1), root.vector(tableCounts, 1))
}

// addEntries reads an open hash table: buckets of u64 hash and u32 number of the entry. Which
// bucket an entry is in does not matter here, since the layout builds its own hash table. Of each
// entry the counts are i32, or for means f32 sum and i32 rows.
func addEntries(t *forest.StatisticTable, buckets, counts []byte) error {
	const bucket = 12
	width := 4 * t.Classes
	if t.ID.Kind.IsMean() {
		width = 8
	}
	entries := len(counts) / width
	if len(buckets)%bucket != 0 || len(counts)%width != 0 {
		return forest.Damaged(formatBinary,
			"statistics of %d bytes in entries of %d bytes, with %d bytes of buckets",
			len(counts), width, len(buckets))
	}
	for ; len(buckets) > 0; buckets = buckets[bucket:] {
		hash, entry := binary.LittleEndian.Uint64(buckets), binary.LittleEndian.Uint32(buckets[8:])
		if hash == forest.NoHash {
			continue
		}
		if int64(entry) >= int64(entries) {
			return forest.Damaged(formatBinary, "entry %d of %d of the statistics", entry, entries)
		}
		if len(t.Hashes) >= entries {
			return forest.Damaged(formatBinary,
				"more than %d hashes for as many entries of the statistics", entries)
		}
		t.Hashes = append(t.Hashes, hash)
		addEntry(t, counts[int(entry)*width:][:width])
	}
	return nil
}

func addEntry(t *forest.StatisticTable, raw []byte) {
	if t.ID.Kind.IsMean() {
		t.Sums = append(t.Sums, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		raw = raw[4:]
	}
	for ; len(raw) > 0; raw = raw[4:] {
		t.Counts = append(t.Counts, int32(binary.LittleEndian.Uint32(raw)))
	}
}
