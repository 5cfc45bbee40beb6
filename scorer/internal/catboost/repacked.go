package catboost

import (
	"encoding/binary"
	"math"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// bucketCondition is a split as CatBoost's quantised row has it, which binary files refer to: a
// comparison with one of the byte buckets that features are packed into.
type bucketCondition struct {
	bucket uint16
	// CatBoost compares bucket^mask: 0, or for a category what turns its number into 255
	mask uint8
	rank uint8 // the condition holds if that is at least rank: 1..255
}

// bucketConditions lists the meaning of all split ids. check must have passed the features.
func bucketConditions(t *forest.ConditionTrees) []bucketCondition {
	all := make([]bucketCondition, 0, t.ConditionCount())
	bucket := 0
	add := func(count int, equal bool) {
		for j := range count {
			c := bucketCondition{bucket: uint16(bucket + j/forest.BucketBorders),
				rank: uint8(j%forest.BucketBorders + 1)}
			if equal {
				c.mask, c.rank = ^c.rank, math.MaxUint8
			}
			all = append(all, c)
		}
		bucket += forest.BucketCount(count)
	}
	for i := range t.Floats {
		add(len(t.Floats[i].Borders), false)
	}
	for i := range t.OneHots {
		add(len(t.OneHots[i].Values), true)
	}
	for i := range t.Statistics {
		add(len(t.Statistics[i].Borders), false)
	}
	return all
}

// checkRepacked compares the translation of splits to byte buckets in the file, which newer files
// have, with ours: both must mean the same conditions. The ensemble has passed its check. An entry
// is u16 bucket, u8 mask, u8 rank.
func checkRepacked(e *forest.Ensemble, splits []int32, repacked []byte) error {
	if len(repacked) == 0 {
		return nil
	}
	if len(repacked)/4 != len(splits) {
		return forest.Damaged(formatBinary, "%d repacked splits for %d tree splits",
			len(repacked)/4, len(splits))
	}
	conditions := bucketConditions(e.Conditions)
	for i, id := range splits {
		if id < 0 { // a leaf of a tree that is not symmetric
			continue
		}
		entry := repacked[4*i:][:4]
		bucket, mask, rank := binary.LittleEndian.Uint16(entry), entry[2], entry[3]
		if c := conditions[id]; bucket != c.bucket || mask != c.mask || rank != c.rank {
			return forest.Damaged(formatBinary,
				"repacked split %d is bucket %d, mask %d, rank %d; condition %d is bucket %d, "+
					"mask %d, rank %d",
				i, bucket, mask, rank, id, c.bucket, c.mask, c.rank)
		}
	}
	return nil
}
