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

// Source gives requests in the order in which they were written down, which is about that of their
// times (see Window): it fills Line, Event, Path, Agent, Referer and Truth of r. io.EOF ends it; a
// *accesslog.LineError is counted and reading goes on; any other error ends the replay.
type Source interface {
	Next(r *Record) error
}

// FromLog reads an access log in nginx's or Apache's combined or common format, plain or gzip.
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
		r.Path, _ = targetOf(&s.entry)
	}
	if r.Event.AgentSum != 0 {
		r.Agent = string(s.entry.UserAgent)
	}
	return nil
}

// maxShown is how many malformed lines a Summary keeps.
const maxShown = 5

// Summary is what a replay came to.
type Summary struct {
	Rows      int                    `json:"rows"`
	NoHTTP    int                    `json:"no_http"`            // of the rows: the request line was no HTTP
	Malformed int                    `json:"malformed"`          // lines that gave no row
	Shown     []*accesslog.LineError `json:"-"`                  // the first of them
	Flagged   int                    `json:"flagged"`            // rows with a score below Replay.FlagBelow
	Findings  map[string]int         `json:"findings,omitempty"` // rows by what was certain before the model was asked, without those of which nothing was
	Scores    [10]int                `json:"scores"`             // rows by score, in tens: 1..9, 10..19, ... 90..99
	First     time.Time              `json:"first,omitzero"`     // the smallest time of a row
	Last      time.Time              `json:"last,omitzero"`      // the greatest
	Unknown   []string               `json:"unknown_features,omitempty"`

	// What costs rows their history: where these are not empty, features of returning clients are those of first visits.
	Evicted map[string]uint64 `json:"evicted_keys,omitempty"`   // keys that made place for others, by dimension
	Waiting map[string]uint64 `json:"waiting_events,omitempty"` // events of keys that had to wait for a row, by dimension
	Early   int               `json:"events_early,omitempty"`   // rows that counted for others before a publication: too many in one second

	// Rows that Window did not put into the order of time.
	Backward int `json:"events_backward,omitempty"` // later than that, taken as of the row before
	Ahead    int `json:"events_ahead,omitempty"`    // from the future, as the lines after them tell, taken as of the latest time before
}

// OrderError refuses a source too much of which is out of the order of time, so that rows would see
// what came after them.
type OrderError struct {
	Disordered int // rows, of those so far
	Rows       int
}

func (e *OrderError) Error() string {
	return fmt.Sprintf("pipeline: %d of %d requests are out of the order of time by more than %v: sort them by time", e.Disordered, e.Rows, Window)
}

// What of a source may be out of the order of time: a few rows, and one in a hundred. One in ten
// ends the replay as soon as that is a share of many rows.
const (
	fewRows  = 10
	manyRows = 10_000
)

// checkOrder returns an OrderError where too many rows are out of the order of time.
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

// history notes what the aggregation had to leave out.
func (s *Summary) history(of window.Stats) {
	s.Evicted, s.Waiting = byDimension(of.Evicted), byDimension(of.Waiting)
}

// byDimension returns the counts that are not 0, nil where all are.
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

	// Out and Format are where rows go and how. Out may be nil.
	Out    io.Writer
	Format Format

	// Progress, if not nil, is called now and then with the number of rows so far.
	Progress func(rows int)
}

// batchRows is how many rows go from the scoring to the writing goroutine at a time.
const batchRows = 256

// Run runs until the source ends, ctx is done, or an error ends it; the summary tells what was done
// until then. Rows come in the order of their times. A source that is too far from that is refused
// with an *OrderError.
func (r *Replay) Run(ctx context.Context) (Summary, error) {
	w := newRowWriter(r.Out, r.Format, r.Pipeline.Features())
	summary, err := r.scoreAll(ctx, w)
	if werr := w.close(); err == nil {
		err = werr
	}
	summary.Unknown = r.Pipeline.Unknown()
	summary.history(r.Pipeline.Stats())
	return summary, err
}

func (r *Replay) scoreAll(ctx context.Context, w *rowWriter) (Summary, error) {
	var s Summary
	o := newOrder(r.Source)
	for {
		b := w.batch()
		err := r.scoreSome(b, o, &s)
		s.Backward, s.Ahead, s.Early = o.counts.backward, o.counts.ahead, r.Pipeline.early
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
			return s, nil // close tells why
		}
	}
}

// scoreSome reads so much that it fits into a batch. Malformed lines count as read, so that a source of nothing else
// can be cancelled.
func (r *Replay) scoreSome(b *batch, o *order, s *Summary) error {
	for range batchRows {
		record := b.next()
		err := o.read(record)
		var malformed *accesslog.LineError
		switch {
		case err == nil:
			b.keep(r.Pipeline.score(&record.Event, record.ends))
			s.count(record, r.FlagBelow)
			continue
		case errors.As(err, &malformed):
			s.malformed(malformed)
		case err != errHeld:
			b.drop()
			return err
		}
		b.drop()
	}
	return nil
}

func (s *Summary) malformed(e *accesslog.LineError) {
	s.Malformed++
	if len(s.Shown) < maxShown {
		s.Shown = append(s.Shown, e)
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
