package scorer_test

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// leafStep is the distance of the rows that testdata/make/leaves.py asked the libraries about.
const leafStep = 9

// readLeaves reads what the libraries answered, by model: for each row a number for each tree.
func readLeaves(t *testing.T, library string, least int) map[string][]int32 {
	t.Helper()
	answers := map[string][]int32{}
	for file, data := range unpack(t, filepath.Join("testdata", "leaves", library+".zip")) {
		var numbers []int32
		for ; len(data) > 0; data = data[2:] {
			numbers = append(numbers, int32(binary.LittleEndian.Uint16(data)))
		}
		answers[strings.TrimSuffix(file, ".u16")] = numbers
	}
	if len(answers) < least {
		t.Fatalf("the leaves of %d models of %s, expected at least %d: run testdata/make/leaves.py",
			len(answers), library, least)
	}
	return answers
}

// compareLeaves compares the leaves of every leafStep-th row, as it came from the file and after
// Fast.
func compareLeaves(t *testing.T, m *scorer.Model, want []int32, rows []libraryRow) {
	t.Helper()
	for _, m := range []*scorer.Model{m, m.Fast()} {
		scratch, rest := m.NewScratch(), want
		got := []int32{-1}
		for i := 0; i < len(rows); i += leafStep {
			rows[i].set(scratch)
			got = must(m.AppendLeaves(got[:1], scratch, rows[i].x))
			if len(rest) < m.Trees() || got[0] != -1 || !slices.Equal(got[1:], rest[:m.Trees()]) {
				t.Fatalf("row %d: %v, the library says %v", i, got[1:],
					rest[:min(m.Trees(), len(rest))])
			}
			rest = rest[m.Trees():]
		}
		if len(rest) > 0 {
			t.Errorf("%d leaves of the library are left", len(rest))
		}
	}
}

// Leaves have the numbers that the libraries give them, in each of their formats.
func TestLeavesAreTheLibrarys(t *testing.T) {
	catboost := readLeaves(t, "catboost-1.2.8", 60)
	for _, f := range libraryFixtures(t) {
		if f.library != "catboost" || f.version != "1.2.8" || f.Refused != "" {
			continue
		}
		for file, data := range f.models {
			t.Run(f.title()+"/"+file, func(t *testing.T) {
				compareLeaves(t, load(t, data), catboost[f.name+strings.TrimPrefix(file, "model")],
					f.rows(t))
			})
		}
	}
	for library, version := range map[string]string{"lightgbm": "4.6.0", "xgboost": "3.2.0"} {
		want := readLeaves(t, library+"-"+version, 25)
		for _, f := range forestFixtures(t, library, 90) {
			if f.version != version {
				continue
			}
			var rows []libraryRow
			for _, x := range f.rows {
				rows = append(rows, libraryRow{x: x})
			}
			for extension, data := range f.files {
				t.Run(library+"/"+f.name+"/"+extension, func(t *testing.T) {
					compareLeaves(t,
						load(t, data), want[f.name], rows)
				})
			}
		}
	}
}

func TestLeavesOfTheFirstIterations(t *testing.T) {
	for _, name := range []string{"depthwise", "numeric", "combinations"} {
		f := libraryFixtureNamed(t, "catboost-1.2.8", name)
		for file, data := range f.models {
			all := load(t, data)
			first, err := scorer.Loader{Iterations: 3}.Load(data)
			if err != nil {
				t.Fatal(err)
			}
			scratch := all.NewScratch()
			for i, in := range f.rows(t) {
				in.set(scratch)
				want, got := must(all.AppendLeaves(nil, scratch,
					in.x))[:3], must(first.AppendLeaves(nil, scratch, in.x))
				if !slices.Equal(got, want) {
					t.Fatalf("%s/%s, row %d: %v, expected %v", name, file, i, got, want)
				}
			}
		}
	}
}

func TestLeavesAllocateNothing(t *testing.T) {
	forests := smallForests(t)
	f := fixtureNamed(t, "classification")
	forests["catboost"] = f.cbm
	for name, data := range forests {
		m := load(t, data)
		scratch, x := m.NewScratch(), padded(m)
		leaves := must(m.AppendLeaves(nil, scratch, x))
		if n := testing.AllocsPerRun(100, func() {
			leaves = must(m.AppendLeaves(leaves[:0], scratch,
				x))
		}); n != 0 {
			t.Errorf("%s: %v allocations for a row", name, n)
		}
		if got, err := m.AppendLeaves([]int32{5}, scratch, make([]float32, len(x)+1)); err == nil ||
			!slices.Equal(got, []int32{5}) {
			t.Errorf("%s: a longer row: %v, error %v", name, got, err)
		}
	}
}
