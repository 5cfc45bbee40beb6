// Offline scores requests that an application logged in a form of its own: it is a
// [pipeline.Source], so that features and scores are those that a proxy would have seen.
//
//	offline < requests.jsonl > rows.csv
//
// Each line is an object such as
//
//	{"time":"2026-03-02T10:00:00Z","client":"192.0.2.1","method":"GET","path":"/","status":200,"agent":"curl/8.5.0"}
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/scorer"
)

func main() {
	summary, err := score(os.Stdin, os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "%d requests, %d flagged, %d lines skipped\n", summary.Rows, summary.Flagged, summary.Malformed)
}

// score writes a row of the score and two features for each request.
func score(in io.Reader, out io.Writer) (pipeline.Summary, error) {
	model, err := scorer.Load(models.Default())
	if err != nil {
		return pipeline.Summary{}, err
	}
	p, err := pipeline.New(pipeline.Config{
		Model:    model,
		Interval: 50 * time.Millisecond, // how old features may be
		Features: []string{"ip/requests_1m", "ip/distinct_paths_10m"},
	})
	if err != nil {
		return pipeline.Summary{}, err
	}
	replay := pipeline.Replay{Pipeline: p, Source: &source{lines: bufio.NewScanner(in)}, FlagBelow: 30, Out: out, Format: pipeline.CSV{}}
	return replay.Run(context.Background())
}

// source reads one request from each line.
type source struct {
	lines *bufio.Scanner
	line  int
}

// request is a line of the application's log.
type request struct {
	Time   time.Time  `json:"time"`
	Client netip.Addr `json:"client"`
	Method string     `json:"method"`
	Path   string     `json:"path"`
	Status uint16     `json:"status"`
	Agent  string     `json:"agent"`
}

// Next fills r. A line that is not a request is a *accesslog.LineError, which is counted.
func (s *source) Next(r *pipeline.Record) error {
	if !s.lines.Scan() {
		if err := s.lines.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	s.line++
	var q request
	if err := json.Unmarshal(bytes.TrimSpace(s.lines.Bytes()), &q); err != nil {
		return &accesslog.LineError{Line: s.line, Reason: err.Error()}
	}
	r.Line = s.line
	r.Event = q.event()
	return nil
}

// event says what is known of the request, and which facts such a log lacks: a header field that
// is not logged is unknown, not missing.
func (q *request) event() traffic.Event {
	path, query := traffic.SplitTarget(q.Path)
	ev := traffic.Event{
		Time:    q.Time.UnixNano(),
		Method:  q.Method,
		Version: 11,
		Status:  q.Status,
		Facts:   traffic.FactHostUnknown | traffic.FactDurationUnknown | heuristics.RequestFacts(query, "", q.Agent),
	}
	ev.SetClient(q.Client)
	ev.SetPath(path)
	ev.SetQuery(len(query))
	ev.SetUserAgent(q.Agent)
	ev.Bound()
	return ev
}
