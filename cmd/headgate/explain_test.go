package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

const chromeAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

// A scanner and a person.
const (
	scannerAddress = "203.0.113.7"
	personAddress  = "192.0.2.10"
)

// logLine is a line of the combined format, so many seconds after ten o'clock.
func logLine(second int, client, request string, status int, referer, agent string) string {
	at := time.Date(2026, 3, 2, 10, 0, second, 0, time.UTC)
	return fmt.Sprintf("%s - - [%s] \"%s\" %d 512 \"%s\" \"%s\"\n", client, at.Format("02/Jan/2006:15:04:05 -0700"), request, status, referer, agent)
}

// smallSite is a log of a person who reads four pages and of a scanner who guesses forty under six
// user agents.
func smallSite() []byte {
	type line struct {
		second int
		text   string
	}
	var lines []line
	add := func(second int, client, request string, status int, referer, agent string) {
		lines = append(lines, line{second, logLine(second, client, request, status, referer, agent)})
	}
	for i, page := range []string{"/", "/about", "/news/12", "/contact"} {
		referer := "-"
		if i > 0 {
			referer = "https://a.test/"
		}
		add(30*i, personAddress, "GET "+page+" HTTP/1.1", 200, referer, chromeAgent)
		for _, asset := range []string{"style.css", "app.js", "logo.png"} {
			add(30*i+1, personAddress, "GET /static/"+asset+" HTTP/1.1", 200, "https://a.test"+page, chromeAgent)
		}
	}
	for i := range 40 {
		agent := strings.Replace(chromeAgent, "140", fmt.Sprint(130+i%6), 1)
		add(50+i, scannerAddress, fmt.Sprintf("GET /old%d HTTP/1.1", i), 404, "-", agent)
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.second - b.second })
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text)
	}
	return []byte(b.String())
}

// explainModel is a model of five trees of one question each. The built-in model changes from
// release to release; what is tested here does not.
const explainModel = `{"features_info":{"float_features":[
{"flat_feature_index":0,"feature_id":"request/referer","borders":[0.5]},
{"flat_feature_index":1,"feature_id":"ip/pages_since_asset","borders":[5.5]},
{"flat_feature_index":2,"feature_id":"ip/asset_share_10m","borders":[0.1]},
{"flat_feature_index":3,"feature_id":"ip/distinct_agents_10m","borders":[3.5]},
{"flat_feature_index":4,"feature_id":"ip/not_found_share_10m","borders":[0.5]},
{"flat_feature_index":5,"feature_id":"request/query_length","borders":[20.5]}]},
"oblivious_trees":[
{"splits":[{"split_index":0}],"leaf_values":[0.75,-0.75],"leaf_weights":[30,30]},
{"splits":[{"split_index":1}],"leaf_values":[-1,3],"leaf_weights":[45,15]},
{"splits":[{"split_index":2}],"leaf_values":[1,-1.5],"leaf_weights":[30,30]},
{"splits":[{"split_index":3}],"leaf_values":[-0.25,2.5],"leaf_weights":[50,10]},
{"splits":[{"split_index":4}],"leaf_values":[-0.5,1],"leaf_weights":[40,20]},
{"splits":[{"split_index":5}],"leaf_values":[-0.1,0.5],"leaf_weights":[50,10]}],
"scale_and_bias":[1,[0]],"model_info":{"params":{"loss_function":{"type":"Logloss"}}}}`

// explainFiles are a log and a model.
func explainFiles(t *testing.T) (log, model string) {
	t.Helper()
	dir := t.TempDir()
	return write(t, filepath.Join(dir, "a.log"), smallSite()), write(t, filepath.Join(dir, "model.json"), []byte(explainModel))
}

func explained1(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errOut := run(t, append([]string{"explain"}, args...)...)
	if status != exitOK || errOut != "" {
		t.Fatalf("explain %q: exit status %d, %s", args, status, errOut)
	}
	return out
}

