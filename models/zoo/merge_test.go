package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headgate/headgate/models/corpus"
)

func recorded(program string, at int64) *recording {
	conn := &corpus.Conn{At: at + 1}
	return &recording{run: corpus.Run{Truth: corpus.Bot, Program: program, Client: "100.64.0.1", Start: at},
		requests: []exchange{{&corpus.Request{At: at + 2, Method: "GET"}, conn}, {&corpus.Request{At: at + 3}, conn}}}
}

// What is collected again replaces what it was, and all else stays, with its own times.
func TestCollectedAgain(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f"+corpus.Extension)
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	write := func(at time.Time, done ...*recording) *corpus.File {
		t.Helper()
		head := corpus.Head{Family: "f", Recorded: at}
		all, err := withFormer(name, &head, done)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := writeAll(&out, head, all); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := corpus.Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	write(begin, recorded("a", 10), recorded("b", 20))
	f := write(begin.Add(time.Second), recorded("b", 5), nil, &recording{}, recorded("c", 7))
	check := func(f *corpus.File, starts map[string]int64) {
		t.Helper()
		if len(f.Runs) != len(starts) || len(f.Conns) != len(starts) || len(f.Requests) != 2*len(starts) || !f.Head.Recorded.Equal(begin) {
			t.Fatalf("%d runs, %d connections, %d requests since %v", len(f.Runs), len(f.Conns), len(f.Requests), f.Head.Recorded)
		}
		for i, r := range f.Runs {
			conn, last := f.Conns[i], f.Requests[2*i+1]
			if want := starts[r.Program]; r.Start != want || conn.Run != r.ID || conn.At != want+1 || last.Conn != conn.ID || last.At != want+3 {
				t.Errorf("%s: run %+v, connection %+v, request %+v, want them from %d", r.Program, r, conn, last, want)
			}
		}
	}
	check(f, map[string]int64{"a": 10, "b": 1e6 + 5, "c": 1e6 + 7})
	begin = begin.Add(-time.Second) // as if the clock had been set back
	check(write(begin, recorded("d", 1)), map[string]int64{"a": 1e6 + 10, "b": 2e6 + 5, "c": 2e6 + 7, "d": 1})
}
