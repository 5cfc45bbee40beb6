package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/bench/report"
)

func ratio(v float64) *float64 { return &v }

func sample() *report.Report {
	return report.New(&harness.Run{
		Results: []harness.Result{
			{Suite: "features", Case: "a <case>", Impl: harness.Headgate, Metric: "p50", Unit: "ns", Value: 450, N: 1000, TimesFaster: ratio(1), Low: 440, High: 500},
			{Suite: "features", Case: "a <case>", Impl: "headgate, old", Metric: "p50", Unit: "ns", Value: 300, N: 1000, TimesFaster: ratio(0.667), Low: 290, High: 310},
			{Suite: "features", Case: "a <case>", Impl: "memcached", Metric: "p50", Unit: "ns", Value: 40_725, N: 1000, TimesFaster: ratio(90.5), Low: 40_000, High: 50_000},
			{Suite: "allocations", Case: "Decide", Impl: harness.Headgate, Metric: "allocations", Unit: "allocs/op"},
			{Suite: "allocations", Case: "Done", Impl: harness.Headgate, Metric: "allocations", Unit: "allocs/op"},
			{Suite: "ipc", Case: "there and back", Impl: harness.Headgate, Metric: "round trip", Unit: "ns", Value: 14_000, N: 10, TimesFaster: ratio(1), Low: 13_000, High: 15_000},
			{Suite: "ipc", Case: "there and back", Impl: "pipe", Metric: "round trip", Unit: "ns", Value: 7000, N: 10, TimesFaster: ratio(0.5), Low: 6000, High: 8000},
		},
		Missing: []harness.MissingPeer{{Suite: "features", Name: "Redis", Reason: "it is not on the PATH", Remedy: "install it"}},
	}, time.Now(), []string{"-quick", "features"})
}

// The page stands by itself: it loads nothing, and shows every figure, the machine, the command and what is missing.
func TestPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := sample().Write(dir); err != nil {
		t.Fatal(err)
	}
	page := read(t, filepath.Join(dir, "index.html"))
	for _, want := range []string{"<svg", "450 ns", "40.7 µs", "90.5 x", "memcached", "go run ./bench -quick features", "Redis", "install it", "a &lt;case&gt;",
		"logarithmic", "times faster"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<case>", "http://", "https://", "<script"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	back, err := report.Read(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(back.Results) != 7 || back.Results[2].Value != 40_725 || *back.Results[2].TimesFaster != 90.5 || back.Machine.Cores < 1 || back.Machine.Kernel == "" {
		t.Errorf("results.json came back as %+v", back)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The tables have every figure; a loss is bold and listed at the top; variants of ours are no peers, so that they are
// neither losses nor ratios; what was not measured is named; the plots are images that load nothing.
func TestMarkdown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "RESULTS.md")
	known := []harness.Suite{{Name: "features", About: "features of a request"}, {Name: "ipc", About: "there and back"}, {Name: "proxy", About: "a whole proxy"}}
	if err := sample().WriteMarkdown(path, known); err != nil {
		t.Fatal(err)
	}
	text := read(t, path)
	for _, want := range []string{
		"`go run ./bench -quick features`",
		"This run did not have: suite proxy, Redis in suite features.",
		"In 1 of 2 comparisons the best peer is faster.",
		"| ipc | there and back, round trip | 14 µs | pipe 7 µs | **0.5** |",
		"| a <case> | p50 | headgate | 450 ns | 440 ns to 500 ns |  |",
		"|  |  | headgate, old | 300 ns | 290 ns to 310 ns |  |",
		"|  |  | memcached | 40.7 µs | 40 µs to 50 µs | 90.5 |",
		"|  |  | pipe | 7 µs | 6 µs to 8 µs | **0.5** |",
		"| Decide; Done | allocations | headgate | 0 allocs/op | | |",
		"(results/features.svg)", "(results/ipc.svg)", "\nFeatures of a request.\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("RESULTS.md lacks %q:\n%s", want, text)
		}
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "results", "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files %q, %v: results.json and two plots were expected, none of allocations", files, err)
	}
	checkPlot(t, read(t, files[0]), "a <case>: p50", "memcached", "40.7 µs  (90.5 x)", "headgate, old", "300 ns")
	if back, err := report.Read(files[2]); err != nil || len(back.Results) != 7 {
		t.Errorf("the stored results came back as %+v, %v", back, err)
	}
}

// checkPlot reads an image as XML: its texts are those that are wanted, in their order, among others.
func checkPlot(t *testing.T, image string, wants ...string) {
	t.Helper()
	if strings.Contains(image, "href") {
		t.Error("the plot loads something")
	}
	d := xml.NewDecoder(strings.NewReader(image))
	var texts []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the plot is not XML: %v", err)
		}
		if text, ok := token.(xml.CharData); ok {
			texts = append(texts, string(text))
		}
	}
	for _, want := range wants {
		if !slices.Contains(texts, want) {
			t.Errorf("the plot lacks %q: %q", want, texts)
		}
	}
}