func TestExplainScanner(t *testing.T) {
	log, model := explainFiles(t)
	got := strings.ReplaceAll(explained1(t, log, "--client", scannerAddress, "--model", model), log, "a.log")
	const want = `client    203.0.113.7
log       "a.log": 40 of 56 requests are this client's, 39 of them flagged
          from                  requests  flagged  scores
          2026-03-02T10:00:50Z         4        3  20 to 50
          2026-03-02T10:00:54Z         4        4  1 to 2
          2026-03-02T10:00:58Z         4        4  1 to 1
          2026-03-02T10:01:02Z         4        4  1 to 1
          2026-03-02T10:01:06Z         4        4  1 to 1
          2026-03-02T10:01:10Z         4        4  1 to 1
          2026-03-02T10:01:14Z         4        4  1 to 1
          2026-03-02T10:01:18Z         4        4  1 to 1
          2026-03-02T10:01:22Z         4        4  1 to 1
          2026-03-02T10:01:26Z         4        4  1 to 1
request   line 52, 2026-03-02T10:01:29Z: "GET" "/old39", answered 404
agent     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36"
score     1 (1 = bot .. 99 = person): almost certainly a bot
action    tag, by the default threshold of 30

for a bot
  ########## strongly  the address asked for 39 pages since the last asset
  ######     strongly  the address sent 6 user agents in 10 min
  ###        clearly   the address got 404 for all requests in 10 min
  ##         clearly   the request has no Referer

and a lesser reason, slightly for a person (--all lists it)
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestExplainPerson(t *testing.T) {
	log, model := explainFiles(t)
	got := explained1(t, log, "--line", "53", "--model", model, "--all")
	const want = `client    192.0.2.10
request   line 53, 2026-03-02T10:01:30Z: "GET" "/contact", answered 200
agent     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
score     98 (1 = bot .. 99 = person): almost certainly a person
action    allow, by the default threshold of 30

for a person
  ########## strongly  the address asked for an asset in 75 % of requests in 10 min, and asked for no page since the last asset
  ####       clearly   the request has a Referer
  ###        clearly   the address got 404 for no requests in 10 min
  ###        slightly  the address sent 1 user agent in 10 min
  #          slightly  the request has no query

feature                                 value     share  in words
ip/asset_share_10m                    0.75031    -1.250  the address asked for an asset in 75 % of requests in 10 min
ip/pages_since_asset                        0    -1.000  the address asked for no page since the last asset
request/referer                             1    -0.750  the request has a Referer
ip/not_found_share_10m                      0    -0.500  the address got 404 for no requests in 10 min
ip/distinct_agents_10m                      1    -0.458  the address sent 1 user agent in 10 min
request/query_length                        0    -0.100  the request has no query
base                                             -0.042  the model's output on average
output                                           -4.100  the output for this request: the sum of all above
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// What was certain before the model was asked comes before its reasons.
func TestExplainFinding(t *testing.T) {
	dir := t.TempDir()
	log := write(t, filepath.Join(dir, "a.log"), []byte(logLine(0, scannerAddress, "GET /.env HTTP/1.1", 404, "-", chromeAgent)))
	model := write(t, filepath.Join(dir, "model.json"), []byte(explainModel))
	out := explained1(t, log, "--line", "1", "--model", model)
	at := strings.Index(out, "\nfinding   damning_path: no person asks for this path; the score is at most 3, the model alone gives ")
	if reasons := strings.Index(out, "\nfor a "); at < 0 || reasons < at {
		t.Errorf("no finding before the reasons:\n%s", out)
	}
	if out := explained1(t, log, "--line", "1", "--model", model, "--heuristics-off", "damning_path,unknown_client"); strings.Contains(out, "finding") {
		t.Errorf("a finding that is off:\n%s", out)
	}
}

// printedExplanation is what explain --json prints, as a program reads it.
type printedExplanation struct {
	Source, Client, Verdict, Action string
	Published                       time.Time
	Known                           []struct {
		Dimension string
		Known     bool
		Age       float64 `json:"age_seconds"`
		Features  map[string]*float64
		Words     string
	}
	Log *struct {
		File                    string
		Rows, Requests, Flagged int
		Periods                 []struct {
			From              time.Time
			Requests, Flagged int
			Lowest            int `json:"lowest_score"`
			Highest           int `json:"highest_score"`
		}
	}
	Request struct {
		Line, Status       int
		Time               time.Time
		Method, Host, Path string
		Referer            string
		Query              int     `json:"query_length"`
		Agent              *string `json:"user_agent"`
	}
	Score   int
	Finding *struct{ Name, Words, Score string }
	Model   struct {
		Score     int
		Raw, Base float64
	}
	Reasons  []printedReason
	Features []struct {
		Feature, Words string
		Value          *float64
		Share          float64
	}
}

type printedReason struct {
	Words, For, Strength string
	Share                float64
	Features             []string
}

func explainedJSON(t *testing.T, args ...string) (p printedExplanation) {
	t.Helper()
	out := explained1(t, append(args, "--json")...)
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("%v in %s", err, out)
	}
	return p
}

