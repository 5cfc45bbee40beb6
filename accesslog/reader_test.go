package accesslog_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/headgate/headgate/accesslog"
)

// manyLines returns a log of n lines that repeats the good lines.
func manyLines(n int) []byte {
	var log bytes.Buffer
	for i := range n {
		log.WriteString(goodLines[i%len(goodLines)].line + "\n")
	}
	return log.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestEmptyLog(t *testing.T) {
	for name, data := range map[string][]byte{"plain": nil, "gzip": gzipped(t, nil)} {
		entries, bad, err := readAll(t, bytes.NewReader(data))
		if err != io.EOF || len(entries)+len(bad) != 0 {
			t.Errorf("%s: %d entries, %d line errors, end %v", name, len(entries), len(bad), err)
		}
	}
}

func TestGzipGivesTheSameEntries(t *testing.T) {
	log := manyLines(3000)
	want, _, _ := readAll(t, bytes.NewReader(log))
	half := bytes.IndexByte(log[len(log)/2:], '\n') + len(log)/2 - 7 // within a line
	members := append(gzipped(t, log[:half]), gzipped(t, log[half:])...)
	for name, r := range map[string]io.Reader{
		"plain, byte by byte":         iotest.OneByteReader(bytes.NewReader(log)),
		"one stream":                  bytes.NewReader(gzipped(t, log)),
		"two streams, broken in line": bytes.NewReader(members),
	} {
		got, bad, err := readAll(t, r)
		if err != io.EOF || len(bad) != 0 || len(got) != len(want) {
			t.Errorf("%s: %d entries, %d line errors, end %v", name, len(got), len(bad), err)
			continue
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%s: line %d:\n got %+v\nwant %+v", name, i+1, got[i], want[i])
			}
		}
	}
}

