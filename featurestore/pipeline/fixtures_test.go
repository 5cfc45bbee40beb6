package pipeline_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/internal/app/simulator"
	"github.com/headgate/headgate/scorer"
)

var update = flag.Bool("update", false, "write the golden files of testdata instead of comparing with them")

// testModel is a model of one tree over request/agent_mozilla, ip/requests_1m and a feature that
// nothing computes. Unlike the built-in model it is the same in every release.
func testModel(t testing.TB) *scorer.Model {
	t.Helper()
	m, err := scorer.LoadFile(filepath.Join("testdata", "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newPipeline(t testing.TB, config pipeline.Config) *pipeline.Pipeline {
	t.Helper()
	if config.Model == nil {
		config.Model = testModel(t)
	}
	p, err := pipeline.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// replay runs a log and returns its output.
func replay(t testing.TB, log []byte, format pipeline.Format, features ...string) (string, pipeline.Summary) {
	t.Helper()
	source, err := pipeline.FromLog(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := pipeline.Replay{
		Pipeline: newPipeline(t, pipeline.Config{Features: features}),
		Source:   source, FlagBelow: 30, Out: &out, Format: format,
	}
	s, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), s
}

// simulatedLog returns simulated traffic as a log of nginx in the combined format.
func simulatedLog(seed uint64, lines int) []byte {
	var b bytes.Buffer
	s := simulator.New(simulator.Config{Seed: seed})
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for range lines {
		r := s.Next()
		response := r.Response()
		fmt.Fprintf(&b, "%s - - [%s] \"%s %s HTTP/1.1\" %d %d %q %q\n", r.Client, start.Add(r.At).Format("02/Jan/2006:15:04:05 -0700"),
			r.Method, r.Target, response.Status, response.Bytes, dash(r.Referer), dash(r.UserAgent))
	}
	return b.Bytes()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// line returns a log line of one client, with request line and user agent as they are.
func line(request, agent string) string {
	return `192.0.2.1 - - [02/Mar/2026:10:00:00 +0000] "` + request + `" 200 17 "-" "` + agent + `"` + "\n"
}

// realLog opens a log of the shared data folder.
func realLog(t testing.TB, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", "logs", name))
	if os.IsNotExist(err) {
		t.Skipf("%v: put the project's shared data folder (shared/data) beside the source folder to run this", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// golden compares with a file of testdata, or writes the file if the tests run with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("%s, line %d:\n got %s\nwant %s", path, i+1, gotLines[i], wantLines[i])
		}
	}
	t.Fatalf("%s: %d lines, want %d", path, len(gotLines), len(wantLines))
}
