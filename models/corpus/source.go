package corpus

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
)

// Mix configures how clients that were recorded one after the other are combined into one stream of
// traffic.
type Mix struct {
	// Spread is the time over which the clients begin. Each client address begins at its own moment
	// within it, drawn from Seed, and keeps the times between its requests. Default: an hour.
	Spread time.Duration
	Seed   uint64
}

// ReadAll reads a file, or all files of a folder in the order of their names.
func ReadAll(path string) ([]*File, error) {
	names := []string{path}
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("corpus: reading: %w", err)
	} else if info.IsDir() {
		names, err = filepath.Glob(filepath.Join(path, "*"+Extension))
		if err != nil || len(names) == 0 {
			return nil, fmt.Errorf("corpus: reading %s: the folder has no *%s (models/zoo makes them)", path, Extension)
		}
	}
	var files []*File
	for _, name := range names {
		f, err := readFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func readFile(name string) (*File, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("corpus: reading: %w", err)
	}
	defer in.Close()
	f, err := Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// Source returns the requests of files as one stream, in the order of their times. The same files
// and the same mix return the same stream.
func Source(files []*File, mix Mix) pipeline.Source {
	s := &source{}
	start := make(map[string]int64)
	for _, f := range files {
		s.add(f, mix, start)
	}
	slices.SortStableFunc(s.items, func(a, b item) int { return cmp.Compare(a.at, b.at) })
	return s
}

// item is one request of the stream.
type item struct {
	at      int64 // nanoseconds since 1970 UTC
	run     *Run
	conn    *Conn
	request *Request
	family  string
}

type source struct {
	items []item
	next  int
}

// epoch is the start of mixed traffic.
var epoch = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC).UnixNano()

func (s *source) add(f *File, mix Mix, start map[string]int64) {
	runs, conns := make(map[int]*Run), make(map[int]*Conn)
	first := make(map[string]int64) // of an address in this file
	for _, r := range f.Runs {
		runs[r.ID] = r
		if at, ok := first[r.Client]; !ok || r.Start < at {
			first[r.Client] = r.Start
		}
	}
	for _, c := range f.Conns {
		conns[c.ID] = c
	}
	for _, r := range f.Requests {
		conn := conns[r.Conn]
		run := runs[conn.Run]
		begin, ok := start[run.Client]
		if !ok {
			begin = mix.begin(run.Client)
			start[run.Client] = begin
		}
		s.items = append(s.items, item{begin + 1000*(r.At-first[run.Client]), run, conn, r, f.Head.Family})
	}
}

// begin returns when an address begins. It depends only on the address, so that adding another
// corpus changes nothing.
func (m Mix) begin(client string) int64 {
	seed := sha256.Sum256(fmt.Appendf(nil, "%d %s", m.Seed, client))
	spread := max(1, int64(cmp.Or(m.Spread, time.Hour)))
	return epoch + rand.New(rand.NewChaCha8(seed)).Int64N(spread)
}

// Next implements [pipeline.Source]. A record's truth has six parts separated by colons: truth,
// intent, program, disguise, kind of the site, and the run, by family and number.
func (s *source) Next(r *pipeline.Record) error {
	if s.next == len(s.items) {
		return io.EOF
	}
	i := s.items[s.next]
	s.next++
	r.Line = s.next
	i.request.Event(&r.Event, i.run, i.conn, i.at)
	request := i.request.HTTP(i.run, i.conn)
	r.Referer, r.Path, r.Agent = request.Referer(), "", request.UserAgent()
	if r.Event.PathSum != 0 {
		r.Path, _ = traffic.SplitTarget(i.request.Target)
	}
	r.Truth = strings.Join([]string{i.run.Truth, i.run.Intent, i.run.Program, i.run.Disguise, i.run.Site,
		fmt.Sprintf("%s/%d", i.family, i.run.ID)}, ":")
	return nil
}
