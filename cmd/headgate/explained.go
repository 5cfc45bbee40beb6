package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/app/explain"
	"github.com/headgate/headgate/proxyhook"
)

// explained is the output of explain.
type explained struct {
	Source    string            `json:"source"` // published, or log
	Client    string            `json:"client"` // empty: unknown, as in some logs
	Published time.Time         `json:"published,omitzero"`
	Known     []knownKey        `json:"known,omitempty"`
	Log       *loggedClient     `json:"log,omitempty"`
	Request   explainedRequest  `json:"request"`
	Score     uint8             `json:"score"`
	Verdict   string            `json:"verdict"`
	Action    string            `json:"action"`  // by the default threshold
	Finding   *explainedFinding `json:"finding"` // null: no finding
	Model     explainedModel    `json:"model"`
	Reasons   []explainedReason `json:"reasons"`
	Features  []explainedShare  `json:"features"`
}

// loggedClient is what a log contains of a client.
type loggedClient struct {
	File     string   `json:"file"`
	Rows     int      `json:"rows"`
	Requests int      `json:"requests"` // of the client
	Flagged  int      `json:"flagged"`  // of those
	Periods  []period `json:"periods"`
}

// explainedRequest is the request that the score is for. Line, time and status are those of a log.
type explainedRequest struct {
	Line        int       `json:"line,omitempty"`
	Time        time.Time `json:"time,omitzero"`
	Method      string    `json:"method"`
	Host        string    `json:"host,omitempty"`
	Path        string    `json:"path"`
	QueryLength int       `json:"query_length"`
	Status      int       `json:"status,omitempty"`
	Referer     string    `json:"referer,omitempty"`
	UserAgent   *string   `json:"user_agent"` // null: unknown
}

// explainedFinding is the finding that bounds the score.
type explainedFinding struct {
	Name  string `json:"name"`
	Words string `json:"words"`
	Score string `json:"score"` // the bounds of the score, in words
}

type explainedModel struct {
	Score uint8   `json:"score"`
	Raw   float64 `json:"raw"`
	Base  float64 `json:"base"`
}

type explainedReason struct {
	Words    string   `json:"words"`
	Share    float64  `json:"share"` // of raw - base
	For      string   `json:"for"`   // bot or person
	Strength string   `json:"strength"`
	Features []string `json:"features"`
}

type explainedShare struct {
	Feature string   `json:"feature"`
	Value   *float32 `json:"value"` // null: unknown
	Share   float64  `json:"share"`
	Words   string   `json:"words"`
}

func newExplained(ev *traffic.Event, found heuristics.Finding, why *explain.Explanation) *explained {
	score := found.Bound(why.Score)
	e := &explained{
		Request: explainedRequest{Method: ev.Method, Host: ev.Host, Path: ev.Path, QueryLength: int(ev.Query)},
		Score:   score, Verdict: verdict(score), Action: judge(ev, score).String(),
		Model: explainedModel{why.Score, why.Raw, why.Base}, Reasons: []explainedReason{},
	}
	if found != heuristics.NoFinding {
		e.Finding = &explainedFinding{found.String(), explain.Finding(found, ev), explain.Bounds(found)}
	}
	if addr := ev.Addr(); addr.IsValid() {
		e.Client = addr.String()
	}
	if !ev.Facts.Has(traffic.FactAgentUnknown) {
		e.Request.UserAgent = &ev.UserAgent
	}
	for _, r := range why.Reasons {
		side := "person"
		if r.IsForBot() {
			side = "bot"
		}
		e.Reasons = append(e.Reasons, explainedReason{r.Words, r.Share, side, explain.Strength(r.Share), r.Features})
	}
	for _, f := range why.Features {
		share := explainedShare{Feature: f.Name, Share: f.Share, Words: f.Words}
		if v := f.Value; !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) {
			share.Value = &v
		}
		e.Features = append(e.Features, share)
	}
	return e
}

// setRecord sets the explained request of a log.
func (e *explained) setRecord(r *pipeline.Record) {
	e.Request.Line, e.Request.Time = r.Line, r.Event.At().UTC()
	e.Request.Status, e.Request.Referer = int(r.Event.Status), r.Referer
	if r.Path != "" {
		e.Request.Path = r.Path
	}
	if e.Request.UserAgent != nil {
		agent := agent(r)
		e.Request.UserAgent = &agent
	}
}

// verdict describes a score in words.
func verdict(score uint8) string {
	switch {
	case score < 10:
		return "almost certainly a bot"
	case score < proxyhook.DefaultFlagBelow:
		return "probably a bot"
	case score < 40:
		return "rather a bot than a person"
	case score <= 60:
		return "undecided"
	case score <= 90:
		return "probably a person"
	}
	return "almost certainly a person"
}

// writeJSON writes one JSON object, with control characters escaped for terminals.
func (e *explained) writeJSON(w io.Writer) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	var b []byte
	for _, r := range string(text) {
		if r >= 0x7f && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			b = fmt.Appendf(b, `\u%04x`, r)
		} else {
			b = utf8.AppendRune(b, r)
		}
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// print prints the explanation for people.
func (e *explained) print(w io.Writer, all bool) {
	e.printRequest(w)
	fmt.Fprintf(w, "score     %d (1 = bot .. 99 = person): %s\n", e.Score, e.Verdict)
	fmt.Fprintf(w, "action    %s, by the default threshold of %d\n", e.Action, proxyhook.DefaultFlagBelow)
	if f := e.Finding; f != nil {
		fmt.Fprintf(w, "finding   %s: %s; the score is %s, the model alone gives %d\n", f.Name, f.Words, f.Score, e.Model.Score)
	}
	e.printReasons(w, all)
	if all {
		e.printFeatures(w)
	}
}

