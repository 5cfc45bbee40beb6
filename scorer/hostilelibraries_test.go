package scorer_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// smallModels are the models of one CatBoost version, by fixture and file: every feature of the
// format is in one of them.
func smallModels(t testing.TB) map[string][]byte {
	t.Helper()
	models := map[string][]byte{}
	for _, f := range libraryFixtures(t) {
		for file, data := range f.models {
			// the library indents it: most damage would be done to blanks
			if strings.HasSuffix(file, ".json") {
				var short bytes.Buffer
				if err := json.Compact(&short, data); err != nil {
					t.Fatal(err)
				}
				data = short.Bytes()
			}
			if f.library == "catboost" && f.version == "1.2.10" && len(data) < 30000 {
				models[f.name+"/"+file] = data
			}
		}
	}
	for _, must := range []string{"one-hot/model.cbm", "statistic-borders/model.cbm",
		"combinations/model.cbm", "lossguide/model.json"} {
		if models[must] == nil {
			t.Fatalf("%s is not among the %d small models", must, len(models))
		}
	}
	return models
}

// More take longer than a test may by default:
//
//	go test ./scorer -run FlippedBitsOfLibraryModels -flips 100000
var bitFlips = flag.Int("flips", 10000,
	"how many damaged files TestFlippedBitsOfLibraryModels tries")

// A file that ends anywhere before its end is refused.
func TestTruncatedLibraryModels(t *testing.T) {
	models := smallModels(t)
	step := 1
	if raceEnabled || testing.Short() {
		step = 17
	}
	for _, name := range []string{"one-hot/model.cbm", "one-hot/model.json",
		"statistic-borders/model.cbm", "lossguide-categories/model.cbm",
		"multiclass-statistics/model.cbm"} {
		data := models[name]
		if data == nil {
			t.Fatalf("no %s", name)
		}
		for n := 0; n < len(data); n += step {
			if !survive(t, data[:n]) {
				t.Fatalf("%s: the first %d of %d bytes load", name, n, len(data))
			}
		}
	}
}

// Whatever bits are flipped, the file is refused or the model returns finite values, and the memory
// it takes stays in proportion.
func TestFlippedBitsOfLibraryModels(t *testing.T) {
	models := smallModels(t)
	var names []string // JSON takes longer to read: a tenth of the flips is for that
	for name := range models {
		if strings.HasSuffix(name, ".json") {
			names = append(names, name)
		} else {
			names = append(names, slices.Repeat([]string{name}, 9)...)
		}
	}
	slices.Sort(names)
	flips := *bitFlips
	if raceEnabled || testing.Short() {
		flips = 1000
	}
	rng := rand.New(rand.NewPCG(4, 4))
	refused, size := 0, 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range flips {
		data := slices.Clone(models[names[i%len(names)]])
		size += len(data)
		for range 1 + rng.IntN(3) {
			data[rng.IntN(len(data))] ^= 1 << rng.IntN(8)
		}
		if survive(t, data) {
			refused++
		}
	}
	runtime.ReadMemStats(&after)
	if refused < flips/20 || refused == flips {
		t.Errorf("%d of %d damaged files were refused", refused, flips)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 50*uint64(size) {
		t.Errorf("%d bytes allocated for %d bytes of files", used, size)
	}
}
