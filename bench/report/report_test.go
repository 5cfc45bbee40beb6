package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/bench/report"
)

func sample() *report.Report {
	one, ninety := 1.0, 90.5
	return report.New(&harness.Run{
		Results: []harness.Result{
			{Suite: "features", Case: "a <case>", Impl: harness.Headgate, Metric: "p50", Unit: "ns", Value: 450, N: 1000, Ratio: &one, Low: 440, High: 500},
			{Suite: "features", Case: "a <case>", Impl: "memcached", Metric: "p50", Unit: "ns", Value: 40_725, N: 1000, Ratio: &ninety, Low: 40_000, High: 50_000},
			{Suite: "allocations", Case: "Decide", Impl: harness.Headgate, Metric: "allocations", Unit: "allocs/op"},
			{Suite: "allocations", Case: "Done", Impl: harness.Headgate, Metric: "allocations", Unit: "allocs/op"},
			{Suite: "ipc", Case: "there and back", Impl: "pipe", Metric: "round trip", Unit: "ns", Value: 7000, N: 10, Low: 6000, High: 8000},
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
	page, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "450 ns", "40.7 µs", "90.5 x", "memcached", "go run ./bench -quick features", "Redis", "install it", "a &lt;case&gt;",
		"logarithmic"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<case>", "http://", "https://", "<script"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page holds %q", bad)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back report.Report
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Results) != 5 || back.Results[1].Value != 40_725 || back.Machine.Cores < 1 || back.Machine.Kernel == "" {
		t.Errorf("results.json came back as %+v", back)
	}
}

func TestReadmeTableIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "README.md")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n")
	if err := sample().UpdateReadme(path); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	for _, want := range []string{"before\n", "\nafter\n", "| features | a <case> | p50 | 450 ns | memcached 40.7 µs (90.5 x) |", "`go run ./bench -quick features`",
		"| allocations | Decide; Done | allocations | 0 allocs/op | - |"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the README lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "old") {
		t.Error("the old table is still there")
	}
	write("no marks")
	if err := sample().UpdateReadme(path); err == nil || !strings.Contains(err.Error(), "bench:begin") {
		t.Errorf("error %v: it is to say which marks are missing", err)
	}
}

func TestText(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Text(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 6 || !strings.Contains(lines[2], "90.5 x") || !strings.HasSuffix(strings.TrimSpace(lines[5]), "-") {
		t.Errorf("printed:\n%s", b.String())
	}
}
