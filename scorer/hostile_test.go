package scorer_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

func itoa(i int) string { return strconv.Itoa(i) }

// survive loads hostile bytes: either the error is a FormatError, or the model returns finite
// values. It reports whether the bytes were refused.
func survive(t testing.TB, data []byte) bool {
	t.Helper()
	m, err := scorer.Load(data)
	if err != nil {
		var format *scorer.FormatError
		if !errors.As(err, &format) || format.Error() == "" {
			t.Fatalf("%T %v, expected a FormatError", err, err)
		}
		return true
	}
	scratch := m.NewScratch()
	features := m.Features()
	x := make([]float32, len(features))
	for _, v := range []float64{0, 1, -1, math.Inf(1), math.Inf(-1), math.NaN()} {
		for i := range x {
			x[i] = float32(v)
			if features[i].Kind == scorer.Categorical && v == 1 {
				scratch.SetString(i, "nl")
			}
		}
		// "nl" is not a category of it
		if _, err := m.Raw(scratch, x); errors.Is(err, scorer.ErrMismatch) ||
			errors.Is(err, scorer.ErrUnseen) {
			scratch.Reset()
		}
		for k, raw := range must(m.AppendRaw(nil, scratch, x)) {
			// LightGBM's linear trees multiply the inputs.
			if (math.IsNaN(raw) || math.IsInf(raw, 0)) && !(math.IsInf(v, 0) &&
				m.Format() == "lightgbm") && !absent(m, k, raw) {
				t.Fatalf("output %d is %v", k, raw)
			}
		}
		if n := len(must(m.AppendLeaves(nil, scratch, x))); n != m.Trees() {
			t.Fatalf("%d leaves of %d trees", n, m.Trees())
		}
		fast := m.Fast()
		if raw := must(fast.Raw(scratch, x)); !fast.Exact() &&
			(math.IsNaN(raw) || math.IsInf(raw, 0)) {
			t.Fatalf("%v in Fast mode", raw)
		}
	}
	for k := range m.Outputs() {
		surviveExplanation(t, m, scratch, x, k)
	}
	return false
}

// absent says whether a raw output is that of a class that training did not have.
func absent(m *scorer.Model, output int, raw float64) bool {
	_, _, err := m.Explain(nil, nil, nil, output)
	return math.IsInf(raw, -1) && errors.Is(err, scorer.ErrAbsentClass)
}

// surviveExplanation demands finite values, or an error.
func surviveExplanation(t testing.TB, m *scorer.Model, scratch *scorer.Scratch, x []float32,
	output int) {
	t.Helper()
	all, mean, err := m.Explain(nil, scratch, x, output)
	if err != nil {
		if !errors.Is(err, scorer.ErrNoWeights) && !errors.Is(err, scorer.ErrUnsupported) &&
			!errors.Is(err, scorer.ErrAbsentClass) && !strings.Contains(err.Error(), "too large") ||
			len(all) > 0 {
			t.Fatalf("%v, %v", all, err)
		}
		return
	}
	for _, c := range all {
		if math.IsNaN(c.Value) || math.IsInf(c.Value, 0) {
			t.Fatalf("output %d: feature %d moved it by %v", output, c.Feature, c.Value)
		}
	}
	if math.IsNaN(mean) || math.IsInf(mean, 0) {
		t.Fatalf("output %d is %v on average", output, mean)
	}
}

// core returns a binary model whose core is the given bytes, with a header that fits.
func core(bytes []byte) []byte {
	data := binary.LittleEndian.AppendUint32([]byte("CBM1"), uint32(len(bytes)))
	return append(data, bytes...)
}

func TestTruncatedFiles(t *testing.T) {
	cbm := fixtureNamed(t, "depth-0").cbm
	for n := range len(cbm) {
		if !survive(t, cbm[:n]) {
			t.Fatalf("the first %d of %d bytes load", n, len(cbm))
		}
		// With a header that agrees, the reader of the core has to notice what is missing.
		if n >= 8 {
			survive(t, core(cbm[8:n]))
		}
	}
	small := smallModel(t)
	for n := range len(small) {
		if !survive(t, small[:n]) {
			t.Fatalf("the first %d of %d bytes load", n, len(small))
		}
	}
}

func TestFlippedBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name  string
		data  []byte
		flips int
	}{
		{"depth-0", fixtureNamed(t, "depth-0").cbm, 10000},
		{"depth-1", fixtureNamed(t, "depth-1").cbm, 12000},
		{"json", smallModel(t), 4000},
	} {
		refused := 0
		if testing.Short() {
			c.flips /= 10
		}
		for range c.flips {
			flipped := append([]byte(nil), c.data...)
			for range 1 + rng.IntN(4) {
				flipped[rng.IntN(len(flipped))] ^= 1 << rng.IntN(8)
			}
			if survive(t, flipped) {
				refused++
			}
		}
		if refused == 0 {
			t.Errorf("%s: no flipped bit was noticed", c.name)
		}
	}
}