// The documents of the project are what the stored results print, so that no figure in them was typed.
func TestDocumentsAreTheStoredRun(t *testing.T) {
	const stored = "../results/results.json"
	r, err := report.Read(stored)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	readme := filepath.Join(dir, "README.md")
	if err := os.WriteFile(readme, []byte(read(t, "../../README.md")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.WriteMarkdown(filepath.Join(dir, "RESULTS.md"), nil), r.UpdateReadme(readme)); err != nil {
		t.Fatal(err)
	}
	const again = "go run ./bench -from bench/results/results.json -report bench/RESULTS.md -readme README.md"
	if read(t, readme) != read(t, "../../README.md") {
		t.Errorf("README.md has other headlines than %s: %s", stored, again)
	}
	plots, _ := filepath.Glob(filepath.Join(dir, "results", "*.svg"))
	if len(plots) == 0 {
		t.Error("no plots")
	}
	for _, plot := range plots {
		if read(t, plot) != read(t, "../results/"+filepath.Base(plot)) {
			t.Errorf("bench/results/%s is another plot than that of %s: %s", filepath.Base(plot), stored, again)
		}
	}
	results := read(t, "../RESULTS.md")
	for line := range strings.Lines(read(t, filepath.Join(dir, "RESULTS.md"))) {
		if strings.HasPrefix(line, "|") && !strings.Contains(results, line) {
			t.Fatalf("bench/RESULTS.md lacks a row of %s: %s\n%s", stored, again, line)
		}
	}
}

// full is the results of a run that answers all questions of the README.
func full() *report.Report {
	r := &harness.Run{}
	add := func(suite, name, metric, unit string) {
		r.Results = append(r.Results,
			harness.Result{Suite: suite, Case: name, Impl: harness.Headgate, Metric: metric, Unit: unit, Value: 1000, N: 1, TimesFaster: ratio(1)},
			harness.Result{Suite: suite, Case: name, Impl: "slow peer", Metric: metric, Unit: unit, Value: 9000, N: 1, TimesFaster: ratio(9)},
			harness.Result{Suite: suite, Case: name, Impl: "quick peer", Metric: metric, Unit: unit, Value: 2000, N: 1, TimesFaster: ratio(2)},
			harness.Result{Suite: suite, Case: name, Impl: "headgate, other", Metric: metric, Unit: unit, Value: 100, N: 1, TimesFaster: ratio(0.1)})
	}
	add("features", "1 million keys, back to back", "p50", "ns")
	add("features", "1 million keys, a busy process per core", "p99", "ns")
	add("publish", "100 thousand keys x 32, 0.1 % changed", "time", "ns/op")
	add("publish", "100 thousand keys x 32, 1 % changed", "time", "ns/op")
	add("mmapsync", "read 36 B", "time", "ns/op")
	add("limits", "add, 1 thread", "time", "ns/op")
	add("limits", "in flight: begin and end", "time", "ns/op")
	add("inference", "CatBoost, 300 trees of depth 6, 100 features", "time", "ns/op")
	add("proxy", "16 connections, closed loop", "throughput", "requests/s")
	return report.New(r, time.Now(), nil)
}

func TestReadmeTableIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n<!-- bench:begin -->\nformer table\n<!-- bench:end -->\nafter\n")
	if err := full().UpdateReadme(path); err != nil {
		t.Fatal(err)
	}
	text := read(t, path)
	for _, want := range []string{"before\n", "\nafter\n",
		"| Read features, p50 (1 million keys, back to back) | 1 µs | quick peer: 2 µs | 2 |",
		"| Publish a table (100 thousand keys x 32, 1 % changed) | 1 µs/op | quick peer: 2 µs/op | 2 |"} {
		if !strings.Contains(text, want) {
			t.Errorf("the README lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "former") {
		t.Error("the old table is still there")
	}
	if rows := strings.Count(text, "\n| ") - 1; rows != 8 {
		t.Errorf("%d rows of figures, want 8", rows)
	}
	write("no marks")
	if err := full().UpdateReadme(path); err == nil || !strings.Contains(err.Error(), "bench:begin") {
		t.Errorf("error %v: it is to say which marks are missing", err)
	}
}

// A run that cannot answer a question of the README leaves the README as it is.
func TestReadmeNeedsAllSuites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	const text = "<!-- bench:begin -->\nformer table\n<!-- bench:end -->\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sample().UpdateReadme(path); err == nil || !strings.Contains(err.Error(), "suite features") {
		t.Errorf("error %v: it is to name the suite", err)
	}
	if read(t, path) != text {
		t.Error("the README was changed")
	}
}

func TestStoredResultsAreChecked(t *testing.T) {
	dir := t.TempDir()
	empty, _ := json.Marshal(report.Report{})
	for name, content := range map[string][]byte{"text": []byte("no results"), "empty": empty} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := report.Read(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Text(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 8 || !strings.Contains(lines[3], "90.5 x") || !strings.HasSuffix(strings.TrimSpace(lines[7]), "0.5 x") {
		t.Errorf("printed:\n%s", b.String())
	}
}
