package scorer_test

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Files of XGBoost before 1.3, with fewer digits in the base score, are read to the bits that a
// later release makes of them. The release that wrote a file adds the base score last, which rounds
// otherwise, unless it is nothing.
func TestFilesOfXGBoostBefore13(t *testing.T) {
	files := unpack(t, "testdata/xgboost-old.zip")
	flat := make([]float32, len(files["rows.f32"])/4)
	decode(t, files["rows.f32"], flat)
	models, others := 0, 0
	for file, data := range files {
		name, ok := strings.CutSuffix(file, ".json")
		if !ok {
			continue
		}
		models++
		m := load(t, data)
		later, own := floats(files[name+".later"], 4), floats(files[name+".own"], 4)
		scratch, i := m.NewScratch(), 0
		for x := range slices.Chunk(flat, len(m.Features())) {
			for _, got := range must(m.AppendRaw(nil, scratch, x)) {
				if !same(got, later[i]) {
					t.Fatalf("%s, output %d: %v, XGBoost 3.2.0 says %v", name, i, got, later[i])
				}
				if !same(got, own[i]) {
					others++
					if strings.HasSuffix(name, "/logistic") || math.Abs(got-own[i]) > 1e-5 {
						t.Fatalf("%s, output %d: %v, the release itself says %v", name, i, got,
							own[i])
					}
				}
				i++
			}
		}
		if i != len(later) || i != len(own) || i < 100 {
			t.Fatalf("%s: %d outputs, XGBoost has %d and %d", name, i, len(later), len(own))
		}
	}
	if models < 15 || others == 0 {
		t.Errorf("%d models, %d outputs differ from those of their releases: run "+
			"testdata/make/train_forests.sh old", models, others)
	}
}
