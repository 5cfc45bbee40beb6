package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/bench/harness"
)

func TestMain(m *testing.M) {
	harness.RunChild()
	os.Exit(m.Run())
}

// One JSON object a line, with the documented keys; and on the way the promise that the request path allocates nothing.
func TestJSONLines(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"-quick", "-json", "allocations"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) < 6 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, key := range []string{"suite", "case", "impl", "metric", "unit", "value", "n", "times_faster"} {
			if _, ok := object[key]; !ok {
				t.Errorf("%s lacks %q", line, key)
			}
		}
		if object["value"] != 0.0 {
			t.Errorf("%s: the request path allocates", line)
		}
	}
}

// From stored results nothing is measured: the documents are made again, and a run that was asked for, too, is an error.
func TestFrom(t *testing.T) {
	report := filepath.Join(t.TempDir(), "RESULTS.md")
	if err := run([]string{"-from", "results/results.json", "-report", report}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(report)
	if err != nil || !strings.Contains(string(text), "\n## features\n") {
		t.Errorf("%v: the report lacks the suite features:\n%.500s", err, text)
	}
	for _, args := range [][]string{{"-from", "results/results.json", "limits"}, {"-from", "results/results.json", "-quick"}, {"-from", "none.json"}} {
		if err := run(args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is no error", args)
		}
	}
}

func TestUnknownSuiteIsNamed(t *testing.T) {
	err := run([]string{"latencies"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), `"latencies"`) || !strings.Contains(err.Error(), "features") {
		t.Errorf("error %v: it is to name what was asked for and what there is", err)
	}
}

func TestSuitesThatNeedNoPeer(t *testing.T) {
	chosen, err := choose(options{alone: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range chosen {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "ipc features publish limits decision ingest allocations" {
		t.Errorf("without peers: %s", got)
	}
}

func TestHelp(t *testing.T) {
	var text bytes.Buffer
	if err := run([]string{"-help"}, io.Discard, &text); err != nil {
		t.Fatal(err)
	}
	for _, want := range append(suiteNames(), "-require-peers", "bench/peers/setup", "examples:") {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the help lacks %q", want)
		}
	}
}
