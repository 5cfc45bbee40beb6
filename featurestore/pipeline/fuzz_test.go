package pipeline_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/featurestore/pipeline"
)

// FuzzReplay replays any bytes: each line is a row or counts as malformed, and nothing panics.
// Minimizing its inputs is slow, since writing in a goroutine makes coverage vary: run it with
// -fuzzminimizetime 10x.
func FuzzReplay(f *testing.F) {
	small, err := os.ReadFile(filepath.Join("testdata", "small.log"))
	if err != nil || len(small) == 0 {
		f.Fatalf("testdata/small.log: %d bytes, %v", len(small), err)
	}
	f.Add(small)
	f.Add(simulatedLog(1, 3))
	f.Add([]byte(line(`\x22\xff,\x0a`, `"`) + "\n\r\n\x00" + line("GET  HTTP/1.1", "")))
	f.Add([]byte("192.0.2.1 - - [01/Jan/1990:00:00:00 -2360] \"\" 999 9223372036854775807\n" +
		"192.0.2.1 - - [31/Dec/2100:23:59:59 +2460] \"\" - -"))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	config := pipeline.Config{Model: testModel(f), Features: []string{"request/path_entropy", "ip/requests_1h", "ip_ua/gap_entropy"}}
	f.Fuzz(func(t *testing.T, log []byte) {
		source, err := pipeline.FromLog(bytes.NewReader(log))
		if err != nil {
			return // an invalid gzip stream
		}
		r := pipeline.Replay{Pipeline: newPipeline(t, config), Source: source, Out: io.Discard, Format: pipeline.CSV{}}
		s, err := r.Run(t.Context())
		if bytes.HasPrefix(log, []byte{0x1f, 0x8b}) {
			return
		}
		if lines := countLines(log); err != nil || s.Rows != lines-s.Malformed {
			t.Errorf("%d rows and %d malformed of %d lines, %v", s.Rows, s.Malformed, lines, err)
		}
	})
}

func countLines(log []byte) int {
	n := bytes.Count(log, []byte("\n"))
	if len(log) > 0 && log[len(log)-1] != '\n' {
		n++
	}
	return n
}
