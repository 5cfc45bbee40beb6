package pipeline_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/internal/app/simulated"
	"github.com/headgate/headgate/internal/app/simulator"
)

// The same log returns the same bytes, in both formats and also compressed.
func TestReplayIsDeterministic(t *testing.T) {
	log := simulatedLog(11, 3000)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(log)
	z.Close()
	for name, format := range map[string]func() pipeline.Format{
		"csv":   func() pipeline.Format { return pipeline.CSV{} },
		"jsonl": func() pipeline.Format { return &pipeline.JSONL{} },
	} {
		first, s := replay(t, log, format())
		second, _ := replay(t, log, format())
		third, _ := replay(t, packed.Bytes(), format())
		if first != second || first != third {
			t.Errorf("%s: the same log gave different rows", name)
		}
		if s.Rows != 3000 || len(first) < 100*s.Rows {
			t.Errorf("%s: %d rows in %d bytes", name, s.Rows, len(first))
		}
	}
}

// The output of a small log, as a golden file. Rows are as of the publication before the request:
// the second request of an instant does not see the first one.
func TestGolden(t *testing.T) {
	log, err := os.ReadFile(filepath.Join("testdata", "small.log"))
	if err != nil {
		t.Fatal(err)
	}
	features := []string{"request/method", "request/path_kind", "request/path_length", "request/agent_mozilla", "request/referer",
		"ip/requests_1m", "ip/distinct_paths_10m", "ip/not_found_share_10m", "ip/gap_min", "net/distinct_addresses_10m", "ua/requests_10s"}
	csv, s := replay(t, log, pipeline.CSV{}, features...)
	golden(t, "small.csv", csv)
	jsonl, _ := replay(t, log, &pipeline.JSONL{}, features...)
	golden(t, "small.jsonl", jsonl)
	s.MalformedLines = nil
	summary, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "small.summary.json", string(summary)+"\n")
}

func TestMalformedLinesAreCounted(t *testing.T) {
	good := line("GET / HTTP/1.1", "a")
	log := good + "nonsense\n" + good + "\n" + strings.Repeat("more\n", 6) + good
	out, s := replay(t, []byte(log), pipeline.CSV{}, "request/method")
	if s.Rows != 3 || s.Malformed != 8 || s.NoHTTP != 0 {
		t.Errorf("%d rows, %d malformed, %d no HTTP; want 3, 8, 0", s.Rows, s.Malformed, s.NoHTTP)
	}
	var shown []int
	for _, e := range s.MalformedLines {
		shown = append(shown, e.Line)
	}
	if len(shown) != 5 || shown[0] != 2 || shown[1] != 4 || shown[4] != 7 {
		t.Errorf("the first malformed lines shown are %v, want 2 4 5 6 7", shown)
	}
	for i, want := range []string{"line,", "1,", "3,", "11,"} {
		if rows := strings.Split(out, "\n"); !strings.HasPrefix(rows[i], want) {
			t.Errorf("row %d begins %.10q, want the number of its line %q", i, rows[i], want)
		}
	}
}

// An empty log has a header, no rows and no times.
func TestEmptyLog(t *testing.T) {
	out, s := replay(t, nil, pipeline.CSV{}, "request/method")
	if strings.Count(out, "\n") != 1 || s.Rows != 0 || !s.First.IsZero() {
		t.Errorf("wrote %q, summary %+v", out, s)
	}
	if b, _ := json.Marshal(s); bytes.Contains(b, []byte("0001-01-01")) {
		t.Errorf("the summary tells a time that never was: %s", b)
	}
}

// The model may use a feature that nothing computes; a caller may not ask for it.
func TestUnknownFeatures(t *testing.T) {
	_, s := replay(t, nil, pipeline.CSV{})
	if len(s.Unknown) != 1 || s.Unknown[0] != "ip/of_a_later_release" {
		t.Errorf("unknown features %q, want ip/of_a_later_release", s.Unknown)
	}
	for _, name := range []string{"ip/requests", "request/nothing", "nothing", ""} {
		_, err := pipeline.New(pipeline.Config{Model: testModel(t), Features: []string{"ip/requests_1m", name}})
		if err == nil || !strings.Contains(err.Error(), "unknown feature "+name) {
			t.Errorf("feature %q: %v", name, err)
		}
	}
}

// failing is a writer that is full after some bytes.
type failing struct{ left int }

var errFull = errors.New("no space left")

func (w *failing) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// endless is a source that never ends.
type endless struct {
	err   error // returned by each call
	reads int
}

func (s *endless) Next(r *pipeline.Record) error {
	s.reads++
	r.Event.Time = int64(s.reads) * int64(time.Millisecond)
	r.Event.Method = "GET"
	return s.err
}

func TestFailingWriterEndsTheReplay(t *testing.T) {
	for _, space := range []int{0, 100, 100_000} {
		r := pipeline.Replay{Pipeline: newPipeline(t, pipeline.Config{}), Source: &endless{}, Out: &failing{space}, Format: pipeline.CSV{}}
		if _, err := r.Run(t.Context()); !errors.Is(err, errFull) {
			t.Errorf("%d bytes of space: %v, want the writer's error", space, err)
		}
	}
}

