package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/app/simulator"
)

// asMain makes this test binary act as headgate, so that tests can start real processes of it.
const asMain = "HEADGATE_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) == "1" {
		if err := prepare(); err != nil {
			fmt.Fprintln(os.Stderr, "preparing the test's process:", err)
			os.Exit(100)
		}
		main()
	}
	if err := before(); err != nil {
		fmt.Fprintln(os.Stderr, "preparing the tests:", err)
		os.Exit(100)
	}
	status := m.Run()
	for _, f := range cleanUps {
		f()
	}
	os.Exit(status)
}

// Where the system has it: prepare readies a process that acts as headgate, before is called before
// all tests, and cleanUps are called after them.
var (
	prepare  = func() error { return nil }
	before   = func() error { return nil }
	cleanUps []func()
)

// patience is how long a test waits for what must come. It is generous, since machines stall.
const patience = time.Minute

// printed collects what a command prints.
type printed struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.text.String()
}

// run runs a command line.
func run(t *testing.T, args ...string) (status int, out, errOut string) {
	t.Helper()
	var o, e printed
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	status = execute(ctx, args, &o, &e)
	return status, o.String(), e.String()
}

func write(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// smallLog is simulated traffic as a log; one line of it is malformed.
func smallLog(lines int) []byte {
	var b bytes.Buffer
	s := simulator.New(simulator.Config{Seed: 2})
	start := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	for i := range lines {
		r := s.Next()
		fmt.Fprintf(&b, "%s - - [%s] \"%s %s HTTP/1.1\" %d 100 \"-\" %q\n", r.Client, start.Add(r.At).Format("02/Jan/2006:15:04:05 -0700"),
			r.Method, r.Target, r.Response().Status, r.UserAgent)
		if i == lines/2 {
			b.WriteString("not a log line\n")
		}
	}
	return b.Bytes()
}

func packed(content []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(content)
	z.Close()
	return b.Bytes()
}

// Errors of the command line: exit status 2, one line on standard error that begins with the
// program's name, nothing on standard output.
func TestUsageErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"bogus", "bogus"},
		{"--bogus", "--bogus"},
		{"run extra", "extra"},
		{"run --bogus", "--bogus"},
		{"run --interval fast", "--interval"},
		{"run --interval 0s", "--interval"},
		{"run --max-keys 0", "--max-keys"},
		{"run --max-keys=-1", "--max-keys"},
		{"run --idle 0s", "--idle"},
		{"replay", "name one log file"},
		{"replay a.log --simulate 1s", "name one log file"},
		{"replay --simulate=-1s", "name one log file"},
		{"replay a.log b.log", "b.log"},
		{"replay a.log --out rows.txt", ".csv or .jsonl"},
		{"replay a.log --out rows", ".csv or .jsonl"},
		{"replay a.log --max-keys 0", "--max-keys"},
		{"quickstart --for 0s", "--for"},
		{"quickstart --speed 0", "--speed"},
		{"quickstart --rate=-1", "--rate"},
		{"quickstart --threshold 0", "--threshold"},
		{"quickstart --seed x", "--seed"},
		{"inspect a b", "b"},
		{"explain", "address or log"},
		{"explain a.log", "--client"},
		{"model", "info"},
		{"model info", "file"},
		{"model info m --top=-1", "--top"},
		{"model score m", "--rows"},
		{"model explain m", "--rows"},
		{"model explain m --rows r --top=-1", "--top"},
		{"model explain m --rows r --output=-1", "--output"},
		{"model verify m --rows r", "--expected"},
		{"model bench m --for 0s", "--for"},
	} {
		status, out, errOut := run(t, strings.Fields(c.line)...)
		if status != exitUsage || out != "" {
			t.Errorf("%s: exit status %d, printed %q", c.line, status, out)
		}
		checkOneLine(t, c.line, errOut, c.want)
	}
}

// progressLines are what a replay prints every five seconds, on a slow machine before its error.
var progressLines = regexp.MustCompile(`(?m)^\d+ rows( +\d+ %)?\n`)

func checkOneLine(t *testing.T, what, errOut string, wants ...string) {
	t.Helper()
	errOut = progressLines.ReplaceAllString(errOut, "")
	if !strings.HasPrefix(errOut, "headgate: ") || strings.Count(errOut, "\n") != 1 {
		t.Errorf("%s: %q on standard error, want one line", what, errOut)
	}
	for _, want := range wants {
		if !strings.Contains(errOut, want) {
			t.Errorf("%s: %q does not tell %q", what, errOut, want)
		}
	}
}