func TestDamagedGzipIsFatalInWords(t *testing.T) {
	packed := gzipped(t, manyLines(3000))
	flipped := bytes.Clone(packed)
	flipped[len(flipped)-6] ^= 0xff // in the checksum
	for name, data := range map[string][]byte{
		"only the magic bytes": packed[:2],
		"cut in its header":    packed[:7],
		"cut in the middle":    packed[:len(packed)/2],
		"wrong checksum":       flipped,
		"garbage after it":     append(bytes.Clone(packed), "garbage"...),
	} {
		_, _, err := readAll(t, bytes.NewReader(data))
		if !errors.Is(err, accesslog.ErrGzip) || errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "gzip stream is damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFatalErrorStays(t *testing.T) {
	log := manyLines(10)
	broken := errors.New("the disk is gone")
	for name, data := range map[string][]byte{"plain": log[:len(log)-5], "gzip": gzipped(t, log)[:150]} {
		r, err := accesslog.NewReader(io.MultiReader(bytes.NewReader(data), iotest.ErrReader(broken)))
		if err != nil {
			t.Fatal(err)
		}
		var e accesslog.Entry
		for err == nil {
			err = r.Next(&e)
		}
		if !errors.Is(err, broken) || errors.Is(err, accesslog.ErrGzip) {
			t.Errorf("%s: %v", name, err)
		}
		if again := r.Next(&e); again != err {
			t.Errorf("%s: the second error is %v, the first was %v", name, again, err)
		}
	}
	if _, err := accesslog.NewReader(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("at the start: %v", err)
	}
}

func TestLineLengthIsBounded(t *testing.T) {
	// validLine returns a valid line of exactly n bytes.
	validLine := func(n int) string {
		head, tail := `192.0.2.7 - - [`+stamp+`] "GET /`, ` HTTP/1.1" 200 1 "-" "-"`
		return head + strings.Repeat("a", n-len(head)-len(tail)) + tail
	}
	for _, c := range []struct {
		length int
		good   bool
	}{{accesslog.MaxLine, true}, {accesslog.MaxLine + 1, false}, {accesslog.MaxLine + 2, false}, {10 * accesslog.MaxLine, false}} {
		for _, end := range []string{"\n", "\r\n"} {
			log := validLine(c.length) + end + goodLines[0].line + end + validLine(c.length)
			entries, bad, err := readAll(t, strings.NewReader(log))
			wantEntries, wantBad := 1, 2
			if c.good {
				wantEntries, wantBad = 3, 0
			}
			if err != io.EOF || len(entries) != wantEntries || len(bad) != wantBad {
				t.Errorf("%d bytes and %q: %d entries, %d line errors, end %v", c.length, end, len(entries), len(bad), err)
				continue
			}
			if !c.good && (bad[0].Line != 1 || bad[1].Line != 3 || !strings.Contains(bad[0].Reason, "65536") || len(bad[0].Text) != 120) {
				t.Errorf("%d bytes: line errors %+v and %+v", c.length, bad[0], bad[1])
			}
		}
	}
}

// TestHugeLineCostsNoMemory reads a line of 64 MiB out of a small gzip stream.
func TestHugeLineCostsNoMemory(t *testing.T) {
	packed := gzipped(t, make([]byte, 16<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, bad, err := readAll(t, bytes.NewReader(packed))
	runtime.ReadMemStats(&after)
	if err != io.EOF || len(bad) != 1 {
		t.Fatalf("%d line errors, want 1; end %v", len(bad), err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("reading took %d bytes of memory", got)
	}
}

// repeated returns the same bytes for ever.
type repeated struct {
	data []byte
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.data[r.at:])
	r.at = (r.at + n) % len(r.data)
	return n, nil
}

func TestIPv4LineAllocatesNothing(t *testing.T) {
	var log strings.Builder
	for _, c := range goodLines {
		if c.want.Addr.Is4() && !strings.HasPrefix(c.line, "::") {
			log.WriteString(c.line + "\n")
		}
	}
	r, err := accesslog.NewReader(&repeated{data: []byte(log.String())})
	if err != nil {
		t.Fatal(err)
	}
	var e accesslog.Entry
	var failed error
	allocs := testing.AllocsPerRun(2000, func() {
		if err := r.Next(&e); err != nil {
			failed = err
		}
	})
	if failed != nil || allocs != 0 {
		t.Errorf("%v allocations per line, error %v", allocs, failed)
	}
}

// TestWrittenAndReadAgain writes random entries as Apache does and reads them back.
func TestWrittenAndReadAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	text := func() string {
		b := make([]byte, rng.IntN(12))
		for i := range b {
			b[i] = byte(rng.IntN(256))
			if rng.IntN(3) == 0 {
				b[i] = `"\ []-nx2`[rng.IntN(9)]
			}
		}
		return string(b)
	}
	var want []copied
	var log strings.Builder
	for line := 1; line <= 5000; line++ {
		e := copied{Line: line, Time: stampNanos, Status: rng.IntN(1000), Bytes: rng.Int64(),
			User: "u" + text(), Request: text(), Referer: text(), Agent: text()}
		var addr [16]byte
		for i := range addr {
			addr[i] = byte(rng.UintN(256))
		}
		e.Addr = netip.AddrFrom16(addr)
		if rng.IntN(2) == 0 {
			e.Addr = netip.AddrFrom4([4]byte(addr[:4]))
		}
		fmt.Fprintf(&log, "%s - %s [%s] \"%s\" %03d %d \"%s\" \"%s\"\n", e.Addr, escaped(e.User), stamp,
			escaped(e.Request), e.Status, e.Bytes, orDash(escaped(e.Referer)), orDash(escaped(e.Agent)))
		for _, text := range []*string{&e.Request, &e.Referer, &e.Agent} {
			if *text == "-" {
				*text = "" // the log cannot tell them apart
			}
		}
		want = append(want, e)
	}
	got, bad, err := readAll(t, strings.NewReader(log.String()))
	if err != io.EOF || len(bad) != 0 || len(got) != len(want) {
		t.Fatalf("%d of %d entries, line errors %v, end %v", len(got), len(want), bad, err)
	}
	for i := range want {
		if got[i].HTTP {
			t.Errorf("line %d: noise was taken for HTTP: %q", i+1, got[i].Request)
		}
		if got[i] != want[i] {
			t.Fatalf("line %d:\n got %+v\nwant %+v", i+1, got[i], want[i])
		}
	}
}

func escaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteString("\\" + string(rune(c)))
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\v':
			b.WriteString(`\v`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// FuzzReader checks for any input that it is read to its end, that every line is one entry or one
// line error, and that no entry holds more than its line.
func FuzzReader(f *testing.F) {
	var seeds [][]byte
	for _, c := range goodLines {
		seeds = append(seeds, []byte(c.line))
	}
	for _, c := range badLines {
		seeds = append(seeds, []byte(c.line))
	}
	seeds = append(seeds, manyLines(30), gzipped(f, manyLines(30)), gzipped(f, manyLines(30))[:100], []byte("\n\n\r\n"))
	if len(seeds) < 40 {
		f.Fatalf("only %d seeds", len(seeds))
	}
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, bad, err := readAll(t, bytes.NewReader(data))
		isGzip := bytes.HasPrefix(data, []byte{0x1f, 0x8b})
		if err != io.EOF && (!isGzip || !errors.Is(err, accesslog.ErrGzip)) {
			t.Fatalf("reading ended with %v", err)
		}
		if !isGzip {
			lines := bytes.Count(data, []byte("\n"))
			if len(data) > 0 && data[len(data)-1] != '\n' {
				lines++
			}
			if len(entries)+len(bad) != lines {
				t.Fatalf("%d entries and %d line errors of %d lines", len(entries), len(bad), lines)
			}
		}
		for _, e := range entries {
			if !e.Addr.IsValid() || e.Addr.Is4In6() || e.Status < 0 || e.Status > 999 || e.Bytes < 0 || e.Time%1e9 != 0 {
				t.Fatalf("entry out of its stated ranges: %+v", e)
			}
			if e.HTTP != (e.Method != "") || (e.HTTP && e.Method+" "+e.Target+" "+e.Proto != e.Request) {
				t.Fatalf("the parts are not the request: %+v", e)
			}
		}
		for _, e := range bad {
			if len(e.Text) > 120 || e.Reason == "" || e.Line < 1 {
				t.Fatalf("line error %+v", e)
			}
		}
	})
}

// BenchmarkReader reads the good lines from memory, plain: only parsing is measured.
// Run: go test -run '^$' -bench Reader ./accesslog
func BenchmarkReader(b *testing.B) {
	log := manyLines(len(goodLines))
	r, err := accesslog.NewReader(&repeated{data: log})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(log) / len(goodLines)))
	b.ReportAllocs()
	var e accesslog.Entry
	for b.Loop() {
		if err := r.Next(&e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