// printRequest prints the request that the score is for, and what is known of its client.
func (e *explained) printRequest(w io.Writer) {
	client := e.Client
	if client == "" {
		client = "not told by the log"
	}
	fmt.Fprintf(w, "client    %s\n", client)
	known := false
	for i, k := range e.Known {
		known = known || k.Known
		fmt.Fprintf(w, "%-9s %s\n", onlyFirst(i, "known"), k.Words)
	}
	if e.Source == "published" && !known {
		fmt.Fprintln(w, "          the client is unknown: it sent nothing recently, or its row was evicted")
	}
	if e.Log != nil {
		e.Log.print(w, e.Client)
	}
	fmt.Fprintf(w, "request   %s\n", e.Request.text())
	fmt.Fprintf(w, "agent     %s\n", e.Request.agent())
}

func onlyFirst(i int, title string) string {
	if i == 0 {
		return title
	}
	return ""
}

// print prints the client's scores over time.
func (l *loggedClient) print(w io.Writer, client string) {
	fmt.Fprintf(w, "log       %q: %d of %d requests are this client's, %d of them flagged\n", clipped(l.File), l.Requests, l.Rows, l.Flagged)
	fmt.Fprintf(w, "          %-20s %9s %8s  %s\n", "from", "requests", "flagged", "scores")
	for _, p := range l.Periods {
		fmt.Fprintf(w, "          %-20s %9d %8d  %d to %d\n", p.From.Format(time.RFC3339), p.Requests, p.Flagged, p.Lowest, p.Highest)
	}
}

// text describes the request. Strings from the client are quoted.
func (r *explainedRequest) text() string {
	var b strings.Builder
	if r.Line > 0 {
		fmt.Fprintf(&b, "line %d, %s: ", r.Line, r.Time.Format(time.RFC3339))
	}
	if r.Method == "" {
		fmt.Fprintf(&b, "not HTTP, %q", clipped(r.Path))
	} else {
		fmt.Fprintf(&b, "%.16q %q", r.Method, clipped(r.Path))
	}
	if r.QueryLength > 0 {
		fmt.Fprintf(&b, " with a query of %d bytes", r.QueryLength)
	}
	if r.Host != "" {
		fmt.Fprintf(&b, " of %q", clipped(r.Host))
	}
	if r.Status > 0 {
		fmt.Fprintf(&b, ", answered %d", r.Status)
	}
	return b.String()
}

func (r *explainedRequest) agent() string {
	switch {
	case r.UserAgent == nil:
		return "not known"
	case *r.UserAgent == "":
		return "none"
	}
	return strconv.Quote(clipped(*r.UserAgent))
}

// clipped returns the beginning of a long text.
func clipped(s string) string {
	const longest = 200
	if len(s) > longest {
		return s[:longest] + "..."
	}
	return s
}

// The strongest reasons are shown, until they make up most of what moved the score.
const (
	maxReasons = 6
	mostOfAll  = 0.9
)

// shownReasons returns the number of reasons to show.
func (e *explained) shownReasons(all bool) int {
	if all {
		return len(e.Reasons)
	}
	sum, total := 0.0, 0.0
	for _, r := range e.Reasons {
		total += math.Abs(r.Share)
	}
	for n, r := range e.Reasons {
		if n >= maxReasons || sum >= mostOfAll*total {
			return n
		}
		sum += math.Abs(r.Share)
	}
	return len(e.Reasons)
}

func (e *explained) printReasons(w io.Writer, all bool) {
	n := e.shownReasons(all)
	for _, side := range []string{"bot", "person"} {
		title := fmt.Sprintf("\nfor a %s\n", side)
		for _, r := range e.Reasons[:n] {
			if r.For != side {
				continue
			}
			length := min(10, math.Ceil(10*math.Abs(r.Share/e.Reasons[0].Share)))
			fmt.Fprintf(w, "%s  %-10s %-8s  %s\n", title, strings.Repeat("#", int(length)), r.Strength, r.Words)
			title = ""
		}
	}
	rest := 0.0
	for _, r := range e.Reasons[n:] {
		rest += r.Share
	}
	side := "person"
	if rest > 0 {
		side = "bot"
	}
	switch left := len(e.Reasons) - n; {
	case len(e.Reasons) == 0:
		fmt.Fprintln(w, "\nno feature moved the score")
	case left == 1:
		fmt.Fprintf(w, "\nand a lesser reason, %s for a %s (--all lists it)\n", explain.Strength(rest), side)
	case left > 1:
		fmt.Fprintf(w, "\nand %d lesser reasons, together %s for a %s (--all lists them)\n", left, explain.Strength(rest), side)
	}
}

func (e *explained) printFeatures(w io.Writer) {
	fmt.Fprintf(w, "\n%-32s %12s %9s  %s\n", "feature", "value", "share", "in words")
	for _, f := range e.Features {
		value := "-"
		if f.Value != nil {
			value = fmt.Sprintf("%.5g", *f.Value)
		}
		fmt.Fprintf(w, "%-32s %12s %+9.3f  %s\n", f.Feature, value, f.Share, f.Words)
	}
	fmt.Fprintf(w, "%-32s %12s %+9.3f  the model's output on average\n", "base", "", e.Model.Base)
	fmt.Fprintf(w, "%-32s %12s %+9.3f  the output for this request: the sum of all above\n", "output", "", e.Model.Raw)
}
