package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/heuristics"
)

// Source returns requests in the order of its input, which is roughly that of their times (see
// Window). Next fills Line, Event, Path, Agent, Referer and Truth of r. io.EOF ends the source; a
// *accesslog.LineError is counted and reading goes on; any other error ends the replay.
type Source interface {
	Next(r *Record) error
}

// FromLog returns a Source of an access log in nginx's or Apache's combined or common format, plain
// or gzipped.
func FromLog(r io.Reader) (Source, error) {
	reader, err := accesslog.NewReader(r)
	if err != nil {
		return nil, err
	}
	return &logSource{reader: reader}, nil
}

type logSource struct {
	reader *accesslog.Reader
	entry  accesslog.Entry
	site   siteName
}

func (s *logSource) Next(r *Record) error {
	if err := s.reader.Next(&s.entry); err != nil {
		return err
	}
	r.Line, r.Referer, r.Truth = s.entry.Line, string(s.entry.Referer), ""
	FromEntry(&r.Event, &s.entry)
	s.site.link(&r.Event, r.Referer)
	r.Path, r.Agent = "", ""
	if r.Event.PathSum != 0 {
		r.Path, _ = requestTarget(&s.entry)
	}
	if r.Event.AgentSum != 0 {
		r.Agent = string(s.entry.UserAgent)
	}
	return nil
}

// maxMalformed is the number of malformed lines that a Summary keeps.
const maxMalformed = 5

// Summary is the result of a replay.
type Summary struct {
	Rows           int                    `json:"rows"`
	NoHTTP         int                    `json:"no_http"`            // rows whose request line was not HTTP
	Malformed      int                    `json:"malformed"`          // lines without a row
	MalformedLines []*accesslog.LineError `json:"-"`                  // the first errors of malformed lines
	Flagged        int                    `json:"flagged"`            // rows with a score below Replay.FlagBelow
	Findings       map[string]int         `json:"findings,omitempty"` // rows by finding, without those that have none
	Scores         [10]int                `json:"scores"`             // rows by score, in tens: 1..9, 10..19, ... 90..99
	First          time.Time              `json:"first,omitzero"`     // the earliest time of a row
	Last           time.Time              `json:"last,omitzero"`      // the latest time of a row
	Unknown        []string               `json:"unknown_features,omitempty"`

	// Losses of history: if these are not empty, features of returning clients look like first
	// visits.
	Evicted map[string]uint64 `json:"evicted_keys,omitempty"`   // keys evicted, by dimension
	Waiting map[string]uint64 `json:"waiting_events,omitempty"` // events without a row, by dimension
	Early   int               `json:"events_early,omitempty"`   // rows counted too early: too many came in one second

	// Rows that Window could not sort.
	Backward int `json:"events_backward,omitempty"` // too late; given the time of the row before
	Ahead    int `json:"events_ahead,omitempty"`    // from the future; given the latest time before
}

// OrderError reports a source with too many rows out of order: its rows would see later requests.
type OrderError struct {
	Disordered int // of the rows so far
	Rows       int
}

func (e *OrderError) Error() string {
	return fmt.Sprintf("pipeline: %d of %d requests are out of order by more than %v (sort the log by time)", e.Disordered, e.Rows, Window)
}

// Tolerated rows out of order: a few, or one in a hundred. If one in ten of many rows is out of
// order, the replay ends at once.
const (
	fewRows  = 10
	manyRows = 10_000
)

// checkOrder returns an OrderError if too many rows are out of order.
func (s *Summary) checkOrder(ended bool) error {
	share := 100
	if !ended {
		share = 10
	}
	disordered := s.Backward + s.Ahead
	if disordered <= fewRows || share*disordered <= s.Rows || !ended && s.Rows < manyRows {
		return nil
	}
	return &OrderError{disordered, s.Rows}
}

