package worlds

import (
	"fmt"
	"io"
	"strings"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
)

// NewSource starts an episode and returns its requests as a proxy, or a log, reports them by the
// world's view. A record's truth is that of [Truth.String].
func NewSource(c Config) (pipeline.Source, error) {
	w, err := New(c)
	if err != nil {
		return nil, err
	}
	if w.view == Log {
		return newLogSource(w)
	}
	return &source{world: w, describer: newDescriber(), start: w.begin.UnixNano()}, nil
}

type source struct {
	world     *World
	describer *describer
	start     int64
	count     int
}

// Next implements [pipeline.Source].
func (s *source) Next(r *pipeline.Record) error {
	request := s.world.Next()
	if request == nil {
		return io.EOF
	}
	s.count++
	s.describer.event(&r.Event, request, s.world.view, s.start)
	r.Line, r.Referer, r.Path, r.Agent, r.Truth = s.count, request.Refer, "", request.Agent, request.Truth.String()
	if r.Event.PathSum != 0 {
		r.Path, _ = traffic.SplitTarget(request.Target)
	}
	return nil
}

// logSource writes requests to a log as a server does, and reads that log, so that rows contain
// only what a log contains.
type logSource struct {
	log    pipeline.Source
	truths []string // of the lines that were written and not read yet
}

func newLogSource(w *World) (pipeline.Source, error) {
	s := &logSource{}
	log, err := pipeline.FromLog(&logWriter{world: w, source: s})
	if err != nil {
		return nil, fmt.Errorf("worlds: reading a world's log: %w", err)
	}
	s.log = log
	return s, nil
}

// Next implements [pipeline.Source].
func (s *logSource) Next(r *pipeline.Record) error {
	err := s.log.Next(r)
	if err == io.EOF {
		return err
	}
	if err != nil {
		return fmt.Errorf("worlds: reading a world's log: %w", err)
	}
	r.Truth = s.truths[0]
	s.truths = s.truths[1:]
	return nil
}

// logWriter is the log of a world, read line by line.
type logWriter struct {
	world  *World
	source *logSource
	line   []byte
	rest   []byte
}

// Read implements io.Reader.
func (l *logWriter) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(l.rest) == 0 && !l.next() {
			break
		}
		copied := copy(p[n:], l.rest)
		l.rest = l.rest[copied:]
		n += copied
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// next writes the next line, of the combined format.
func (l *logWriter) next() bool {
	r := l.world.Next()
	if r == nil {
		return false
	}
	l.line = r.Client.AppendTo(l.line[:0])
	l.line = append(l.line, " - - ["...)
	l.line = l.world.begin.Add(r.At).AppendFormat(l.line, "02/Jan/2006:15:04:05 -0700")
	version := map[int]string{10: "1.0", 11: "1.1", 20: "2.0", 30: "3.0"}[r.Version]
	l.line = fmt.Appendf(l.line, "] \"%s %s HTTP/%s\" %d %d \"%s\" \"%s\"\n", r.Method, r.Target, version, r.Status, r.Bytes, logged(r.Refer), logged(r.Agent))
	l.rest = l.line
	l.source.truths = append(l.source.truths, r.Truth.String())
	return true
}

// logged returns a header field as servers log it.
func logged(s string) string {
	if s == "" {
		return "-"
	}
	if strings.ContainsAny(s, `"\`) {
		s = strings.NewReplacer(`\`, `\x5C`, `"`, `\x22`).Replace(s)
	}
	return s
}
