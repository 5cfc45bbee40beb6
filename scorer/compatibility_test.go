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

// compatibilityIntro stands above the tables.
const compatibilityIntro = `# Models

What package ` + "`scorer`" + ` was compared with: models that the library of each version trained, small ones that have one thing each, and
what that library answered to rows with values on borders and beside them, infinities, missing values, categories that training did
not see, empty ones and ones of more than 64 bytes. The scripts are in ` + "`scorer/testdata/make`" + `. This file is written by

    go test ./scorer -run TestCompatibility -update

and the same test fails when it is not what the code does. A cell gives two results: for the raw output and, after the stroke, for the
prediction (probabilities; the expected value of a count). ` + "`=`" + ` is the same bits in every row and in each format that the library
writes; a number is the largest difference, in units in the last place (of a float32 for XGBoost); ` + "`-`" + ` is not asked for. The third
result, after another stroke, is for explanations (ShapValues, pred_contrib, pred_contribs): the largest difference of a feature's value, as part of the
sum of magnitudes that make up the raw output. XGBoost computes that in float32. It stands where the library explains some rows; those in which its values do not add up to its own raw output are left
out, which are some where CatBoost passes over branches that no training row took, and nearly all of CatBoost's trees that are not symmetric.

CatBoost's models with monotone constraints are explained for training rows: for others its values depend on which rows are
explained together ([why](decisions/0035-who-gets-a-combination.md)). A class that training did not have has the raw output -Inf, as in
CatBoost, and no explanation (` + "`scorer.ErrAbsentClass`" + `).

## Which function of the library

| library | raw output | prediction | leaves | iterations |
|---|---|---|---|---|
| CatBoost | ` + "`predict(prediction_type='RawFormulaVal')`" + ` | ` + "`predict_proba`" + `, or ` + "`predict`" + ` of a regressor | ` + "`calc_leaf_indexes`" + ` | all in the file, to which ` + "`use_best_model`" + ` wrote no more than it kept |
| LightGBM | ` + "`Booster.predict(raw_score=True)`" + ` | ` + "`Booster.predict`" + ` | ` + "`Booster.predict(pred_leaf=True)`" + ` | all in the file, to which ` + "`save_model`" + ` wrote no more than the best |
| XGBoost | ` + "`Booster.predict(output_margin=True)`" + ` | ` + "`Booster.predict`" + ` | ` + "`Booster.predict(pred_leaf=True)`" + ` | all in the file, also after early stopping. ` + "`XGBClassifier`" + ` and ` + "`XGBRegressor`" + ` use those up to the best: ` + "`scorer.Loader{Best: true}`" + `, ` + "`--iterations best`" + ` |

` + "`Loader.Iterations`" + ` takes the first iterations only, as ` + "`ntree_end`" + `, ` + "`num_iteration`" + ` and ` + "`iteration_range`" + ` do (tested with CatBoost 1.2.8, LightGBM 4.6.0
and XGBoost 3.2.0: ` + "`TestFirstIterations`" + `). ` + "`headgate model info`" + ` shows how many iterations a file has and are used, and warns where early stopping found
fewer best.

Leaves were compared with CatBoost 1.2.8, LightGBM 4.6.0 and XGBoost 3.2.0, in each of their formats (` + "`TestLeavesAreTheLibrarys`" + `).
`

// compatibilityUse stands above the example of the package.
const compatibilityUse = `
## From Go

` + "`Model.AppendRaw`, `AppendPrediction` and `AppendLeaves`" + ` answer one row, ` + "`AppendRawBatch` and `AppendPredictionBatch`" + ` a matrix. A row has
one value for each feature of the model; another length is an error. What the outputs, classes and labels of a model are is said in one place:
` + "`go doc github.com/headgate/headgate/scorer`" + `, "Outputs, probabilities, classes". More examples, also of explanations and batches, are in
` + "`scorer/example_test.go`" + `.

`

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
			all = append(all, compatibilityResult{library, f.version, strings.ReplaceAll(f.name, "-", " "), f.judge(t)})
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
		unit = float64(math.Nextafter32(float32(math.Abs(want)), float32(math.Inf(1)))) - math.Abs(want)
	}
	d.most = max(d.most, math.Abs(got-want)/unit, math.SmallestNonzeroFloat64) // zeros of another sign are no equal bits
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
	row := m.NewRow()
	for i, in := range f.rows(t) {
		in.set(row)
		for k, got := range must(m.AppendRaw(nil, row, in.x)) {
			raw.add(got, wantRaw[i*f.Outputs+k])
		}
		if width := len(wantPrediction) / f.Rows; width > 0 {
			for k, got := range must(m.AppendPrediction(nil, row, in.x)) {
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
		row := m.NewRow()
		for i, x := range f.rows {
			for k, got := range must(m.AppendRaw(nil, row, x)) {
				raw.add(got, f.raw[i*m.Outputs()+k])
			}
			out := must(m.AppendPrediction(nil, row, x))
			if len(f.out) == forestRows && len(out) > 1 { // the most probable class
				out = []float64{float64(must(m.Class(row, x)))}
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
	fmt.Fprintf(&b, "| model | %s |\n|---|%s\n", strings.Join(versions, " | "), strings.Repeat("---|", len(versions)))
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

// compatibilityText is the whole file, once it is known: the tests run once for each tier, and whether tiers agree is tested elsewhere.
var compatibilityText string

func compatibility(t *testing.T) string {
	if compatibilityText != "" {
		return compatibilityText
	}
	byLibrary := map[string][]compatibilityResult{}
	for _, r := range compatibilityResults(t) {
		byLibrary[r.library] = append(byLibrary[r.library], r)
	}
	text := compatibilityIntro + compatibilityUse + exampleProgram(t) + compatibilityCategories
	for _, l := range []struct{ title, library string }{
		{"CatBoost, .cbm and JSON", "catboost"}, {"LightGBM, text", "lightgbm"}, {"XGBoost, JSON and UBJ", "xgboost"},
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
		t.Errorf("%s is not current (%v): run go test ./scorer -run TestCompatibility -update", compatibilityFile, err)
	}
}
