package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
)

// A log in, rows and a summary out.
func TestReplay(t *testing.T) {
	dir := t.TempDir()
	log := write(t, filepath.Join(dir, "a.log"), smallLog(400))
	out := filepath.Join(dir, "rows.csv")
	status, text, errOut := run(t, "replay", log, "--out", out)
	if status != exitOK {
		t.Fatalf("exit status %d: %s", status, errOut)
	}
	for _, want := range []string{"requests    400, 0 of them not HTTP; 1 malformed lines dropped", "period      2026-04-01T00:00:00Z to ",
		"flagged     ", "lines/s", "rows        " + out} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if want := "line 202: "; !strings.HasPrefix(errOut, want) || !strings.Contains(errOut, "not a log line") {
		t.Errorf("%q on standard error, want the malformed line", errOut)
	}
	rows := readCSV(t, out)
	if features := pipeline.AllFeatures(); len(rows) != 401 || !slices.Equal(rows[0][len(rows[0])-len(features):], features) {
		t.Errorf("%d rows, header %q", len(rows), rows[0])
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("the folder holds %v, want the log and the rows", left)
	}
}

func readCSV(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// A compressed log, chosen features, JSON lines and a summary for programs.
func TestReplayJSON(t *testing.T) {
	dir := t.TempDir()
	log := write(t, filepath.Join(dir, "a.log.gz"), packed(smallLog(300)))
	out := filepath.Join(dir, "rows.jsonl")
	status, text, errOut := run(t, "replay", log, "--out", out, "--features", "ip/requests_1m,request/path_length", "--json")
	if status != exitOK {
		t.Fatalf("exit status %d: %s", status, errOut)
	}
	var summary struct {
		Rows, Malformed, Flagged int
		Scores                   []int
		Rate                     float64 `json:"lines_per_second"`
	}
	if err := json.Unmarshal([]byte(text), &summary); err != nil || summary.Rows != 300 || summary.Malformed != 1 || summary.Rate <= 0 {
		t.Errorf("%+v, %v from %s", summary, err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	var row struct{ Features map[string]*float32 }
	if err := json.Unmarshal([]byte(lines[0]), &row); err != nil || len(row.Features) != 2 || row.Features["request/path_length"] == nil || len(lines) != 300 {
		t.Errorf("%d rows, the first is %+v, %v", len(lines), row, err)
	}
}

// The same simulated traffic makes the same bytes, with its truth; another seed makes others.
func TestReplaySimulated(t *testing.T) {
	dir := t.TempDir()
	rows := make(map[string]string)
	for name, seed := range map[string]string{"a.csv": "7", "b.csv": "7", "c.csv": "8"} {
		out := filepath.Join(dir, name)
		if status, _, errOut := run(t, "replay", "--simulate", "3s", "--seed", seed, "--out", out); status != exitOK {
			t.Fatalf("exit status %d: %s", status, errOut)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		rows[name] = string(b)
	}
	if rows["a.csv"] != rows["b.csv"] || rows["a.csv"] == rows["c.csv"] {
		t.Error("the seed does not decide the rows")
	}
	if !strings.Contains(rows["a.csv"], ",person:") || !strings.Contains(rows["a.csv"], ",bot:") {
		t.Error("the rows do not tell the truth")
	}
}

// The fresher the features, the sooner bots are flagged.
func TestReplayInterval(t *testing.T) {
	flagged := func(interval string) int {
		status, text, errOut := run(t, "replay", "--simulate", "10s", "--interval", interval, "--json")
		var summary struct{ Flagged int }
		if err := json.Unmarshal([]byte(text), &summary); err != nil || status != exitOK {
			t.Fatalf("status %d, %v: %s", status, err, errOut)
		}
		return summary.Flagged
	}
	if often, seldom := flagged("50ms"), flagged("1s"); often <= seldom {
		t.Errorf("%d flagged with publications every 50 ms, %d with one a second", often, seldom)
	}
	if status, _, errOut := run(t, "replay", "--simulate", "1s", "--interval", "1ms"); status != exitUsage || !strings.Contains(errOut, "--interval must be at least 10ms") {
		t.Errorf("status %d: %s", status, errOut)
	}
}

// An episode of a simulated site: the same bytes for a seed, and its truth in six parts.
func TestReplayWorld(t *testing.T) {
	dir := t.TempDir()
	rows := make(map[string]string)
	for name, seed := range map[string]string{"a.csv": "7", "b.csv": "7", "c.csv": "8"} {
		out := filepath.Join(dir, name)
		if status, _, errOut := run(t, "replay", "--world", "shop", "--seed", seed, "--for", "2m", "--rate", "5", "--out", out); status != exitOK {
			t.Fatalf("exit status %d: %s", status, errOut)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		rows[name] = string(b)
	}
	if rows["a.csv"] != rows["b.csv"] || rows["a.csv"] == rows["c.csv"] {
		t.Error("the seed does not decide the rows")
	}
	lines := strings.Split(strings.TrimSpace(rows["a.csv"]), "\n")
	for _, line := range lines[1:] {
		if !strings.Contains(line, ",person:") && !strings.Contains(line, ",bot:") || !strings.Contains(line, ":shop:") {
			t.Fatalf("a row without its truth: %s", line)
		}
	}
	if len(lines) < 100 {
		t.Errorf("%d rows of two minutes", len(lines)-1)
	}
}

// What cannot be meant is a mistake in the command line, and the message names what can.
func TestReplayWorldUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--world", "bakery"}, "forum"},
		{[]string{"--world", "shop", "--view", "mirror"}, "wire"},
		{[]string{"--world", "shop", "--for", "-1s"}, "--for"},
		{[]string{"--world", "shop", "--rate", "1e9"}, "out of range"},
		{[]string{"--world", "shop", "--simulate", "1s"}, "--world"},
		{[]string{"--simulate", "1s", "--view", "log"}, "--world"},
	} {
		if status, _, errOut := run(t, append([]string{"replay"}, c.args...)...); status != exitUsage || !strings.Contains(errOut, c.says) {
			t.Errorf("%v: exit status %d: %s", c.args, status, errOut)
		}
	}
}

// onStdin makes a file the standard input while a test runs.
func onStdin(t *testing.T, f *os.File) {
	t.Helper()
	former := os.Stdin
	os.Stdin = f
	t.Cleanup(func() { os.Stdin = former; f.Close() })
}

func TestReplayFromStandardInput(t *testing.T) {
	f, err := os.Open(write(t, filepath.Join(t.TempDir(), "a.log"), smallLog(100)))
	if err != nil {
		t.Fatal(err)
	}
	onStdin(t, f)
	if status, out, errOut := run(t, "replay", "-"); status != exitOK || !strings.Contains(out, "requests    100,") {
		t.Errorf("exit status %d, %q, %q", status, out, errOut)
	}
}

// Ctrl-C ends a replay that waits for its input, and leaves no file.
func TestReplayIsInterrupted(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	onStdin(t, r)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	var out, errOut printed
	ended := make(chan int)
	go func() {
		ended <- execute(ctx, []string{"replay", "-", "--out", filepath.Join(dir, "rows.csv")}, &out, &errOut)
	}()
	if _, err := w.Write(smallLog(10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if status := <-ended; status != exitFailure {
		t.Errorf("exit status %d", status)
	}
	checkOneLine(t, "interrupted", errOut.String(), "interrupted")
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// A file of another kind is reported as such, after the reasons of its first lines.
func TestReplayOfWhatIsNoLog(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "notes.txt"), []byte("milk\nbread\n"))
	status, _, errOut := run(t, "replay", file)
	if status != exitFailure || !strings.Contains(errOut, "line 1: ") ||
		!strings.Contains(errOut, file+": none of its 2 lines is an access log line") {
		t.Errorf("status %d, %q on standard error", status, errOut)
	}
}

// Rows are for no more readers than the log, and never take the log's place.
func TestReplayKeepsTheLogsSecrets(t *testing.T) {
	dir := t.TempDir()
	log := write(t, filepath.Join(dir, "log.csv"), smallLog(20)) // mode 0600
	out := filepath.Join(dir, "rows.csv")
	if status, _, errOut := run(t, "replay", log, "--out", out); status != exitOK {
		t.Fatalf("exit status %d, %s", status, errOut)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("rows of a log of mode 0600: %v, %v", info.Mode(), err)
	}
	status, _, errOut := run(t, "replay", log, "--out", log)
	if content, _ := os.ReadFile(log); status != exitFailure || !bytes.Equal(content, smallLog(20)) {
		t.Errorf("exit status %d; the log has %d bytes", status, len(content))
	}
	checkOneLine(t, "the log as --out", errOut, "--out "+log, "is the file that is read; name another")
}

// Where there is no room for all clients, the summary says what rows lost of their history, and how
// to keep it. So it does if lines are out of order.
func TestReplaySaysWhatHistoryIsLost(t *testing.T) {
	var log, shuffled strings.Builder
	line := func(to *strings.Builder, client int, at time.Time) {
		fmt.Fprintf(to, "10.%d.%d.%d - - [%s] \"GET / HTTP/1.1\" 200 1 \"-\" \"a\"\n", client>>16, client>>8&255, client&255, at.Format("02/Jan/2006:15:04:05 -0700"))
	}
	start := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	for visit := range 6 {
		for client := range 400 {
			line(&log, client, start.Add(time.Duration(visit)*10*time.Second))
		}
	}
	for i := range 200 {
		line(&shuffled, 1, start.Add(time.Duration(i)*time.Second))
		switch i {
		case 50:
			line(&shuffled, 2, start.Add(time.Hour))
		case 150, 160:
			line(&shuffled, 3, start.Add(-time.Hour))
		}
	}
	dir := t.TempDir()
	full, unsorted := write(t, filepath.Join(dir, "full.log"), []byte(log.String())), write(t, filepath.Join(dir, "unsorted.log"), []byte(shuffled.String()))

	_, out, _ := run(t, "replay", full, "--max-keys", "64")
	if !strings.Contains(out, "\nhistory     incomplete: keys evicted: none; events of keys without a row: ip ") ||
		!strings.Contains(out, "--max-keys 256\n") {
		t.Errorf("too few keys:\n%s", out)
	}
	_, out, _ = run(t, "replay", full, "--max-keys", "64", "--json")
	var summary pipeline.Summary
	if err := json.Unmarshal([]byte(out), &summary); err != nil || summary.Waiting["ip"] == 0 {
		t.Errorf("%v, %s", err, out)
	}
	_, out, _ = run(t, "replay", unsorted)
	if !strings.Contains(out, "\nperiod      2026-04-01T00:00:00Z to 2026-04-01T00:03:19Z\n") ||
		!strings.Contains(out, "\norder       2 lines came more than a minute late, 1 are from the future: given the time of the line before; sort the log by time\n") {
		t.Errorf("a log with lines out of order:\n%s", out)
	}
	_, out, _ = run(t, "replay", unsorted, "--json")
	summary = pipeline.Summary{}
	if err := json.Unmarshal([]byte(out), &summary); err != nil || summary.Backward != 2 || summary.Ahead != 1 {
		t.Errorf("%v, %s", err, out)
	}
	_, out, _ = run(t, "replay", full)
	if strings.Contains(out, "history") || strings.Contains(out, "order") {
		t.Errorf("nothing is lost:\n%s", out)
	}
}

// Rotated files in the order in which the shell lists them are the newest first: the log is refused
// with what to do, and nothing is written.
func TestReplayOfADisorderedLog(t *testing.T) {
	start := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	var log strings.Builder
	for file := range 3 {
		for i := range 1200 {
			at := start.Add(-time.Duration(file)*24*time.Hour + time.Duration(i)*time.Minute)
			fmt.Fprintf(&log, "192.0.2.1 - - [%s] \"GET / HTTP/1.1\" 200 1 \"-\" \"a\"\n", at.Format("02/Jan/2006:15:04:05 -0700"))
		}
	}
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "a.log"), []byte(log.String()))
	status, out, errOut := run(t, "replay", file, "--out", filepath.Join(dir, "rows.csv"))
	if status != exitFailure || out != "" {
		t.Errorf("exit status %d, %q", status, out)
	}
	checkOneLine(t, "newest first", errOut, file, " of 3600 lines", "out of order", "sort the log by time", "oldest first")
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%v is left", left)
	}
}

// A corpus in, rows with the truth out; together with a log it is a mistake.
func TestReplayOfACorpus(t *testing.T) {
	const recorded = "../../models/zoo/corpus/commandline.jsonl.gz"
	out := filepath.Join(t.TempDir(), "rows.csv")
	if status, _, errOut := run(t, "replay", "--corpus", recorded, "--out", out, "--features", "ip/requests_1m"); status != exitOK {
		t.Fatalf("exit status %d: %s", status, errOut)
	}
	rows := readCSV(t, out)
	if len(rows) < 100 {
		t.Fatalf("%d rows", len(rows))
	}
	truth := slices.Index(rows[0], "truth")
	for _, row := range rows[1:] {
		if parts := strings.Split(row[truth], ":"); len(parts) != 6 || parts[0] != "bot" {
			t.Fatalf("the truth is %q", row[truth])
		}
	}
	if status, _, _ := run(t, "replay", "--corpus", recorded, "access.log"); status != exitUsage {
		t.Errorf("a corpus and a log: exit status %d", status)
	}
	if status, _, errOut := run(t, "replay", "--corpus", t.TempDir()); status == exitOK || !strings.Contains(errOut, "models/zoo") {
		t.Errorf("an empty folder: exit status %d: %s", status, errOut)
	}
}

// Findings are in the summary and in the rows, and can be switched off by its name;
// another name is an error.
func TestReplaySaysWhatWasCertain(t *testing.T) {
	log := filepath.Join(t.TempDir(), "access.log")
	line := `192.0.2.1 - - [02/Mar/2026:10:00:00 +0000] "GET /.env HTTP/1.1" 404 1 "-" "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"` + "\n"
	if err := os.WriteFile(log, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, out, errOut := run(t, "replay", log); status != 0 || !strings.Contains(out, "findings    damning_path 1\n") || !strings.Contains(out, "flagged     1 ") {
		t.Errorf("exit status %d, %s%s", status, out, errOut)
	}
	if status, out, errOut := run(t, "replay", log, "--heuristics-off", "damning_path"); status != 0 || !strings.Contains(out, "findings    unknown_client 1\n") {
		t.Errorf("exit status %d, %s%s", status, out, errOut)
	}
	for _, command := range []string{"replay", "quickstart"} {
		args := []string{command, "--heuristics-off", "damning"}
		if command == "replay" {
			args = append(args, log)
		}
		if status, _, errOut := run(t, args...); status != 2 || !strings.Contains(errOut, "damning_path") {
			t.Errorf("%s: exit status %d, %q: it should say which names there are", command, status, errOut)
		}
	}
}
