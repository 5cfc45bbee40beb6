package corpus_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/models/corpus"
	"github.com/headgate/headgate/scorer"
)

// recorded is the corpus of the project.
const recorded = "../zoo/corpus"

// maxRecorded bounds the size of the corpus.
const maxRecorded = 10 << 20

// The recorded corpus is small, complete and useful: every file decodes, has header fields and
// fingerprints, and runs through the pipeline.
func TestRecordedCorpus(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(recorded, "*"+corpus.Extension))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s has no files: %v (go run ./models/zoo collect --out models/zoo/corpus)", recorded, err)
	}
	var size int64
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > maxRecorded {
		t.Errorf("%d bytes, want at most %d", size, maxRecorded)
	}
	files, err := corpus.ReadAll(recorded)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for i, f := range files {
		if want := filepath.Base(names[i]); f.Head.Family+corpus.Extension != want || len(f.Runs) == 0 || len(f.Requests) < len(f.Runs) {
			t.Errorf("%s: family %s, %d runs, %d requests", want, f.Head.Family, len(f.Runs), len(f.Requests))
		}
		for _, r := range f.Requests {
			// Over HTTP/2, Node sends only fields that it is told to send.
			if len(r.Header) == 0 && r.Pseudo == "" || r.Status == 0 || r.Host == "" {
				t.Errorf("%s: a request without header fields, status or host: %+v", names[i], r)
			}
		}
		for _, c := range f.Conns {
			if c.Hello == nil || len(c.Hello.Ciphers) == 0 {
				t.Errorf("%s: connection %d has no client hello", names[i], c.ID)
			}
		}
		total += len(f.Requests)
	}
	replay(t, files, total)
}

func replay(t *testing.T, files []*corpus.File, total int) {
	t.Helper()
	model, err := scorer.Load(models.Default())
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipeline.New(pipeline.Config{Model: model})
	if err != nil {
		t.Fatal(err)
	}
	source := corpus.Source(files, corpus.Mix{Seed: 1})
	last := int64(0)
	for range total {
		r := next(t, source)
		if r.Event.Time < last || r.Event.JA4 == "" || r.Truth == "" {
			t.Fatalf("request %d: %+v", r.Line, r)
		}
		last = r.Event.Time
		if row := p.Score(&r.Event); row.Score < 1 || row.Score > 99 {
			t.Fatalf("request %d: score %d", r.Line, row.Score)
		}
	}
}

// A command line's program has one print for every target and number of requests, and no other
// program has it too, unless it uses the same library: that is the purpose of a print.
func TestPrintsOfRecordedPrograms(t *testing.T) {
	file, err := os.Open(filepath.Join(recorded, "commandline"+corpus.Extension))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f, err := corpus.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	runs, conns := make(map[int]*corpus.Run), make(map[int]*corpus.Conn)
	for _, r := range f.Runs {
		runs[r.ID] = r
	}
	for _, c := range f.Conns {
		conns[c.ID] = c
	}
	prints, programs := make(map[string]uint32), make(map[uint32]string)
	for _, r := range f.Requests {
		conn := conns[r.Conn]
		run := runs[conn.Run]
		var ev traffic.Event
		if r.Event(&ev, run, conn, 1); run.Disguise != "plain" {
			continue
		}
		print := ev.Wire.Print()
		if before, ok := prints[run.Program]; ok && before != print || print == 0 || !ev.Wire.Facts().Seen {
			t.Fatalf("%s has the prints %x and %x", run.Program, before, print)
		}
		if other, ok := programs[print]; ok && other != run.Program {
			t.Errorf("%s and %s have the same print", run.Program, other)
		}
		prints[run.Program], programs[print] = print, run.Program
	}
	if len(prints) < 5 {
		t.Errorf("only %d programs", len(prints))
	}
}
