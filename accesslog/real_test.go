package accesslog_test

import (
	"bufio"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/headgate/headgate/accesslog"
)

// realLogs are described in README.md of the data folder. None of their lines is malformed.
var realLogs = []struct {
	file             string
	entries, notHTTP int
}{
	{"site-a.nginx.log", 20428, 290},
	{"site-b.nginx.log", 1212, 2},
	{"site-c.apache.log", 14437, 106},
	{"site-d.apache.log", 4838, 0},
	{"site-e.apache.log", 9999, 0},
}

func openReal(t testing.TB, file string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "shared", "data", "logs", file))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("%v: put the project's shared data folder (shared/data) beside the source folder to run this", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestRealLogs(t *testing.T) {
	for _, log := range realLogs {
		t.Run(log.file, func(t *testing.T) {
			entries, bad, err := readAll(t, openReal(t, log.file))
			if err != io.EOF || len(bad) != 0 || len(entries) != log.entries {
				t.Fatalf("%d entries, want %d; line errors %v, end %v", len(entries), log.entries, bad, err)
			}
			notHTTP := 0
			for _, e := range entries {
				if !e.HTTP {
					notHTTP++
				}
			}
			if notHTTP != log.notHTTP {
				t.Errorf("%d entries are not HTTP, want %d", notHTTP, log.notHTTP)
			}
		})
	}
}

// The naive model of a line: expressions in place of a hand-written parser.
var (
	naiveLine    = regexp.MustCompile(`^(\S+) \S+ (.+) \[(.{26})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?$`)
	naiveRequest = regexp.MustCompile(`^([A-Z]+) ([^ ]+) (HTTP/[0-9.]+)$`)
	naiveEscape  = regexp.MustCompile(`\\(x[0-9A-Fa-f]{2}|["\\bnrtv])`)
)

func naiveText(s string) string {
	if s == "-" {
		return ""
	}
	return naiveUnescape(s)
}

func naiveUnescape(s string) string {
	return naiveEscape.ReplaceAllStringFunc(s, func(e string) string {
		if e[1] == 'x' {
			c, _ := strconv.ParseUint(e[2:], 16, 8)
			return string([]byte{byte(c)})
		}
		c, _, _, _ := strconv.UnquoteChar(e, '"')
		return string(c)
	})
}

func naiveEntry(t *testing.T, number int, line string) copied {
	t.Helper()
	m := naiveLine.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("line %d is beyond the naive model: %s", number, line)
	}
	at, err := time.Parse(layout, m[3])
	if err != nil {
		t.Fatal(err)
	}
	e := copied{Line: number, Addr: netip.MustParseAddr(m[1]), Time: at.UnixNano(), User: naiveText(m[2]),
		Request: naiveText(m[4]), Referer: naiveText(m[7]), Agent: naiveText(m[8])}
	e.Status, _ = strconv.Atoi(m[5])
	e.Bytes, _ = strconv.ParseInt(m[6], 10, 64)
	if r := naiveRequest.FindStringSubmatch(e.Request); r != nil {
		e.HTTP, e.Method, e.Target, e.Proto = true, r[1], r[2], r[3]
	}
	return e
}

func TestRealLogsEqualNaiveModel(t *testing.T) {
	for _, log := range realLogs {
		t.Run(log.file, func(t *testing.T) {
			entries, _, _ := readAll(t, openReal(t, log.file))
			lines := log.entries
			if testing.Short() { // with the race detector, which has one goroutine to look at here, all take minutes
				lines = min(lines, 1000)
			}
			scanner := bufio.NewScanner(openReal(t, log.file))
			compared := 0
			for ; compared < min(lines, len(entries)) && scanner.Scan(); compared++ {
				if want := naiveEntry(t, compared+1, scanner.Text()); entries[compared] != want {
					t.Fatalf("line %d:\n got %+v\nwant %+v", compared+1, entries[compared], want)
				}
			}
			if scanner.Err() != nil || compared != lines {
				t.Fatalf("compared %d of %d lines, %v", compared, lines, scanner.Err())
			}
		})
	}
}

// BenchmarkRealLog reads the largest of the real logs from the page cache.
// Run: go test -run '^$' -bench RealLog ./accesslog
func BenchmarkRealLog(b *testing.B) {
	f := openReal(b, realLogs[0].file)
	b.ReportAllocs()
	var e accesslog.Entry
	for b.Loop() {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			b.Fatal(err)
		}
		r, err := accesslog.NewReader(f)
		for err == nil {
			err = r.Next(&e)
		}
		if err != io.EOF {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*realLogs[0].entries)/b.Elapsed().Seconds(), "lines/s")
}
