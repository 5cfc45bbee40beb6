package corpus_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/models/corpus"
)

// judged is what the heuristics found of clients that have a browser's user agent.
type judged struct{ clients, forged, other int }

func (j *judged) add(f heuristics.Finding) {
	j.clients++
	switch f {
	case heuristics.FindingForgedAgent:
		j.forged++
	case heuristics.NoFinding:
	default:
		j.other++
	}
}

// isEngine reports whether real browsers are behind a family's programs, whatever drives them.
func isEngine(family string) bool { return family == "persons" || family == "automation" }

// eachEvent calls yield with the events of a file in the order of their times.
func eachEvent(f *corpus.File, yield func(run *corpus.Run, ev *traffic.Event)) {
	runs, conns := make(map[int]*corpus.Run), make(map[int]*corpus.Conn)
	for _, r := range f.Runs {
		runs[r.ID] = r
	}
	for _, c := range f.Conns {
		conns[c.ID] = c
	}
	requests := slices.Clone(f.Requests)
	slices.SortStableFunc(requests, func(a, b *corpus.Request) int { return cmp.Compare(a.At, b.At) })
	for _, r := range requests {
		var ev traffic.Event
		run := runs[conns[r.Conn].Run]
		r.Event(&ev, run, conns[r.Conn], 1000*r.At)
		yield(run, &ev)
	}
}

func claimsBrowser(ev *traffic.Event) bool {
	engine, _ := traffic.ParseEngine(ev.UserAgent)
	return engine == traffic.EngineChromium || engine == traffic.EngineGecko || engine == traffic.EngineWebKit
}

// impersonators are the programs that copy a browser's connection. They have a row each.
var impersonators = []string{"curl_cffi-chrome", "curl_cffi-firefox", "curl_cffi-safari", "curl_cffi-raw", "primp", "rnet", "py-tls-client",
	"tls-client-chrome", "tls-client-firefox", "tls-client-safari", "impit", "impit-firefox", "got-scraping", "cycletls"}

// judgeCorpus judges the first requests of programs by the row of the table that they are in, and all requests of engines.
func judgeCorpus(t *testing.T) map[string]*judged {
	t.Helper()
	files, err := corpus.ReadAll(recorded)
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string]*judged)
	for _, f := range files {
		seen := make(map[*corpus.Run]bool)
		eachEvent(f, func(run *corpus.Run, ev *traffic.Event) {
			engine := isEngine(f.Head.Family)
			if seen[run] && !engine || !claimsBrowser(ev) {
				seen[run] = true
				return
			}
			seen[run] = true
			row := f.Head.Family
			if slices.Contains(impersonators, run.Program) {
				row = run.Program
			}
			if table[row] == nil {
				table[row] = new(judged)
			}
			table[row].add(heuristics.Rules{}.Request(ev))
			if engine && !strings.Contains(ev.UserAgent, "Headless") {
				checkEngine(t, run, ev)
			}
		})
	}
	return table
}

// checkEngine fails where a real browser under its own name contradicts itself in more than one thing.
func checkEngine(t *testing.T, run *corpus.Run, ev *traffic.Event) {
	t.Helper()
	if got := heuristics.FindContradictions(ev); got&(got-1) != 0 {
		t.Errorf("%s, %s: %015b by %s %q with %q", run.Program, run.Disguise, got, ev.Method, ev.Path, ev.UserAgent)
	}
}

// forgedTable is the table of docs/detection.md.
func forgedTable(table map[string]*judged) string {
	var b strings.Builder
	b.WriteString("| program | browser's agents | `forged_agent` | another finding | none |\n|---|---|---|---|---|\n")
	row := func(name string, j *judged) {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", name, j.clients, j.forged, j.other, j.clients-j.forged-j.other)
	}
	var all judged
	var families []string
	for name, j := range table {
		if isEngine(name) {
			continue
		}
		all.clients, all.forged, all.other = all.clients+j.clients, all.forged+j.forged, all.other+j.other
		if !slices.Contains(impersonators, name) {
			families = append(families, name)
		}
	}
	for _, name := range slices.Concat(impersonators, slices.Sorted(slices.Values(families))) {
		row(name, table[name])
	}
	row("all programs, first requests", &all)
	row("automation of real browsers, all requests", table["automation"])
	row("people's browsers, all requests", table["persons"])
	return b.String()
}

// Of the recorded programs under browsers' names most are found by their first request, and no real browser at any. The
// table in docs/detection.md is what this test prints: go test ./models/corpus -run TestForgedAgents -v
func TestForgedAgentsOfTheCorpus(t *testing.T) {
	table := judgeCorpus(t)
	programs, found := 0, 0
	for name, j := range maps.All(table) {
		if isEngine(name) {
			if j.forged != 0 || j.clients < 1000 {
				t.Errorf("%s: %d of %d requests are forged", name, j.forged, j.clients)
			}
			continue
		}
		programs, found = programs+j.clients, found+j.forged+j.other
	}
	if programs < 500 || found*100 < programs*90 {
		t.Errorf("%d of %d programs under a browser's name are found by their first request", found, programs)
	}
	text := forgedTable(table)
	t.Log("\n" + text)
	page, err := os.ReadFile("../../docs/detection.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), text) {
		t.Error("docs/detection.md has another table: put the one above there")
	}
}