// Failures: exit status 1, one line that names the thing and what to do, nothing on standard output
// and no file left.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	log := write(t, at("good.log"), smallLog(50))
	gz := packed(smallLog(5000))
	cut := write(t, at("cut.log.gz"), gz[:len(gz)/2])
	bad := bytes.Clone(gz)
	bad[len(bad)-5] ^= 1
	broken := write(t, at("broken.log.gz"), bad)
	noGzip := write(t, at("no.log.gz"), []byte{0x1f, 0x8b, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0})
	text := write(t, at("text.cbm"), []byte("not a model"))
	foreign := write(t, at("xgboost.json"), []byte(`{"learner":{"attributes":{}},"version":[2,0,0]}`))
	words := write(t, at("words.json"),
		[]byte(`{"features_info":{"text_features":[{"feature_id":"agent","flat_feature_index":0}]},"oblivious_trees":[]}`))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().String()

	for _, c := range []struct {
		args  []string
		wants []string
	}{
		{[]string{"replay", at("none.log")}, []string{at("none.log"), "no such file", "name an access log"}},
		{[]string{"replay", dir}, []string{dir, "is a directory; name a log file"}},
		{[]string{"replay", cut, "--out", at("rows.csv")}, []string{cut, "gzip", "cut short"}},
		{[]string{"replay", broken, "--out", at("rows.csv")}, []string{broken, "gzip", "damaged"}},
		{[]string{"replay", noGzip}, []string{noGzip, "gzip"}},
		{[]string{"replay", log, "--model", at("none.cbm")}, []string{at("none.cbm"), "no such file"}},
		{[]string{"replay", log, "--model", text}, []string{text, "write it again with save_model"}},
		{[]string{"replay", log, "--model", foreign}, []string{foreign, "XGBoost", "write it again with save_model"}},
		{[]string{"replay", log, "--model", words}, []string{words, "agent", "not supported"}},
		{[]string{"replay", log, "--out", at("none/rows.csv")}, []string{at("none/rows.csv"), "no directory " + at("none"), "make it"}},
		{[]string{"replay", log, "--features", "ip/typo"}, []string{"unknown feature ip/typo"}},
		{[]string{"inspect", at("none")}, []string{at("none"), "no such directory", "headgate run --dir " + at("none")}},
		{[]string{"inspect", log}, []string{log, "no such directory"}},
		{[]string{"inspect", dir}, []string{dir, "no daemon has published here", "headgate run --dir " + dir}},
		{[]string{"run", "--dir", dir}, []string{dir, "not empty and not a headgate directory", "--dir"}},
		{[]string{"run", "--dir", log}, []string{log, "not a directory", "--dir"}},
		{[]string{"run", "--dir", at("a/b")}, []string{at("a"), "--dir"}},
		{[]string{"run", "--dir", at("d"), "--listen", "0.0.0.0:0"}, []string{"0.0.0.0:0", "use 127.0.0.1"}},
		{[]string{"quickstart", "--log", at("none.log")}, []string{at("none.log"), "name an access log"}},
		{[]string{"quickstart", "--log", noGzip}, []string{"gzip"}},
		{[]string{"quickstart", "--log", dir}, []string{dir, "is a directory; name a log file"}},
	} {
		what := strings.Join(c.args, " ")
		status, out, errOut := run(t, c.args...)
		if status != exitFailure || out != "" {
			t.Errorf("%s: exit status %d, printed %q", what, status, out)
		}
		checkOneLine(t, what, errOut, c.wants...)
	}
	if left, _ := filepath.Glob(at(".rows*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	if _, err := os.Stat(at("rows.csv")); err == nil {
		t.Error("a replay that failed wrote its file")
	}

	// A daemon logs that it runs before it finds the port taken.
	status, out, errOut := run(t, "run", "--dir", at("hg"), "--listen", port)
	lines := strings.SplitAfter(errOut, "\n")
	if status != exitFailure || out != "" || len(lines) < 2 {
		t.Fatalf("port in use: exit status %d, %q, %q", status, out, errOut)
	}
	checkOneLine(t, "port in use", lines[len(lines)-2], port+" is in use", "--listen")
}

// Every command explains itself, with examples, and does nothing else.
func TestHelp(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"", "quickstart"}, {"--help", "quickstart"}, {"run --help", "\n    headgate run\n"}, {"quickstart --help", "\n    headgate quickstart\n"},
		{"replay --help", "\n    headgate replay access.log\n"}, {"replay x --json --help", "headgate replay access.log"},
		{"inspect --help", "\n    headgate inspect\n"},
		{"explain --help", "headgate explain access.log --client 203.0.113.7\n"},
		{"model info --help", "headgate model info bots.cbm"}, {"model score --help", "headgate model score bots.cbm --rows rows.csv"},
		{"model explain --help", "headgate model explain bots.cbm --rows rows.csv"},
		{"model verify --help", "--expected expected.csv"}, {"model bench --help", "headgate model bench bots.txt --for 5s"},
		{"inspect --help", "--top ip/requests_1m"}, {"run -h", "default 127.0.0.1:9477"},
	} {
		status, out, errOut := run(t, strings.Fields(c.line)...)
		if status != exitOK || errOut != "" {
			t.Errorf("%s: exit status %d, %q on standard error", c.line, status, errOut)
		}
		if !strings.Contains(out, c.want) || strings.Count(out, "Usage:") != 1 {
			t.Errorf("%s: no %q, or not one usage, in:\n%s", c.line, c.want, out)
		}
		if words := strings.Fields(c.line); len(words) > 0 && words[0] != "--help" && !strings.Contains(out, "Examples:") {
			t.Errorf("%s: no examples", c.line)
		}
	}
}