// countHistory copies the aggregation's losses.
func (s *Summary) countHistory(of window.Stats) {
	s.Evicted, s.Waiting = byDimension(of.Evicted), byDimension(of.Waiting)
}

// byDimension returns the counts that are not 0, or nil.
func byDimension(counts [traffic.NumDimensions]uint64) map[string]uint64 {
	var named map[string]uint64
	for d, n := range counts {
		if n == 0 {
			continue
		}
		if named == nil {
			named = make(map[string]uint64)
		}
		named[traffic.Dimension(d).String()] = n
	}
	return named
}

// Replay runs a source through a pipeline.
type Replay struct {
	Pipeline  *Pipeline
	Source    Source
	FlagBelow uint8

	// Out receives the rows, encoded by Format. It may be nil.
	Out    io.Writer
	Format Format

	// Progress, if not nil, is called from time to time with the number of rows so far.
	Progress func(rows int)
}

// batchRows is the number of rows that go from the scoring to the writing goroutine at a time.
const batchRows = 256

// Run runs until the source ends, ctx is done, or an error occurs; the summary covers the rows
// until then. Rows come in the order of their times. A source that is too far out of order returns
// an *OrderError.
func (r *Replay) Run(ctx context.Context) (Summary, error) {
	w := newRowWriter(r.Out, r.Format, r.Pipeline.Features())
	summary, err := r.scoreAll(ctx, w)
	if werr := w.close(); err == nil {
		err = werr
	}
	summary.Unknown = r.Pipeline.Unknown()
	summary.countHistory(r.Pipeline.Stats())
	return summary, err
}

func (r *Replay) scoreAll(ctx context.Context, w *rowWriter) (Summary, error) {
	var s Summary
	o := newOrder(r.Source)
	for {
		b := w.batch()
		err := r.scoreSome(b, o, &s)
		s.Backward, s.Ahead, s.Early = o.counts.backward, o.counts.ahead, r.Pipeline.earlyCount
		if err == nil || err == io.EOF {
			err = cmp.Or(s.checkOrder(err == io.EOF), err)
		}
		w.send(b)
		if r.Progress != nil {
			r.Progress(s.Rows)
		}
		switch {
		case err == io.EOF:
			return s, nil
		case err != nil:
			return s, err
		case ctx.Err() != nil:
			return s, ctx.Err()
		case w.failed():
			return s, nil // close returns the error
		}
	}
}

// scoreSome reads enough records for one batch. Malformed lines count too, so that a source of
// nothing else can be cancelled.
func (r *Replay) scoreSome(b *batch, o *order, s *Summary) error {
	for range batchRows {
		record := b.next()
		err := o.read(record)
		var malformed *accesslog.LineError
		switch {
		case err == nil:
			b.keep(r.Pipeline.score(&record.Event, record.knownAt))
			s.count(record, r.FlagBelow)
			continue
		case errors.As(err, &malformed):
			s.countMalformed(malformed)
		case err != errHeld:
			b.drop()
			return err
		}
		b.drop()
	}
	return nil
}

func (s *Summary) countMalformed(e *accesslog.LineError) {
	s.Malformed++
	if len(s.MalformedLines) < maxMalformed {
		s.MalformedLines = append(s.MalformedLines, e)
	}
}

func (s *Summary) count(r *Record, flagBelow uint8) {
	at := r.Event.At().UTC()
	if s.Rows == 0 {
		s.First, s.Last = at, at
	}
	if at.Before(s.First) {
		s.First = at
	}
	if at.After(s.Last) {
		s.Last = at
	}
	s.Rows++
	if r.Event.Method == "" {
		s.NoHTTP++
	}
	if r.Score < flagBelow {
		s.Flagged++
	}
	if r.Finding != heuristics.NoFinding {
		if s.Findings == nil {
			s.Findings = make(map[string]int)
		}
		s.Findings[r.Finding.String()]++
	}
	s.Scores[min(int(r.Score)/10, len(s.Scores)-1)]++
}
