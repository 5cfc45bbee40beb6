package pipeline_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
)

// logStart is when the logs of these tests begin.
var logStart = time.Date(2026, 4, 1, 10, 0, 0, 0, time.UTC)

// visitAt returns a log line of a client, at a time after the start.
func visitAt(client int, after time.Duration, path string, status int) string {
	return fmt.Sprintf("192.0.2.%d - - [%s] \"GET %s HTTP/1.1\" %d 153 \"-\" \"a/1\"\n", client,
		logStart.Add(after).Format("02/Jan/2006:15:04:05 -0700"), path, status)
}

// misses returns lines of a client with status 404, two in a second.
func misses(client, n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = visitAt(client, time.Duration(i/2)*time.Second, "/"+strconv.Itoa(i), 404)
	}
	return lines
}

// ordered replays lines and returns the rows in their order, by column.
func ordered(t *testing.T, lines []string, features ...string) ([]map[string]string, pipeline.Summary) {
	t.Helper()
	out, s := replay(t, []byte(strings.Join(lines, "")), pipeline.CSV{}, features...)
	return parseRows(t, out), s
}

func parseRows(t *testing.T, out string) []map[string]string {
	t.Helper()
	table, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, values := range table[1:] {
		row := map[string]string{}
		for i, name := range table[0] {
			row[name] = values[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// orderFeatures are the features that the tests of order check.
var orderFeatures = []string{"ip/requests_1m", "ip/not_found_streak", "ip/gap_min", "ip/age"}

// rowsByPath returns the rows by their paths, without the line numbers.
func rowsByPath(rows []map[string]string) map[string]string {
	named := map[string]string{}
	for _, r := range rows {
		text := r["time"] + " " + r["score"] + " " + r["cut"]
		for _, f := range orderFeatures {
			text += " " + r[f]
		}
		named[r["path"]] = text
	}
	return named
}

// One line from the future, at any position, changes no other client's row: it gets the time of the
// line before and is counted.
func TestLineFromTheFuture(t *testing.T) {
	lines := misses(1, 600)
	rows, _ := ordered(t, lines, orderFeatures...)
	want := rowsByPath(rows)
	for _, at := range []int{0, 1, 100, 583, 584, 590, 599} {
		for _, ahead := range []time.Duration{7 * time.Second, 55 * time.Second, 2 * time.Minute, 20 * time.Minute, 24 * time.Hour, 70 * 365 * 24 * time.Hour} {
			now := time.Duration(at/2) * time.Second
			rows, s := ordered(t, slices.Insert(slices.Clone(lines), at, visitAt(2, now+ahead, "/future", 200)), orderFeatures...)
			got := rowsByPath(rows)
			for path, text := range want {
				if got[path] != text {
					t.Fatalf("line %d is %v ahead: the row of %s is %q, want %q", at, ahead, path, got[path], text)
				}
			}
			clipped := strings.Contains(got["/future"], " time ")
			if s.Backward != 0 || clipped != (s.Ahead == 1) || clipped != (ahead > pipeline.Window) {
				t.Errorf("line %d is %v ahead: %d from the future, %d late, the row is %q", at, ahead, s.Ahead, s.Backward, got["/future"])
			}
			if last := logStart.Add(5 * time.Minute); clipped && s.Last.After(last) {
				t.Errorf("line %d is %v ahead: the log goes to %v", at, ahead, s.Last)
			}
		}
	}
}

// Several lines from the future, fewer than half of any sixteen, each get the clock's time.
func TestLinesFromTheFuture(t *testing.T) {
	lines := misses(1, 600)
	rows, _ := ordered(t, lines, orderFeatures...)
	want := rowsByPath(rows)
	for i := range 5 {
		lines = slices.Insert(lines, 100*i+50, visitAt(2, time.Hour, "/future", 200))
	}
	rows, s := ordered(t, lines, orderFeatures...)
	got := rowsByPath(rows)
	delete(got, "/future")
	for path := range got {
		if got[path] != want[path] {
			t.Fatalf("the row of %s is %q, want %q", path, got[path], want[path])
		}
	}
	if s.Ahead != 5 || s.Backward != 0 || s.Rows != 605 {
		t.Errorf("%d rows, %d from the future, %d late", s.Rows, s.Ahead, s.Backward)
	}
}

// A log with gaps of a night, a day and a year, and one with a line every ten minutes, are in
// order: nothing is counted, and times are the log's.
func TestGapsAreNoDisorder(t *testing.T) {
	var night, sparse []string
	for i, gap := range []time.Duration{0, 12 * time.Hour, 30 * time.Hour, 365 * 24 * time.Hour} {
		for n := range 40 {
			night = append(night, visitAt(1, gap+time.Duration(n)*time.Second, fmt.Sprint("/", i, "/", n), 200))
		}
	}
	night = append(night, visitAt(1, 400*24*time.Hour, "/last", 200))
	for n := range 60 {
		sparse = append(sparse, visitAt(1, time.Duration(n)*10*time.Minute, fmt.Sprint("/", n), 200))
	}
	for name, lines := range map[string][]string{"gaps": night, "sparse": sparse, "one": sparse[:1], "two": sparse[:2]} {
		rows, s := ordered(t, lines, orderFeatures...)
		if s.Ahead+s.Backward != 0 || s.Rows != len(lines) {
			t.Errorf("%s: %d rows of %d lines, %d from the future, %d late", name, s.Rows, len(lines), s.Ahead, s.Backward)
		}
		for i, r := range rows {
			if r["line"] != strconv.Itoa(i+1) || r["cut"] != "" {
				t.Errorf("%s: row %d is of line %s, cut %q", name, i, r["line"], r["cut"])
			}
		}
	}
}

// The hour that a time zone repeats or skips does not matter: dates have their offsets.
func TestDaylightSaving(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	var lines []string
	for n := range 240 { // a minute apart, over the change at 01:00 UTC
		at := time.Date(2026, 10, 24, 23, n, 0, 0, time.UTC)
		if at.Hour() == 1 && at.Day() == 25 {
			zone = time.FixedZone("", 3600)
		}
		lines = append(lines, fmt.Sprintf("192.0.2.1 - - [%s] \"GET / HTTP/1.1\" 200 1\n", at.In(zone).Format("02/Jan/2006:15:04:05 -0700")))
	}
	if _, s := ordered(t, lines, "ip/age"); s.Ahead+s.Backward != 0 || s.Last.Sub(s.First) != 239*time.Minute {
		t.Errorf("%d from the future, %d late, from %v to %v", s.Ahead, s.Backward, s.First, s.Last)
	}
}

// If a log has the start times of requests, as Apache's has, the row of a slow request does not
// include later events, and the slow request counts for others only from its line on.
func TestRowsDoNotSeeTheFuture(t *testing.T) {
	quick := misses(1, 100) // the first 50 seconds
	slow := visitAt(1, -2*time.Second, "/slow", 200)
	rows, s := ordered(t, append(slices.Clone(quick), slow, visitAt(1, 50*time.Second, "/then", 200), visitAt(1, 55*time.Second, "/later", 200)), orderFeatures...)
	if r := rows[0]; r["path"] != "/slow" || r["ip/requests_1m"] != "NaN" || r["ip/not_found_streak"] != "NaN" || r["time"] != "2026-04-01T09:59:58Z" {
		t.Errorf("the slow request has the row %v", r)
	}
	if s.Backward+s.Ahead != 0 || s.Rows != 103 {
		t.Errorf("%d rows, %d late, %d from the future", s.Rows, s.Backward, s.Ahead)
	}
	alone, _ := ordered(t, quick, orderFeatures...)
	got, want := rowsByPath(rows), rowsByPath(alone)
	for path := range want {
		if got[path] != want[path] {
			t.Fatalf("the slow request, which ends later, is seen by that of %s: %q, without it %q", path, got[path], want[path])
		}
	}
	if r := rows[len(rows)-1]; r["path"] != "/later" || r["ip/not_found_streak"] != "0.0" || r["ip/age"] == "NaN" {
		t.Errorf("after the slow request has ended: %v", r)
	}
}

// Lines within the window may come in any order: rows are those of the order of time.
func TestShuffledWithinTheWindow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	type timed struct {
		written int
		line    string
	}
	var lines []timed
	for i := range 2000 {
		lines = append(lines, timed{2*i + rng.IntN(90), visitAt(i%20, time.Duration(i)*time.Second/2, "/"+strconv.Itoa(i), 200)})
	}
	slices.SortStableFunc(lines, func(a, b timed) int { return a.written - b.written })
	var log []string
	for _, l := range lines {
		log = append(log, l.line)
	}
	rows, s := ordered(t, log, orderFeatures...)
	if s.Backward+s.Ahead != 0 || len(rows) != 2000 {
		t.Errorf("%d rows, %d late, %d from the future", len(rows), s.Backward, s.Ahead)
	}
	if !slices.IsSortedFunc(rows, func(a, b map[string]string) int { return strings.Compare(a["time"], b["time"]) }) {
		t.Error("rows are not in the order of time")
	}
}

// disordered lists logs out of order, and whether they are accepted.
func disordered() map[string][]string {
	var days [3][]string
	for d := range days {
		for i := range 1200 {
			days[d] = append(days[d], visitAt(i%50, time.Duration(d)*24*time.Hour+time.Duration(i)*time.Minute, "/", 200))
		}
	}
	sorted := slices.Concat(days[0], days[1], days[2])
	reversed := slices.Clone(sorted)
	slices.Reverse(reversed)
	var twenty []string
	for range 20 {
		twenty = append(twenty, sorted...)
	}
	var merged []string // of two hosts, the clock of one of which is an hour behind
	for i := range 4000 {
		merged = append(merged, visitAt(i%50, time.Duration(i)*time.Second-time.Duration(i%2)*time.Hour, "/", 200))
	}
	return map[string][]string{
		"newest first": slices.Concat(days[2], days[1], days[0]), "backwards": reversed, "twenty times": twenty, "merged": merged,
	}
}

// A log that goes back is rejected in one line of text, and before all of it has been read.
func TestDisorderIsRefused(t *testing.T) {
	for name, lines := range disordered() {
		source, err := pipeline.FromLog(strings.NewReader(strings.Join(lines, "")))
		if err != nil {
			t.Fatal(err)
		}
		r := pipeline.Replay{Pipeline: newPipeline(t, pipeline.Config{}), Source: source}
		s, err := r.Run(t.Context())
		var order *pipeline.OrderError
		if !errors.As(err, &order) || order.Disordered != s.Backward+s.Ahead || order.Rows != s.Rows || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, %d late and %d from the future of %d rows", name, err, s.Backward, s.Ahead, s.Rows)
		}
		if name == "twenty times" && s.Rows > 15_000 {
			t.Errorf("%s: %d rows were made of %d lines before it was refused", name, s.Rows, len(lines))
		}
	}
}

// A few lines out of order are no reason to reject a log.
func TestLittleDisorderIsCounted(t *testing.T) {
	lines := misses(1, 900)
	for i := range 9 {
		lines = slices.Insert(lines, 50*i+400, visitAt(2, -time.Hour, "/late", 200))
	}
	rows, s := ordered(t, lines, orderFeatures...)
	if s.Backward != 9 || s.Ahead != 0 {
		t.Errorf("%d late, %d from the future", s.Backward, s.Ahead)
	}
	late := 0
	for _, r := range rows {
		if r["path"] == "/late" && r["cut"] == "time" {
			late++
		}
	}
	if late != s.Backward || !slices.IsSortedFunc(rows, func(a, b map[string]string) int { return strings.Compare(a["time"], b["time"]) }) {
		t.Errorf("%d rows say that their time is not the log's, %d are late", late, s.Backward)
	}
}

// heapBytes returns the memory in use.
func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A Pipeline keeps as much memory for requests that repeat, in the same order or backwards, as for
// requests that come once.
func TestMemoryIsBoundedInAnyOrder(t *testing.T) {
	const requests = 8_000
	event := func(i int, at time.Duration) traffic.Event {
		ev := traffic.Event{Time: logStart.Add(at).UnixNano(), Method: "GET", Status: 200}
		ev.SetPath("/")
		ev.Client[15], ev.Client[10], ev.Client[11] = byte(i%50), 0xff, 0xff
		return ev
	}
	used := func(n int, at func(i int) time.Duration) int64 {
		p := newPipeline(t, pipeline.Config{Features: orderFeatures})
		before := heapBytes()
		for i := range n {
			ev := event(i, at(i))
			p.Score(&ev)
		}
		after := heapBytes()
		runtime.KeepAlive(p)
		return after - before
	}
	once := used(requests, func(i int) time.Duration { return time.Duration(i) * time.Second })
	for name, at := range map[string]func(i int) time.Duration{
		"twenty times": func(i int) time.Duration { return time.Duration(i%requests) * time.Second },
		"backwards":    func(i int) time.Duration { return -time.Duration(i) * time.Second },
	} {
		if n := used(20*requests, at); n > once+1<<20 {
			t.Errorf("%s: %d bytes, once takes %d", name, n, once)
		}
	}
}

// endlessLog generates a log of long lines, each of which is held back.
type endlessLog struct {
	lines int
	line  []byte
	left  []byte
}

func (l *endlessLog) Read(b []byte) (int, error) {
	if len(l.left) == 0 {
		if l.lines == 0 {
			return 0, io.EOF
		}
		l.lines--
		l.left = l.line
	}
	n := copy(b, l.left)
	l.left = l.left[n:]
	return n, nil
}

// The lines held back are bounded in bytes too.
func TestLongLinesAreBounded(t *testing.T) {
	agent := strings.Repeat("x", 60_000)
	log := &endlessLog{lines: 3000, line: []byte(strings.Replace(visitAt(1, 0, "/", 200), "a/1", agent, 1))}
	source, err := pipeline.FromLog(log)
	if err != nil {
		t.Fatal(err)
	}
	before, most := heapBytes(), int64(0)
	r := pipeline.Replay{Pipeline: newPipeline(t, pipeline.Config{Features: orderFeatures}), Source: source,
		Progress: func(int) { most = max(most, heapBytes()) }}
	if s, err := r.Run(t.Context()); err != nil || s.Rows != 3000 {
		t.Fatalf("%d rows, %v", s.Rows, err)
	}
	if used := most - before; used > 110<<20 { // 32 MiB held back, four batches of 256 rows
		t.Errorf("180 MB of long lines took %d bytes", used)
	}
}

// A log whose first line is a century early is replayed at once, not second by second.
func TestCenturyWithoutALine(t *testing.T) {
	lines := slices.Insert(misses(1, 20), 3, visitAt(1, logStart.AddDate(-30, 0, 0).Sub(logStart), "/old", 200), visitAt(1, logStart.AddDate(70, 0, 0).Sub(logStart), "/new", 200))
	if rows, s := ordered(t, lines, orderFeatures...); len(rows) != 22 || s.Backward != 0 || s.Ahead != 1 {
		t.Errorf("%d rows, %d late, %d from the future", len(rows), s.Backward, s.Ahead)
	}
}

// If more requests come in one second than are held, they count early, and Summary says so.
func TestManyRequestsAtOnce(t *testing.T) {
	const requests = 140_000
	line := visitAt(1, 0, "/", 200)
	source, err := pipeline.FromLog(bytes.NewReader(bytes.Repeat([]byte(line), requests)))
	if err != nil {
		t.Fatal(err)
	}
	r := pipeline.Replay{Pipeline: newPipeline(t, pipeline.Config{Features: orderFeatures}), Source: source}
	if s, err := r.Run(t.Context()); err != nil || s.Rows != requests || s.Early != requests-1<<17 {
		t.Errorf("%d rows, %d early, %v", s.Rows, s.Early, err)
	}
}

// records is a source of given records.
type records struct {
	all  []pipeline.Record
	next int
}

func (s *records) Next(r *pipeline.Record) error {
	if s.next == len(s.all) {
		return io.EOF
	}
	*r = s.all[s.next]
	s.next++
	return nil
}

// Requests reported when they end, with start and duration, return the same bytes as the live ones,
// which are reported when they begin.
func TestToldAtTheEnd(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	now := logStart.UnixNano()
	var begun []pipeline.Record
	for i := range 3000 {
		now += 1 + rng.Int64N(int64(500*time.Millisecond))
		r := pipeline.Record{Line: i + 1, Event: randomEvent(rng, now)}
		r.Event.Duration = min(r.Event.Duration, uint64(rng.Int64N(int64(50*time.Second))))
		begun = append(begun, r)
	}
	ended := slices.Clone(begun)
	slices.SortStableFunc(ended, func(a, b pipeline.Record) int { return int(min(max(ends(&a.Event)-ends(&b.Event), -1), 1)) })
	if slices.IsSortedFunc(ended, func(a, b pipeline.Record) int { return a.Line - b.Line }) {
		t.Fatal("requests end in the order in which they began: there is nothing to tell")
	}
	var outs [2]bytes.Buffer
	for i, all := range [][]pipeline.Record{begun, ended} {
		r := pipeline.Replay{Pipeline: newPipeline(t, pipeline.Config{}), Source: &records{all: all}, Out: &outs[i], Format: &pipeline.JSONL{}}
		if s, err := r.Run(t.Context()); err != nil || s.Rows != len(all) || s.Backward+s.Ahead != 0 {
			t.Fatalf("%d rows, %d late, %d from the future, %v", s.Rows, s.Backward, s.Ahead, err)
		}
	}
	if !bytes.Equal(outs[0].Bytes(), outs[1].Bytes()) {
		t.Error("the rows differ")
	}
}