// The JSON object has everything, and the base and all shares are the model's output, also those of
// the built-in model.
func TestExplainJSON(t *testing.T) {
	log, model := explainFiles(t)
	for _, args := range [][]string{{"--model", model}, nil} {
		p := explainedJSON(t, append([]string{log, "--client", scannerAddress}, args...)...)
		if p.Source != "log" || p.Client != scannerAddress || p.Log == nil || p.Log.File != log || p.Log.Rows != 56 || p.Log.Requests != 40 ||
			p.Request.Method != "GET" || p.Request.Status != 404 || p.Request.Agent == nil || !strings.HasPrefix(*p.Request.Agent, "Mozilla/5.0 (Windows") {
			t.Errorf("%+v", p)
		}
		requests, flagged, lowest := 0, 0, 99
		for _, period := range p.Log.Periods {
			requests, flagged, lowest = requests+period.Requests, flagged+period.Flagged, min(lowest, period.Lowest)
		}
		if requests != p.Log.Requests || flagged != p.Log.Flagged || lowest != p.Score || len(p.Log.Periods) > maxPeriods {
			t.Errorf("score %d, periods %+v", p.Score, p.Log)
		}
		sum, reasons := p.Model.Base, p.Model.Base
		for _, f := range p.Features {
			sum += f.Share
		}
		for _, r := range p.Reasons {
			reasons += r.Share
			if r.Words == "" || len(r.Features) == 0 || r.Strength == "" || (r.For == "bot") != (r.Share > 0) {
				t.Errorf("%+v", r)
			}
		}
		if math.Abs(sum-p.Model.Raw) > 1e-9 || math.Abs(reasons-p.Model.Raw) > 1e-9 || p.Score > p.Model.Score {
			t.Errorf("features add up to %v, reasons to %v, the output is %v", sum, reasons, p.Model.Raw)
		}
	}
}

