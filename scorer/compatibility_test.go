package scorer_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

var update = flag.Bool("update", false, "write docs/models.md anew")

const compatibilityFile = "../docs/models.md"

// exampleProgram is the example of the package as Markdown, without what it prints.
func exampleProgram(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "\nfunc Example() {\n")
	body, _, ok := strings.Cut(rest, "\t// Output:\n")
	if !ok {
		t.Fatal("example_test.go has no func Example with an output")
	}
	return "```go\n" + strings.ReplaceAll(strings.TrimPrefix(body, "\t"), "\n\t", "\n") + "```\n"
}

// compatibilityResult is a cell.
type compatibilityResult struct {
	library, version, feature string
	result                    string
}

// compatibilityResults compares all fixtures of all libraries.
func compatibilityResults(t *testing.T) (all []compatibilityResult) {
	for _, f := range libraryFixtures(t) {
		all = append(all, compatibilityResult{f.library, f.version, f.shows(), f.judge(t)})
	}
	for _, library := range []string{"lightgbm", "xgboost"} {
		for _, f := range forestFixtures(t, library, 90) {
			all = append(all, compatibilityResult{library, f.version,
				strings.ReplaceAll(f.name, "-", " "), f.judge(t)})
		}
	}
	return all
}

// distance collects how far answers are from those of a library.
type distance struct {
	single bool
	most   float64 // in units in the last place
	asked  bool
}

func (d *distance) add(got, want float64) {
	d.asked = true
	if same(got, want) {
		return
	}
	unit := math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want)
	if d.single {
		unit = float64(math.Nextafter32(float32(math.Abs(want)),
			float32(math.Inf(1)))) - math.Abs(want)
	}
	// zeros of another sign are no equal bits
	d.most = max(d.most, math.Abs(got-want)/unit, math.SmallestNonzeroFloat64)
}

func (d *distance) String() string {
	switch {
	case !d.asked:
		return "-"
	case d.most == 0:
		return "="
	}
	return strconv.FormatFloat(math.Ceil(d.most), 'g', 3, 64)
}

func (f *libraryFixture) shows() string { return f.Shows }

func (f *libraryFixture) judge(t *testing.T) string {
	single := f.library == "xgboost"
	raw, prediction := distance{single: single}, distance{single: single}
	var values explanation
	for _, data := range f.models {
		m, err := scorer.Load(data)
		if errors.Is(err, scorer.ErrUnsupported) {
			return "refused"
		}
		if err != nil {
			t.Fatal(err)
		}
		f.measure(t, m, &raw, &prediction)
		f.explain(t, m, values.add)
	}
	return raw.String() + " / " + prediction.String() + values.String()
}

func (f *libraryFixture) measure(t *testing.T, m *scorer.Model, raw, prediction *distance) {
	wantRaw := f.floats64(t, "raw.f64")
	var wantPrediction []float64
	if f.Predict != "" {
		wantPrediction = f.floats64(t, "predict.f64")
	}
	scratch := m.NewScratch()
	for i, in := range f.rows(t) {
		in.set(scratch)
		for k, got := range must(m.AppendRaw(nil, scratch, in.x)) {
			raw.add(got, wantRaw[i*f.Outputs+k])
		}
		if width := len(wantPrediction) / f.Rows; width > 0 {
			for k, got := range must(m.AppendPrediction(nil, scratch, in.x)) {
				prediction.add(got, wantPrediction[(i+1)*width-f.Outputs+k])
			}
		}
	}
}

func (f *forestFixture) judge(t *testing.T) string {
	single := f.library == "xgboost"
	raw, prediction := distance{single: single}, distance{single: single}
	for _, data := range f.files {
		m := load(t, data)
		scratch := m.NewScratch()
		for i, x := range f.rows {
			for k, got := range must(m.AppendRaw(nil, scratch, x)) {
				raw.add(got, f.raw[i*m.Outputs()+k])
			}
			out := must(m.AppendPrediction(nil, scratch, x))
			if len(f.out) == forestRows && len(out) > 1 { // the most probable class
				out = []float64{float64(must(m.Class(scratch, x)))}
			}
			for k, got := range out {
				prediction.add(got, f.out[i*len(out)+k])
			}
		}
	}
	var values explanation
	f.explain(t, load(t, f.explainable()), values.add)
	return raw.String() + " / " + prediction.String() + values.String()
}

// compatibilityTable is a table in Markdown: a line for each feature, a column for each version.
func compatibilityTable(results []compatibilityResult) string {
	var versions, features []string
	cells := map[[2]string]string{}
	for _, r := range results {
		if !slices.Contains(versions, r.version) {
			versions = append(versions, r.version)
		}
		if !slices.Contains(features, r.feature) {
			features = append(features, r.feature)
		}
		cells[[2]string{r.feature, r.version}] = r.result
	}
	slices.SortFunc(versions, compareVersions)
	slices.Sort(features)
	var b strings.Builder
	fmt.Fprintf(&b, "| model | %s |\n|---|%s\n", strings.Join(versions, " | "),
		strings.Repeat("---|", len(versions)))
	for _, feature := range features {
		fmt.Fprintf(&b, "| %s |", feature)
		for _, version := range versions {
			fmt.Fprintf(&b, " %s |", cells[[2]string{feature, version}])
		}
		b.WriteString("\n")
	}
	return b.String()
}

func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x - y
		}
	}
	return len(as) - len(bs)
}

// compatibilityText is the whole file, once it is known: the tests run once for each tier, and
// whether tiers agree is tested elsewhere.
var compatibilityText string

func compatibility(t *testing.T) string {
	if compatibilityText != "" {
		return compatibilityText
	}
	byLibrary := map[string][]compatibilityResult{}
	for _, r := range compatibilityResults(t) {
		byLibrary[r.library] = append(byLibrary[r.library], r)
	}
	text := compatibilityIntro + exampleProgram(t) + compatibilityCategories
	for _, l := range []struct{ title, library string }{
		{"CatBoost, .cbm and JSON", "catboost"}, {"LightGBM, text",
			"lightgbm"}, {"XGBoost, JSON and UBJ", "xgboost"},
	} {
		text += "\n## " + l.title + "\n\n" + compatibilityTable(byLibrary[l.library])
	}
	compatibilityText = text
	return text
}

// docs/models.md says what the code does.
func TestCompatibilityTableIsCurrent(t *testing.T) {
	text := compatibility(t)
	if *update {
		if err := os.WriteFile(compatibilityFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(compatibilityFile)
	if err != nil || string(have) != text {
		t.Errorf("%s is not current (%v): run go test ./scorer -run TestCompatibility -update",
			compatibilityFile, err)
	}
}