// A source can be cancelled whatever it returns: rows, of which the last minute is held back, or
// only malformed lines.
func TestCancel(t *testing.T) {
	for name, source := range map[string]*endless{"rows": {}, "malformed lines": {err: &accesslog.LineError{}}} {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		r := pipeline.Replay{Pipeline: newPipeline(t, pipeline.Config{}), Source: source, Progress: func(int) {
			if calls++; calls == 3 {
				cancel()
			}
		}}
		s, err := r.Run(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want context.Canceled", name, err)
		}
		held := min(source.reads, 60_000) // at one in a millisecond
		if n := s.Rows + s.Malformed; source.reads == 0 || source.err != nil && n != source.reads || n < source.reads-held {
			t.Errorf("%s: the summary tells of %d rows and %d malformed lines, %d were read", name, s.Rows, s.Malformed, source.reads)
		}
	}
}

// Rows written before a source fails are kept, and the summary covers them.
func TestSourceFails(t *testing.T) {
	want := errors.New("disk on fire")
	source, err := pipeline.FromLog(io.MultiReader(strings.NewReader(line("GET / HTTP/1.1", "a")), failingReader{want}))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := pipeline.Replay{Pipeline: newPipeline(t, pipeline.Config{}), Source: source, Out: &out, Format: &pipeline.JSONL{}}
	s, err := r.Run(t.Context())
	if !errors.Is(err, want) || s.Rows != 1 || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("error %v, %d rows, wrote %q", err, s.Rows, out.String())
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestSummaryCountsScores(t *testing.T) {
	_, s := replay(t, simulatedLog(5, 2000), pipeline.CSV{})
	total, below := 0, 0
	for i, n := range s.Scores {
		total += n
		if i < 3 {
			below += n
		}
	}
	if total != 2000 || below != s.Flagged || s.Flagged == 0 || s.Flagged == 2000 {
		t.Errorf("%d scores, %d of them below 30, %d flagged", total, below, s.Flagged)
	}
	if s.Last.Before(s.First) || s.First.Year() != 2026 {
		t.Errorf("from %v to %v", s.First, s.Last)
	}
}

// Simulated traffic contains its truth and ends in time.
func TestSimulated(t *testing.T) {
	source := simulated.NewSource(simulator.Config{Seed: 1}, 3*time.Second)
	truths, rows := map[string]int{}, 0
	for {
		var r pipeline.Record
		if err := source.Next(&r); err == io.EOF {
			break
		}
		rows++
		kind, _, _ := strings.Cut(r.Truth, ":")
		truths[kind]++
		if r.Line != rows {
			t.Fatalf("request %d has the number %d", rows, r.Line)
		}
		if at := r.Event.At().Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); at < 0 || at >= 3*time.Second {
			t.Fatalf("request %d at %v", rows, at)
		}
	}
	if truths["bot"] == 0 || truths["person"] == 0 || truths["bot"]+truths["person"] != rows {
		t.Errorf("truths %v of %d requests", truths, rows)
	}
}

func TestRealLogs(t *testing.T) {
	for name, want := range map[string][2]int{
		"site-a.nginx.log": {20428, 290}, "site-b.nginx.log": {1212, 2}, "site-d.apache.log": {4838, 0},
	} {
		t.Run(name, func(t *testing.T) {
			source, err := pipeline.FromLog(realLog(t, name))
			if err != nil {
				t.Fatal(err)
			}
			r := pipeline.Replay{Pipeline: newPipeline(t, pipeline.Config{}), Source: source, Out: io.Discard, Format: pipeline.CSV{}}
			s, err := r.Run(t.Context())
			if err != nil || s.Rows != want[0] || s.NoHTTP != want[1] || s.Malformed != 0 {
				t.Errorf("%d rows, %d no HTTP, %d malformed, %v; want %d rows, %d no HTTP", s.Rows, s.NoHTTP, s.Malformed, err, want[0], want[1])
			}
		})
	}
}

// A row has the whole path and user agent of its request even if the event holds only their
// beginning, and Cut says so.
func TestRowsHaveWhatEventsCut(t *testing.T) {
	long := strings.Repeat("a", 300)
	for _, c := range []struct{ path, agent, cut string }{
		{"/" + long, "curl/8.5.0", "path"}, {"/", "Mozilla/5.0 " + long, "user_agent"}, {"/" + long, "Mozilla/5.0 " + long, "path user_agent"}, {"/", "curl/8.5.0", ""},
	} {
		log := line("GET "+c.path+"?q=1 HTTP/1.1", c.agent)
		out, _ := replay(t, []byte(log), pipeline.CSV{}, "request/path_length")
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		got := map[string]string{}
		for i, name := range rows[0] {
			got[name] = rows[1][i]
		}
		if got["path"] != c.path || got["user_agent"] != c.agent || got["cut"] != c.cut {
			t.Errorf("path of %d bytes, agent of %d: %q", len(c.path), len(c.agent), got)
		}
		out, _ = replay(t, []byte(log), &pipeline.JSONL{}, "request/path_length")
		var row struct {
			Path, Cut string
			Agent     string `json:"user_agent"`
		}
		if err := json.Unmarshal([]byte(out), &row); err != nil || row.Path != c.path || row.Agent != c.agent || row.Cut != c.cut {
			t.Errorf("%v, %+v", err, row)
		}
	}
}