// docs/detection.md shows what is printed.
func TestExplainDocumented(t *testing.T) {
	log, model := explainFiles(t)
	printed := strings.ReplaceAll(explained1(t, log, "--client", scannerAddress, "--model", model), log, "access.log")
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "detection.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "$ headgate explain access.log --client " + scannerAddress + "\n" + printed + "```\n"; !strings.Contains(string(page), want) {
		t.Errorf("docs/detection.md lacks:\n%s", want)
	}
}

// A log on standard input yields the same output.
func TestExplainFromStandardInput(t *testing.T) {
	log, model := explainFiles(t)
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	onStdin(t, f)
	named := explained1(t, log, "--line", "20", "--model", model)
	if got := explained1(t, "-", "--line", "20", "--model", model); got != named {
		t.Errorf("%s\nis not\n%s", got, named)
	}
}

// A compressed log yields the same output.
func TestExplainCompressed(t *testing.T) {
	log, model := explainFiles(t)
	packedLog := write(t, filepath.Join(t.TempDir(), "a.log.gz"), packed(smallSite()))
	plain := explained1(t, log, "--line", "20", "--model", model)
	if zipped := explained1(t, packedLog, "--line", "20", "--model", model); zipped != plain {
		t.Errorf("%s\nis not\n%s", zipped, plain)
	}
}

// --agent chooses among a client's requests.
func TestExplainAgentOfLog(t *testing.T) {
	log, model := explainFiles(t)
	agent := strings.Replace(chromeAgent, "140", "133", 1)
	p := explainedJSON(t, log, "--client", scannerAddress, "--agent", agent, "--model", model)
	if p.Log.Requests != 7 || p.Request.Agent == nil || *p.Request.Agent != agent {
		t.Errorf("%d requests, %+v", p.Log.Requests, p.Request)
	}
}

// Facts that a log does not contain are unknown, and no reason claims more.
func TestExplainMissingValues(t *testing.T) {
	_, model := explainFiles(t)
	dir := t.TempDir()
	common := write(t, filepath.Join(dir, "common.log"), []byte(`192.0.2.1 - - [02/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 17`+"\n"+
		`:: - - [02/Mar/2026:10:00:05 +0000] "" 400 -`+"\n"))
	p := explainedJSON(t, common, "--client", "192.0.2.1", "--model", model)
	if p.Request.Agent != nil || p.Features[0].Value != nil && p.Features[0].Feature == "request/referer" {
		t.Errorf("%+v %+v", p.Request, p.Features)
	}
	for _, f := range p.Features {
		if f.Value == nil != strings.HasPrefix(f.Words, "not known of ") {
			t.Errorf("%+v", f)
		}
	}
	text := explained1(t, common, "--line", "1", "--model", model)
	for _, want := range []string{"agent     not known\n", "what is not known of the request: Referers", "nothing is known of the address"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if text := explained1(t, common, "--line", "2", "--model", model); !strings.Contains(text, "client    not told by the log\n") ||
		!strings.Contains(text, "not HTTP, ") {
		t.Errorf("%s", text)
	}
}

// Nothing that a client sent reaches the terminal as it is, neither in words nor in JSON, and no
// line is made by it.
func TestExplainHostileText(t *testing.T) {
	_, model := explainFiles(t)
	evil := "\x1b[2J\x1b]0;owned\x07\u0085\u202e\\x0ascore     99\xff" + strings.Repeat("A", 2000)
	log := write(t, filepath.Join(t.TempDir(), "evil.log"), []byte(
		logLine(0, scannerAddress, "GET /"+evil+" HTTP/1.1", 200, "http://a.test/"+evil, evil)))
	for _, args := range [][]string{{"--line", "1"}, {"--client", scannerAddress}, {"--line", "1", "--all"}, {"--line", "1", "--json"}} {
		out := explained1(t, append([]string{log, "--model", model}, args...)...)
		for _, r := range out {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				t.Fatalf("%q: %U in %q", args, r, out)
			}
		}
		if strings.Count(out, "\nscore ") > 1 || len(out) > 40_000 {
			t.Errorf("%q: %d bytes: %s", args, len(out), out)
		}
	}
	if p := explainedJSON(t, log, "--line", "1", "--model", model); !strings.HasPrefix(p.Request.Path, "GET /\x1b[2J") || len(p.Request.Path) < 2000 {
		t.Errorf("the path is %.60q", p.Request.Path)
	}
}

// The output for a log of many years is no longer than for others.
func TestExplainPeriodsAreBounded(t *testing.T) {
	_, model := explainFiles(t)
	var b strings.Builder
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 200 {
		fmt.Fprintf(&b, "%s - - [%s] \"GET / HTTP/1.1\" 200 512 \"-\" \"%s\"\n", personAddress, at.Format("02/Jan/2006:15:04:05 -0700"), chromeAgent)
		at = at.Add(time.Duration(i*i) * time.Minute)
	}
	log := write(t, filepath.Join(t.TempDir(), "a.log"), []byte(b.String()))
	p := explainedJSON(t, log, "--client", personAddress, "--model", model)
	sum := 0
	for i, period := range p.Log.Periods {
		sum += period.Requests
		if i > 0 && !period.From.After(p.Log.Periods[i-1].From) {
			t.Errorf("period %d begins at %v", i, period.From)
		}
	}
	if n := len(p.Log.Periods); n < 3 || n > maxPeriods || sum != 200 {
		t.Errorf("%d periods of %d requests", n, sum)
	}
}

// Errors name the thing and what to do.
func TestExplainErrors(t *testing.T) {
	log, model := explainFiles(t)
	dir := t.TempDir()
	empty := write(t, filepath.Join(dir, "empty.log"), nil)
	noise := write(t, filepath.Join(dir, "noise.log"), []byte("no log\nat all\n"))
	broken := write(t, filepath.Join(dir, "broken.log"), []byte("no log\n"+logLine(0, personAddress, "GET / HTTP/1.1", 200, "-", chromeAgent)))
	strange := write(t, filepath.Join(dir, "strange.json"), []byte(strings.NewReplacer("request/", "r_", "ip/", "i_").Replace(explainModel)))
	weightless := write(t, filepath.Join(dir, "weightless.json"), []byte(strings.ReplaceAll(explainModel, "leaf_weights", "no_weights")))
	for _, c := range []struct {
		line   []string
		status int
		wants  []string
	}{
		{[]string{log}, exitUsage, []string{log, "--client", "--line"}},
		{[]string{log, "--line=-1"}, exitUsage, []string{"--line -1"}},
		{[]string{log, "--client", "nobody"}, exitUsage, []string{"--client nobody", "IP address"}},
		{[]string{log, "--client", personAddress, "--line", "1"}, exitUsage, []string{"--client", "--line"}},
		{[]string{log, "--line", "1", "--max-keys", "0"}, exitUsage, []string{"--max-keys"}},
		{[]string{log, "--line", "1", "--heuristics-off", "typo"}, exitUsage, []string{"--heuristics-off", "typo"}},
		{[]string{personAddress, "--line", "1"}, exitUsage, []string{"--line", personAddress, "log"}},
		{[]string{log, "--client", "198.51.100.1"}, exitFailure, []string{log, "none of its 56 requests is of 198.51.100.1"}},
		{[]string{log, "--client", personAddress, "--agent", "x"}, exitFailure, []string{personAddress, `user agent "x"`}},
		{[]string{log, "--line", "57"}, exitFailure, []string{log, "no line 57", "line 56"}},
		{[]string{log, "--line", "1", "--agent", "x"}, exitFailure, []string{log, "line 1", `"x"`}},
		{[]string{broken, "--line", "1"}, exitFailure, []string{broken, "line 1 has no request"}},
		{[]string{empty, "--line", "1"}, exitFailure, []string{empty, "empty", "name an access log"}},
		{[]string{noise, "--line", "1"}, exitFailure, []string{noise, "none of its 2 lines"}},
		{[]string{filepath.Join(dir, "none.log"), "--line", "1"}, exitFailure, []string{"none.log", "no such file"}},
		{[]string{log, "--line", "1", "--model", strange}, exitFailure, []string{strange, "none of the model's features", "docs/features.md"}},
		{[]string{log, "--line", "1", "--model", weightless}, exitFailure, []string{weightless, "weights", "save it"}},
		{[]string{personAddress, "--dir", filepath.Join(dir, "hg")}, exitFailure, []string{"hg", "no such directory", "headgate run --dir"}},
		{[]string{personAddress, "--dir", dir}, exitFailure, []string{dir, "no daemon has published here", "headgate run --dir"}},
	} {
		what := strings.Join(c.line, " ")
		args := append([]string{"explain"}, c.line...)
		if !slices.Contains(args, "--model") {
			args = append(args, "--model", model)
		}
		status, out, errOut := run(t, args...)
		if status != c.status || out != "" {
			t.Errorf("%s: exit status %d, want %d, printed %q", what, status, c.status, out)
		}
		checkOneLine(t, what, errOut, c.wants...)
	}
}
