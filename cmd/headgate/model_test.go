package main

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/scorer"
)

// twoStumps is a LightGBM model of two trees: the first asks whether requests are at most 10, where
// nothing known goes left, the second whether the kind is 1 or 3.
const twoStumps = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=2
objective=binary sigmoid:1
feature_names=requests unused kind
feature_infos=none none none

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=10
decision_type=10
left_child=-1
right_child=-2
leaf_value=-1 2
leaf_count=30 10
shrinkage=1

Tree=1
num_leaves=2
num_cat=1
split_feature=2
threshold=0
decision_type=1
left_child=-1
right_child=-2
leaf_value=0.5 -0.25
leaf_count=20 20
cat_boundaries=0 1
cat_threshold=10
shrinkage=1

end of trees
`

const (
	stumpRows     = "name,kind,requests\na,1,5\nb,2,11\nc,3,\nd,,NaN\n"
	stumpExpected = "raw\n-0.5\n1.75\n-0.5\n-1.25\n"
)

func TestModelInfo(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "m.txt"), []byte(twoStumps))
	status, out, errOut := run(t, "model", "info", file)
	if status != exitOK || errOut != "" {
		t.Fatalf("exit status %d, %q", status, errOut)
	}
	for _, want := range []string{"lightgbm, ", "objective   binary", "trees       2, depth up to 1", "features    3, of them 2 used",
		"requests", "numeric", "kind", "categorical", "50.0%"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if strings.Contains(out, "unused ") {
		t.Errorf("a feature that is not used is listed:\n%s", out)
	}
	_, out, _ = run(t, "model", "info", file, "--top", "1")
	if strings.Contains(out, "categorical") {
		t.Errorf("two features are listed:\n%s", out)
	}

	status, out, _ = run(t, "model", "info", file, "--json")
	var info modelInfo
	if err := json.Unmarshal([]byte(out), &info); err != nil || status != exitOK {
		t.Fatalf("exit status %d, %v in %s", status, err, out)
	}
	if info.Format != "lightgbm" || info.Trees != 2 || info.Bytes != int64(len(twoStumps)) || len(info.Features) != 3 ||
		info.Features[2] != (modelFeature{2, "kind", "categorical", 1, 1, "by split"}) {
		t.Errorf("%+v", info)
	}
}

// The sum of a model's splits is that of what its features say, whatever the format.
func TestModelInfoOfTheDefaultModel(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "default"), models.Default())
	status, out, errOut := run(t, "model", "info", file, "--json")
	var info modelInfo
	if err := json.Unmarshal([]byte(out), &info); err != nil || status != exitOK || errOut != "" {
		t.Fatalf("exit status %d, %v, %q", status, err, errOut)
	}
	splits := 0
	for _, f := range info.Features {
		splits += f.Splits
		if f.Splits > 0 && f.Borders == 0 {
			t.Errorf("feature %s has splits without borders", f.Name)
		}
	}
	if splits == 0 || splits > info.Trees*info.Depth {
		t.Errorf("%d splits in %d trees of depth %d", splits, info.Trees, info.Depth)
	}
}

func TestModelScore(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "m.txt"), []byte(twoStumps))
	rows := write(t, filepath.Join(dir, "rows.csv"), []byte(stumpRows))
	status, out, errOut := run(t, "model", "score", file, "--rows", rows)
	if status != exitOK || errOut != "" {
		t.Fatalf("exit status %d, %q", status, errOut)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 5 || lines[0] != "raw,prediction,score" || lines[1] != "-0.5,0.3775406687981454,62" || !strings.HasPrefix(lines[4], "-1.25,") {
		t.Errorf("%q", lines)
	}

	// What score writes, verify accepts.
	gzipped := write(t, filepath.Join(dir, "rows.csv.gz"), packed([]byte(stumpRows)))
	scores := filepath.Join(dir, "scores.csv")
	if status, out, errOut := run(t, "model", "score", file, "--rows", gzipped, "--out", scores); status != exitOK || out+errOut != "" {
		t.Fatalf("exit status %d, %q, %q", status, out, errOut)
	}
	status, out, errOut = run(t, "model", "verify", file, "--rows", rows, "--expected", scores)
	if status != exitOK || out != "4 rows agree, 8 values\n" || errOut != "" {
		t.Errorf("exit status %d, %q, %q", status, out, errOut)
	}
}

func TestModelVerify(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "m.txt"), []byte(twoStumps))
	rows := write(t, filepath.Join(dir, "rows.csv"), []byte(stumpRows))
	verify := func(expected string, more ...string) (int, string, string) {
		t.Helper()
		name := write(t, filepath.Join(dir, "expected.csv"), []byte(expected))
		return run(t, append([]string{"model", "verify", file, "--rows", rows, "--expected", name}, more...)...)
	}
	if status, out, errOut := verify(stumpExpected); status != exitOK || out != "4 rows agree, 4 values\n" || errOut != "" {
		t.Errorf("exit status %d, %q, %q", status, out, errOut)
	}
	next := "1.7500000000000002"
	status, out, errOut := verify(strings.Replace(stumpExpected, "1.75", next, 1))
	if status != exitFailure || out != "" {
		t.Errorf("exit status %d, %q", status, out)
	}
	checkOneLine(t, "verify", errOut, "row 2 (line 3): raw is 1.75, expected "+next+", 1 units in the last place apart")
	status, out, _ = verify(strings.Replace(stumpExpected, "1.75", next, 1), "--json")
	var v modelVerified
	if err := json.Unmarshal([]byte(out), &v); err != nil || status != exitFailure || v.Rows != 2 || v.First == nil || v.First.Row != 2 || v.First.ULPs != 1 {
		t.Errorf("exit status %d, %v, %s", status, err, out)
	}
	for expected, want := range map[string]string{
		"raw\n-0.5\n":               "do not have the same number of rows: one ends after 1",
		stumpExpected + "1\n":       "one ends after 4",
		"score\n1\n":                "has none of the columns [raw prediction]",
		"raw\n-0.5\nx\n":            `row 2: column raw: "x" is not a number`,
		"prediction\n0.377540668\n": "row 1 (line 2): prediction is 0.3775406687981454, expected 0.377540668",
		"":                          "is empty",
	} {
		status, _, errOut := verify(expected)
		if status != exitFailure {
			t.Errorf("%q: exit status %d", expected, status)
		}
		checkOneLine(t, expected, errOut, want)
	}
}

// A row is never completed with missing values, nor cut: neither here nor where it is scored or
// explained.
func TestModelRowsOfOtherLengths(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "m.txt"), []byte(twoStumps))
	twins := write(t, filepath.Join(dir, "twins.txt"), []byte(strings.Replace(twoStumps, "feature_names=requests unused", "feature_names=kind unused", 1)))
	expected := write(t, filepath.Join(dir, "expected.csv"), []byte("raw\n-0.5\n"))
	for _, c := range []struct{ model, rows, reason string }{
		{file, "requests,kind\n5\n", "line 2: wrong number of fields"},
		{file, "requests,kind\n5,1,7\n", "line 2: wrong number of fields"},
		{file, "requests,other\n5,1\n", "has no column named kind, which the model uses"},
		{file, "requests,kind,requests\n5,1,7\n", "has 2 columns named requests, which the model uses; leave one"},
		{twins, "requests,kind\n5,1\n", "two features of the model are called kind"},
		{file, "other,kind,requests,other\n9,1,5,9\n", ""}, // further columns, and columns in another order
	} {
		rows := write(t, filepath.Join(dir, "rows.csv"), []byte(c.rows))
		for _, arguments := range [][]string{{"score"}, {"explain"}, {"verify", "--expected", expected}} {
			status, out, errOut := run(t, slices.Concat([]string{"model", arguments[0], c.model, "--rows", rows}, arguments[1:])...)
			if c.reason == "" {
				if status != exitOK || errOut != "" {
					t.Errorf("%s %q: exit status %d, %q", arguments[0], c.rows, status, errOut)
				}
				continue
			}
			if status != exitFailure || strings.Contains(out, "agree") {
				t.Errorf("%s %q: exit status %d, %q", arguments[0], c.rows, status, out)
			}
			checkOneLine(t, arguments[0], errOut, c.reason)
		}
	}
}

// Units in the last place are counted over zero, and in the floats of the library.
func TestULPs(t *testing.T) {
	double, single := &evaluation{bits: 64}, &evaluation{bits: 32}
	for _, c := range []struct {
		e    *evaluation
		a, b float64
		want uint64
	}{
		{double, 1, 1, 0}, {double, 0, math.Copysign(0, -1), 0}, {double, math.NaN(), math.NaN(), 0}, {double, math.NaN(), 1, math.MaxUint64},
		{double, 1, math.Nextafter(1, 2), 1}, {double, 5e-324, -5e-324, 2}, {double, math.Inf(1), math.MaxFloat64, 1},
		{single, 1, float64(math.Nextafter32(1, 2)), 1}, {single, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 2},
	} {
		if got := c.e.ulps(c.a, c.b); got != c.want {
			t.Errorf("%v and %v are %d units apart, expected %d", c.a, c.b, got, c.want)
		}
		if got := c.e.ulps(c.b, c.a); got != c.want {
			t.Errorf("%v and %v are %d units apart, expected %d", c.b, c.a, got, c.want)
		}
	}
}

// On average over the training rows the first tree says -0.25, the second 0.125.
func TestModelExplain(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "m.txt"), []byte(twoStumps))
	rows := write(t, filepath.Join(dir, "rows.csv"), []byte(stumpRows))
	status, out, errOut := run(t, "model", "explain", file, "--rows", rows)
	if status != exitOK || errOut != "" {
		t.Fatalf("exit status %d, %q", status, errOut)
	}
	var lines []string
	for line := range strings.Lines(out) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	want := []string{"row raw average feature input contribution",
		"1 -0.5 -0.125 requests 5 -0.75", "1 -0.5 -0.125 kind 1 +0.375",
		"2 1.75 -0.125 requests 11 +2.25", "2 1.75 -0.125 kind 2 -0.375",
		"3 -0.5 -0.125 requests - -0.75", "3 -0.5 -0.125 kind 3 +0.375",
		"4 -1.25 -0.125 requests NaN -0.75", "4 -1.25 -0.125 kind - -0.375"}
	if !slices.Equal(lines, want) {
		t.Errorf("%q, expected %q", lines, want)
	}

	_, out, _ = run(t, "model", "explain", file, "--rows", rows, "--top", "1")
	if strings.Count(out, "\n") != 5 || strings.Contains(out, "kind") {
		t.Errorf("with one feature a row:\n%s", out)
	}
	status, out, errOut = run(t, "model", "explain", file, "--rows", rows, "--output", "1")
	if status != exitUsage || out != "" {
		t.Errorf("of a second output: exit status %d, %q", status, out)
	}
	checkOneLine(t, "--output 1", errOut, "--output 1", "has 1 outputs, counted from 0")
	status, out, _ = run(t, "model", "explain", file, "--rows", rows, "--json")
	decoder, first := json.NewDecoder(strings.NewReader(out)), explainedFeature{}
	if err := decoder.Decode(&first); err != nil || status != exitOK || strings.Count(out, "\n") != 8 {
		t.Errorf("exit status %d, %v in %s", status, err, out)
	}
	if first.Row != 1 || first.Raw != -0.5 || first.Average != -0.125 || *first.Position != 0 || first.Feature != "requests" || first.Input != "5" ||
		first.Contribution != -0.75 {
		t.Errorf("%+v", first)
	}
}

// A row that no feature moved, such as any row of a model of one leaf, has a line too.
func TestModelExplainWithoutFeatures(t *testing.T) {
	dir := t.TempDir()
	constant := "tree\nversion=v4\nnum_class=1\nmax_feature_idx=0\nfeature_names=a\n\nTree=0\nnum_leaves=1\nleaf_value=3\n\nend of trees\n"
	file := write(t, filepath.Join(dir, "m.txt"), []byte(constant))
	rows := write(t, filepath.Join(dir, "rows.csv"), []byte("a\n1\n"))
	status, out, errOut := run(t, "model", "explain", file, "--rows", rows, "--json")
	if want := `{"row":1,"raw":3,"average":3,"contribution":0}` + "\n"; status != exitOK || out != want || errOut != "" {
		t.Errorf("exit status %d, %q, %q, expected %q", status, out, errOut, want)
	}
	_, out, _ = run(t, "model", "explain", file, "--rows", rows)
	if _, line, _ := strings.Cut(out, "\n"); strings.Join(strings.Fields(line), " ") != "1 3 3 - - +0" {
		t.Errorf("%q", out)
	}
}

func TestModelBench(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "m.txt"), []byte(twoStumps))
	rows := write(t, filepath.Join(dir, "rows.csv"), []byte(stumpRows))
	status, out, errOut := run(t, "model", "bench", file, "--for", "1ms", "--rows", rows)
	if status != exitOK || errOut != "" || strings.Count(out, "ns a row") != len(scorer.Tiers()) || strings.Count(out, "; in a batch ") != len(scorer.Tiers()) {
		t.Errorf("exit status %d, %q, %q", status, out, errOut)
	}
	status, out, _ = run(t, "model", "bench", file, "--for", "1ms", "--json")
	var bench struct{ Tiers []tierBench }
	if err := json.Unmarshal([]byte(out), &bench); err != nil || status != exitOK || len(bench.Tiers) != len(scorer.Tiers()) || bench.Tiers[0].Tier != "go" ||
		bench.Tiers[0].Fast == 0 || bench.Tiers[0].Batch == 0 {
		t.Errorf("exit status %d, %v in %s", status, err, out)
	}
	if _, out, _ = run(t, "model", "bench", file, "--for", "1ms"); strings.Count(out, "; fast ") != len(scorer.Tiers()) {
		t.Errorf("%q", out)
	}
	several := write(t, filepath.Join(dir, "m.cbm"), fixture(t, "multiclass-statistics", "model.cbm"))
	if status, out, _ := run(t, "model", "bench", several, "--for", "1ms"); status != exitOK || strings.Contains(out, "fast") {
		t.Errorf("exit status %d, %q for a model that gains nothing", status, out)
	}
}

// Trees of one leaf each: 2^53, then eight times 1, then -2^53. In this order every 1 is rounded
// away; Fast adds some of them to each other first.
func TestModelScoreFast(t *testing.T) {
	dir := t.TempDir()
	text := strings.Replace(twoStumps[:strings.Index(twoStumps, "Tree=0")], "objective=binary sigmoid:1", "objective=regression", 1)
	for i, leaf := range strings.Fields("9007199254740992 1 1 1 1 1 1 1 1 -9007199254740992") {
		text += fmt.Sprintf("Tree=%d\nnum_leaves=1\nnum_cat=0\nleaf_value=%s\nshrinkage=1\n\n", i, leaf)
	}
	file := write(t, filepath.Join(dir, "m.txt"), []byte(text+"end of trees\n"))
	rows := write(t, filepath.Join(dir, "rows.csv"), []byte("kind,requests,unused\n1,5,0\n"))
	for want, args := range map[string][]string{"raw,prediction\n0,0\n": nil, "raw,prediction\n6,6\n": {"--fast"}} {
		status, out, errOut := run(t, append([]string{"model", "score", file, "--rows", rows}, args...)...)
		if status != exitOK || out != want || errOut != "" {
			t.Errorf("%q: exit status %d, %q, %q, expected %q", args, status, out, errOut, want)
		}
	}
}

// Errors name the thing and what to do about it, in one line.
func TestModelErrors(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "m.txt"), []byte(twoStumps))
	cut := write(t, filepath.Join(dir, "cut.txt"), []byte(twoStumps[:len(twoStumps)-20]))
	rows := write(t, filepath.Join(dir, "rows.csv"), []byte(stumpRows))
	none := filepath.Join(dir, "none")
	bare := write(t, filepath.Join(dir, "bare.txt"), []byte(strings.Replace(twoStumps, "leaf_count=20 20\n", "", 1)))
	for _, c := range []struct {
		args  []string
		wants []string
	}{
		{[]string{"info", none}, []string{none, "no such file"}},
		{[]string{"info", cut}, []string{cut, "is cut off", `write it again with Booster.save_model("m.txt")`}},
		{[]string{"score", file, "--rows", none}, []string{none, "name a CSV file"}},
		{[]string{"score", file, "--rows", dir}, []string{dir, "is a directory; name a CSV file"}},
		{[]string{"score", file, "--rows", write(t, filepath.Join(dir, "empty.csv"), nil)}, []string{"is empty", "must name the columns"}},
		{[]string{"score", file, "--rows", write(t, filepath.Join(dir, "few.csv"), []byte("requests\n1\n"))}, []string{"no column named kind", "1 of its features"}},
		{[]string{"score", file, "--rows", write(t, filepath.Join(dir, "text.csv"), []byte("requests,kind\n1,2\nx,3\n"))},
			[]string{`line 3: column requests: "x" is not a number`}},
		{[]string{"score", file, "--rows", write(t, filepath.Join(dir, "odd.csv"), []byte("requests,kind\n1\n"))}, []string{"line 2", "wrong number of fields"}},
		{[]string{"score", file, "--rows", rows, "--out", filepath.Join(none, "x.csv")}, []string{"there is no directory", "make it"}},
		{[]string{"explain", file, "--rows", none}, []string{none, "name a CSV file"}},
		{[]string{"explain", bare, "--rows", rows}, []string{bare, "cannot be explained: the model has no weights of leaves"}},
		{[]string{"verify", file, "--rows", rows, "--expected", none}, []string{none, "name a CSV file"}},
		{[]string{"bench", file, "--rows", write(t, filepath.Join(dir, "header.csv"), []byte("requests,kind\n"))}, []string{"has no rows"}},
	} {
		status, _, errOut := run(t, append([]string{"model"}, c.args...)...)
		if status != exitFailure {
			t.Errorf("%v: exit status %d", c.args, status)
		}
		checkOneLine(t, strings.Join(c.args, " "), errOut, c.wants...)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("a file was made")
	}
}

// archived reads a file of an archive of package scorer's test data.
func archived(t *testing.T, archive, name string) []byte {
	t.Helper()
	a, err := zip.OpenReader(filepath.Join("..", "..", "scorer", "testdata", archive))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	content, err := fs.ReadFile(a, name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// unzipped writes a file of an archive to a folder.
func unzipped(t *testing.T, archive, name string) string {
	t.Helper()
	return write(t, filepath.Join(t.TempDir(), name), archived(t, archive, name))
}

// A model of 19 iterations of which early stopping found 9 best: all are used with a warning, fewer
// if one asks.
func TestModelIterations(t *testing.T) {
	file := unzipped(t, "iterations.zip", "xgb-early.json")
	const warning = "early stopping found 9 of 19 iterations best, "
	for args, want := range map[string]struct {
		used, trees int
		warned      bool
	}{"": {19, 19, true}, "--iterations best": {9, 9, false}, "--iterations 9": {9, 9, false}, "--iterations 3": {3, 3, true}} {
		status, out, errOut := run(t, append([]string{"model", "info", file, "--json"}, strings.Fields(args)...)...)
		var info modelInfo
		if err := json.Unmarshal([]byte(out), &info); err != nil || status != exitOK {
			t.Fatalf("%q: exit status %d, %v, %s", args, status, err, errOut)
		}
		if info.Iterations != want.used || info.InFile != 19 || info.Best != 9 || info.Trees != want.trees ||
			(len(info.Warnings) == 1 && strings.HasPrefix(info.Warnings[0], warning)) != want.warned {
			t.Errorf("%q: %+v", args, info)
		}
	}
	rows := write(t, filepath.Join(t.TempDir(), "rows.csv"), []byte("0,1,2,3,4,5\n1,1,1,1,1,1\n"))
	_, all, errOut := run(t, "model", "score", file, "--rows", rows)
	_, best, quiet := run(t, "model", "score", file, "--rows", rows, "--iterations", "best")
	if all == best || !strings.Contains(errOut, warning) || quiet != "" {
		t.Errorf("with all iterations\n%s%s with the best\n%s%s", all, errOut, best, quiet)
	}
	for args, want := range map[string]int{"--iterations 0": exitUsage, "--iterations most": exitUsage, "--iterations 20": exitFailure} {
		status, out, errOut := run(t, append([]string{"model", "info", file}, strings.Fields(args)...)...)
		if status != want || out != "" {
			t.Errorf("%s: exit status %d, %s", args, status, out)
		}
		checkOneLine(t, args, errOut, "iterations")
	}
}
