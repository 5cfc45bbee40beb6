package scorer

import (
	"encoding/binary"
	"math"
)

// Slots of TCatFeature, TOneHotFeature, TCtrFeature, TModelCtr, TModelCtrBase, TFeatureCombination and TCtrValueTable
// (catboost/libs/model/flatbuffers: features.fbs, ctr_data.fbs).
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

// cbmStatistics is the part of the file that holds the tables of statistics: u32 count, then for each u32 size and a FlatBuffers
// buffer with a TCtrValueTable as its root.
const cbmStatistics = "static_provider_v1"

func decodeCategorical(e *ensemble, trees table) error {
	err := trees.list(treesCategorical, func(i int, item table) error {
		if i >= maxFeatures {
			return beyond(formatCBM, maxFeatures, "too many features")
		}
		if index := item.int32(catIndex, -1); int(index) != i {
			return damaged(formatCBM, "categorical feature %d has index %d", i, index)
		}
		e.cats = append(e.cats, catFeature{name: item.string(catName), flat: int(item.int32(catFlat, -1))})
		return nil
	})
	if err != nil {
		return err
	}
	err = trees.list(treesOneHot, func(_ int, item table) error {
		e.oneHots = append(e.oneHots, oneHot{cat: item.int32(oneHotCat, -1), values: item.int32s(oneHotValues)})
		return nil
	})
	if err != nil {
		return err
	}
	return trees.list(treesStatistics, func(i int, item table) error {
		s, err := decodeStatistic(i, item)
		e.statistics = append(e.statistics, s)
		return err
	})
}

func decodeStatistic(i int, item table) (statistic, error) {
	in, ok := item.child(featureStatistic)
	if !ok {
		return statistic{}, damaged(formatCBM, "target statistic %d says nothing", i)
	}
	id, err := decodeTableID(in, statisticBase)
	return statistic{
		id:      id,
		target:  in.int32(statisticTarget, 0),
		prior:   in.float32(statisticPrior, 0),
		trust:   in.float32(statisticTrust, 1),
		shift:   in.float32(statisticShift, 0),
		scale:   in.float32(statisticScale, 1),
		borders: item.float32s(featureBorders),
	}, err
}

// decodeTableID reads the TModelCtrBase in a slot.
func decodeTableID(item table, slot int) (id tableID, err error) {
	base, ok := item.child(slot)
	if !ok {
		return id, damaged(formatCBM, "statistics of an unknown kind")
	}
	id.kind = statisticKind(base.uint8(baseKind))
	if id.kind >= statKinds {
		return id, unsupported(formatCBM, "a model with target statistics of kind %d", id.kind)
	}
	id.classifier = base.int32(baseClassifier, 0)
	in, ok := base.child(baseCombination)
	if !ok {
		return id, damaged(formatCBM, "statistics of no features")
	}
	c := &id.combination
	c.cats = in.int32s(combinationCats)
	for raw := in.vector(combinationFloats, 8); len(raw) > 0; raw = raw[8:] {
		border := math.Float32frombits(binary.LittleEndian.Uint32(raw[4:]))
		c.floats = append(c.floats, floatSplit{feature: int32(binary.LittleEndian.Uint32(raw)), border: border})
	}
	for raw := in.vector(combinationOneHots, 8); len(raw) > 0; raw = raw[8:] {
		c.oneHots = append(c.oneHots, oneHotSplit{
			cat:   int32(binary.LittleEndian.Uint32(raw)),
			value: int32(binary.LittleEndian.Uint32(raw[4:])),
		})
	}
	return id, nil
}

// decodeTables reads the part with the statistics and returns what follows it.
func decodeTables(e *ensemble, part []byte) ([]byte, error) {
	count, rest, ok := cutU32(part)
	if !ok {
		return nil, damaged(formatCBM, "the statistics are cut off")
	}
	for i := range count {
		var size uint32
		size, rest, ok = cutU32(rest)
		if !ok || int64(size) > int64(len(rest)) {
			return nil, damaged(formatCBM, "table %d of %d of the statistics is cut off", i, count)
		}
		b := &flatbuf{data: rest[:size]}
		rest = rest[size:]
		t, err := decodeTable(b)
		if b.err != nil {
			return nil, &FormatError{Format: formatCBM, Reason: "damaged statistics", Err: b.err}
		}
		if err != nil {
			return nil, err
		}
		e.tables = append(e.tables, t)
	}
	return rest, nil
}

func cutU32(data []byte) (uint32, []byte, bool) {
	if len(data) < 4 {
		return 0, nil, false
	}
	return binary.LittleEndian.Uint32(data), data[4:], true
}

func decodeTable(b *flatbuf) (t statisticTable, err error) {
	root := b.table(b.follow(0))
	if t.id, err = decodeTableID(root, tableBase); err != nil {
		return t, err
	}
	t.denominator = root.int32(tableDenominator, 0)
	t.classes = 1
	if t.id.kind == statBorders || t.id.kind == statBuckets {
		t.classes = int(root.int32(tableClasses, 0))
	}
	if t.classes < 1 || t.classes > maxOutputs {
		return t, damaged(formatCBM, "statistics of %d classes, expected 1 to %d", t.classes, maxOutputs)
	}
	return t, t.addEntries(root.vector(tableHashes, 1), root.vector(tableCounts, 1))
}

// addEntries reads an open hash table: buckets of u64 hash and u32 number of the entry. Which bucket an entry is in does not
// matter here, since the layout has a hash table of its own. Of each entry the counts are i32, or for means f32 sum and i32 rows.
func (t *statisticTable) addEntries(buckets, counts []byte) error {
	const bucket = 12
	width := 4 * t.classes
	if t.id.kind.isMean() {
		width = 8
	}
	entries := len(counts) / width
	if len(buckets)%bucket != 0 || len(counts)%width != 0 {
		return damaged(formatCBM, "statistics of %d bytes in entries of %d bytes, with %d bytes of buckets",
			len(counts), width, len(buckets))
	}
	for ; len(buckets) > 0; buckets = buckets[bucket:] {
		hash, entry := binary.LittleEndian.Uint64(buckets), binary.LittleEndian.Uint32(buckets[8:])
		if hash == noHash {
			continue
		}
		if int64(entry) >= int64(entries) {
			return damaged(formatCBM, "entry %d of %d of the statistics", entry, entries)
		}
		if len(t.hashes) >= entries {
			return damaged(formatCBM, "more than %d hashes for as many entries of the statistics", entries)
		}
		t.hashes = append(t.hashes, hash)
		t.addEntry(counts[int(entry)*width:][:width])
	}
	return nil
}

func (t *statisticTable) addEntry(raw []byte) {
	if t.id.kind.isMean() {
		t.sums = append(t.sums, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		raw = raw[4:]
	}
	for ; len(raw) > 0; raw = raw[4:] {
		t.counts = append(t.counts, int32(binary.LittleEndian.Uint32(raw)))
	}
}
