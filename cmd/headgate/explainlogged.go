package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/app/explain"
	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/scorer"
)

// explainLogged explains a request of a log.
func (c *explainCommand) explainLogged(ctx context.Context, t *terminal, rules heuristics.Rules, explainer *explain.Explainer, model *scorer.Model) (*explained, error) {
	p, err := pipeline.New(pipeline.Config{Model: model, Features: explainer.Known(), Rules: rules, Window: window.Config{MaxKeys: c.MaxKeys}})
	if err != nil {
		return nil, err
	}
	replay := replayCommand{File: c.What, MaxKeys: c.MaxKeys}
	progress := &progress{terminal: t}
	source, closeSource, err := replay.source(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer closeSource()
	lines := &lineWatch{Source: source, line: c.Line}
	found := c.search()
	run := pipeline.Replay{Pipeline: p, Source: lines, FlagBelow: proxyhook.DefaultFlagBelow, Format: found, Out: io.Discard, Progress: progress.rows}
	summary, err := run.Run(ctx)
	progress.end()
	if err != nil {
		return nil, fmt.Errorf("explain: %w", replay.named(err))
	}
	if len(summary.Unknown) > 0 {
		fmt.Fprintf(t.err, "the model has features that this release does not compute: %s\n", strings.Join(summary.Unknown, ", "))
	}
	if found.requests == 0 {
		return nil, c.notFound(lines, summary.Rows)
	}
	why, err := explainer.Explain(explainer.Inputs(explainer.Known(), found.lowest.Features))
	if err != nil {
		return nil, err
	}
	return c.newLogged(found, why, summary.Rows), nil
}

// newLogged returns the explanation of the request that was found.
func (c *explainCommand) newLogged(found *search, why *explain.Explanation, rows int) *explained {
	r := &found.lowest
	e := newExplained(&r.Event, r.Finding, why)
	e.Source = "log"
	e.setRecord(r)
	if c.Client != "" {
		e.Log = &loggedClient{File: c.What, Rows: rows, Requests: found.requests, Flagged: found.flagged, Periods: found.periods.list()}
	}
	return e
}

// notFound returns an error that says why there is no request to explain.
func (c *explainCommand) notFound(lines *lineWatch, rows int) error {
	ofAgent := ""
	if c.Agent != nil {
		ofAgent = fmt.Sprintf(" with the user agent %.100q", *c.Agent)
	}
	switch {
	case rows == 0 && lines.last == 0:
		return fmt.Errorf("%s: the log is empty; name an access log", c.What)
	case rows == 0:
		return fmt.Errorf("%s: none of its %d lines is an access log line in the combined or common format", c.What, lines.last)
	case lines.malformed != nil:
		return fmt.Errorf("%s: line %d has no request: %s", c.What, c.Line, lines.malformed.Reason)
	case c.Line > lines.last:
		return fmt.Errorf("%s: there is no line %d, the last request is in line %d", c.What, c.Line, lines.last)
	case c.Line > 0:
		return fmt.Errorf("%s: line %d has no request%s; name another line", c.What, c.Line, ofAgent)
	}
	return fmt.Errorf("%s: none of its %d requests is of %s%s; headgate replay --out rows.csv lists the clients", c.What, rows, c.Client, ofAgent)
}

// lineWatch is a source that remembers its last line, and the error of the wanted line if that is
// malformed.
type lineWatch struct {
	pipeline.Source
	line      int
	last      int
	malformed *accesslog.LineError
}

func (w *lineWatch) Next(r *pipeline.Record) error {
	err := w.Source.Next(r)
	var malformed *accesslog.LineError
	switch {
	case err == nil:
		w.last = max(w.last, r.Line)
	case errors.As(err, &malformed):
		w.last = max(w.last, malformed.Line)
		if malformed.Line == w.line {
			w.malformed = malformed
		}
	}
	return err
}

// search is a pipeline.Format that writes nothing and keeps the record to explain: of the wanted
// ones the one with the lowest score, and of several such the last, whose client has the longest
// history.
type search struct {
	line   int
	client netip.Addr
	agent  *string

	requests int
	flagged  int
	lowest   pipeline.Record
	periods  periods
}

func (c *explainCommand) search() *search {
	s := &search{line: c.Line, agent: c.Agent}
	if c.Client != "" {
		s.client, _ = netip.ParseAddr(c.Client) // check has validated it
		s.client = s.client.Unmap().WithZone("")
	}
	return s
}

// AppendHeader implements [pipeline.Format].
func (s *search) AppendHeader(dst []byte, _ []string) []byte { return dst }

// AppendRow implements [pipeline.Format].
func (s *search) AppendRow(dst []byte, r *pipeline.Record) []byte {
	if !s.wants(r) {
		return dst
	}
	s.requests++
	if r.Score < proxyhook.DefaultFlagBelow {
		s.flagged++
	}
	s.periods.add(r)
	if s.requests == 1 || r.Score <= s.lowest.Score {
		s.lowest = *r
		s.lowest.Features = slices.Clone(r.Features)
	}
	return dst
}

func (s *search) wants(r *pipeline.Record) bool {
	switch {
	case s.line != 0 && r.Line != s.line:
		return false
	case s.line == 0 && r.Event.Addr() != s.client:
		return false
	}
	return s.agent == nil || *s.agent == agent(r)
}

// agent returns the whole user agent.
func agent(r *pipeline.Record) string {
	if r.Agent != "" {
		return r.Agent
	}
	return r.Event.UserAgent
}

// period is a time range of a client's requests.
type period struct {
	From     time.Time `json:"from"`
	Requests int       `json:"requests"`
	Flagged  int       `json:"flagged"`
	Lowest   uint8     `json:"lowest_score"`
	Highest  uint8     `json:"highest_score"`
}

// periods holds at most maxPeriods periods of the same length, which doubles when more would be
// needed.
type periods struct {
	begin  int64
	length int64
	all    []period // by their number of lengths after begin
}

const maxPeriods = 12

func (p *periods) add(r *pipeline.Record) {
	t := r.Event.Time
	if p.length == 0 {
		p.begin, p.length = t, int64(time.Second)
	}
	at := max(0, t-p.begin) / p.length
	for ; at >= maxPeriods; at /= 2 {
		p.double()
	}
	for int64(len(p.all)) <= at {
		p.all = append(p.all, period{})
	}
	one := period{Requests: 1, Lowest: r.Score, Highest: r.Score}
	if r.Score < proxyhook.DefaultFlagBelow {
		one.Flagged = 1
	}
	p.all[at].join(one)
}

// double joins every two periods.
func (p *periods) double() {
	for i, one := range p.all {
		p.all[i] = period{}
		p.all[i/2].join(one)
	}
	p.all = p.all[:(len(p.all)+1)/2]
	p.length *= 2
}

func (p *period) join(other period) {
	switch {
	case other.Requests == 0:
		return
	case p.Requests == 0:
		p.Lowest, p.Highest = other.Lowest, other.Highest
	}
	p.Requests += other.Requests
	p.Flagged += other.Flagged
	p.Lowest, p.Highest = min(p.Lowest, other.Lowest), max(p.Highest, other.Highest)
}

// list returns the periods with requests.
func (p *periods) list() (all []period) {
	for i, one := range p.all {
		if one.Requests > 0 {
			one.From = time.Unix(0, p.begin+int64(i)*p.length).UTC()
			all = append(all, one)
		}
	}
	return all
}