// The vtables and tables of a binary model, which stand before its large vectors, are flipped bit
// by bit.
func TestFlippedStructure(t *testing.T) {
	data := fixtureNamed(t, "depth-1").cbm
	_, field := slot(data, slotTrees, slotSizes)
	for at := max(8, field-200); at < field+20; at++ {
		for bit := range 8 {
			flipped := append([]byte(nil), data...)
			flipped[at] ^= 1 << bit
			survive(t, flipped)
		}
	}
}

// The seeds are real models of some kilobytes, which the fuzzer would rather minimise than mutate:
//
//	go test -run '^$' -fuzz FuzzLoad -fuzzminimizetime 10x ./scorer
func FuzzLoad(f *testing.F) {
	seeds := 0
	for _, fixture := range fixtures(f) {
		if len(fixture.cbm) < 20000 {
			f.Add(fixture.cbm)
			seeds++
		}
	}
	for _, fixture := range libraryFixtures(f) {
		if fixture.version != "1.2.10" { // the others are alike
			continue
		}
		for _, data := range fixture.models {
			if len(data) < 10000 {
				f.Add(data)
				seeds++
			}
		}
	}
	f.Add(smallModel(f))
	if seeds < 30 {
		f.Fatalf("%d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, data []byte) { survive(t, data) })
}

// Slots of the tables on the way to what the tests change; see the format in cbm.go.
const (
	slotVersion, slotTrees               = 0, 1
	slotDimension, slotSplits, slotSizes = 0, 1, 2
	slotStarts, slotFloats, slotLeaves   = 3, 5, 8
	slotBiases, slotRepack               = 16, 17
	slotBorders                          = 3 // of a feature
)

// slot walks from the root table along references and returns where the last slot's vtable entry
// and field are in the file.
func slot(data []byte, path ...int) (entry, field int) {
	const header = 8
	pos := target(data, header)
	for i, s := range path {
		entry, field = vtableEntry(data, pos, s)
		if i < len(path)-1 {
			pos = target(data, field)
		}
	}
	return entry, field
}

// vtableEntry is slot for the table at pos.
func vtableEntry(data []byte, pos, s int) (entry, field int) {
	vtable := pos - int(int32(binary.LittleEndian.Uint32(data[pos:])))
	entry = vtable + 4 + 2*s
	return entry, pos + int(binary.LittleEndian.Uint16(data[entry:]))
}

// target returns what the reference at pos points to.
func target(data []byte, pos int) int { return pos + int(binary.LittleEndian.Uint32(data[pos:])) }

// border returns where border i of the first feature is.
func border(data []byte, i int) int {
	_, field := vtableEntry(data, target(data, elements(data, slotTrees, slotFloats)), slotBorders)
	return target(data, field) + 4 + 4*i
}

// elements returns where the elements of the vector in a slot start.
func elements(data []byte, path ...int) int {
	_, field := slot(data, path...)
	return target(data, field) + 4
}

// Older files lack what newer ones repeat: the translation to buckets, the offsets of the trees,
// the list of biases.
func TestFieldsThatOlderFilesLack(t *testing.T) {
	slots := map[string][]int{
		// its bias is 0, as is that of a file without biases
		"classification": {slotRepack, slotStarts, slotBiases},
		"mixed-depths":   {slotRepack, slotStarts, slotBiases},
		"many-borders":   {slotRepack, slotStarts},
	}
	for name, slots := range slots {
		f := fixtureNamed(t, name)
		for _, s := range slots {
			remove(t, f.cbm, s)
		}
		m := load(t, f.cbm)
		scratch := m.NewScratch()
		for i, x := range f.rows {
			if got := must(m.Raw(scratch, x)); !sameBits(got, f.raw[i]) {
				t.Fatalf("%s: row %d: %v, expected %v", name, i, got, f.raw[i])
			}
		}
	}
}

// remove makes a field of the trees absent.
func remove(t *testing.T, data []byte, s int) {
	t.Helper()
	entry, _ := slot(data, slotTrees, s)
	if binary.LittleEndian.Uint16(data[entry:]) == 0 {
		t.Fatalf("slot %d is absent already", s)
	}
	binary.LittleEndian.PutUint16(data[entry:], 0)
}

// Each way a binary model can contradict itself is an error of its own.
func TestContradictionsInBinaryModels(t *testing.T) {
	u16, u32 := binary.LittleEndian.PutUint16, binary.LittleEndian.PutUint32
	for reason, change := range map[string]func(data []byte){
		"version": func(d []byte) { d[elements(d, slotVersion)] = 'X' },
		"no trees": func(d []byte) {
			entry, _ := slot(d, slotTrees)
			u16(d[entry:],
				0)
		},
		"repacked split 0": func(d []byte) { d[elements(d, slotTrees, slotRepack)+3]++ },
		"repacked split 1": func(d []byte) { d[elements(d, slotTrees, slotRepack)+4]++ },
		"tree 0 starts at": func(d []byte) { d[elements(d, slotTrees, slotStarts)]++ },
		"tree splits, the depths": func(d []byte) {
			remove(t, d,
				slotStarts)
			d[elements(d, slotTrees, slotSizes)]++
		},
		"tree 0 has depth 17": func(d []byte) { d[elements(d, slotTrees, slotSizes)] = 17 },
		"tree 0 has depth -1": func(d []byte) {
			u32(d[elements(d, slotTrees, slotSizes):],
				math.MaxUint32)
		},
		"tree split 0 refers": func(d []byte) {
			u32(d[elements(d, slotTrees, slotSplits):],
				1<<30)
		},
		"tree split 0 refers to": func(d []byte) {
			u32(d[elements(d, slotTrees, slotSplits):],
				math.MaxUint32)
		},
		"leaf values": func(d []byte) { d[elements(d, slotTrees, slotLeaves)-4]-- },
		"leaf value 0 is NaN": func(d []byte) {
			putFloat64(d[elements(d, slotTrees,
				slotLeaves):], math.NaN())
		},
		"is +Inf": func(d []byte) {
			putFloat64(d[elements(d, slotTrees,
				slotLeaves):], math.Inf(1))
		},
		"not finite with": func(d []byte) {
			putFloat64(d[elements(d, slotTrees,
				slotBiases):], math.NaN())
		},
		"1 biases for 2 outputs": func(d []byte) {
			_, f := slot(d, slotTrees,
				slotDimension)
			d[f] = 2
		},
		"0 outputs": func(d []byte) { remove(t, d, slotDimension) },
		"border 0 of feature 0": func(d []byte) {
			u32(d[border(d, 0):],
				math.Float32bits(float32(math.NaN())))
		},
		"border 1 of feature 0": func(d []byte) {
			u32(d[border(d, 1):],
				math.Float32bits(-1e30))
		},
		"cut off":           func(d []byte) { d[7]++ },
		"outside of the 20": func(d []byte) { d[4]-- },
		"outside of the buffer": func(d []byte) {
			_, f := slot(d, slotTrees,
				slotFloats)
			u32(d[f:], 1<<31)
		},
		"more elements than": func(d []byte) {
			u32(d[elements(d, slotTrees, slotLeaves)-4:],
				math.MaxUint32)
		},
		"shares bytes": func(d []byte) {
			u32(d[elements(d, slotTrees, slotLeaves)-4:],
				uint32(len(d)/8-1))
		},
	} {
		data := fixtureNamed(t, "depth-1").cbm
		change(data)
		_, err := scorer.Load(data)
		var format *scorer.FormatError
		if !errors.As(err, &format) || !strings.Contains(err.Error(), reason) {
			t.Errorf("error %v, expected %q", err, reason)
		}
	}
}

func TestBytesAfterTheModel(t *testing.T) {
	for _, f := range []string{"depth-1", "classification"} {
		_, err := scorer.Load(append(fixtureNamed(t, f).cbm, 0, 0, 0))
		if err == nil || !strings.Contains(err.Error(), "3 bytes follow the model") {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func putFloat64(at []byte, v float64) { binary.LittleEndian.PutUint64(at, math.Float64bits(v)) }

// A list may refer to one table 50,000 times, and the table to a long name. The reader must not
// copy the name as often.
func TestSharedBytesDoNotMultiply(t *testing.T) {
	const entries, name = 50000, 1000
	data := fixtureNamed(t, "depth-1").cbm
	u32 := binary.LittleEndian.AppendUint32
	list := len(data)
	vtable := list + 4 + 4*entries
	feature := vtable + 14
	data = u32(data, entries)
	for i := range entries {
		data = u32(data, uint32(feature-(list+4+4*i)))
	}
	// a table of 8 bytes that has slot 4 alone, the name
	for _, v := range []uint16{14, 8, 0, 0, 0, 0, 4} {
		data = binary.LittleEndian.AppendUint16(data, v)
	}
	data = u32(data, uint32(feature-vtable))
	data = u32(data, 4)
	data = u32(data, name)
	data = append(data, strings.Repeat("x", name)...)
	_, field := slot(data, slotTrees, slotFloats)
	binary.LittleEndian.PutUint32(data[field:], uint32(list-field))

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := scorer.Load(core(data[8:]))
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "shares bytes") {
		t.Errorf("error %v", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 20*uint64(len(data)) {
		t.Errorf("%d bytes allocated for a file of %d", used, len(data))
	}
}
