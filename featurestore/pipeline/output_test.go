package pipeline_test

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

// nasty are strings from clients that can break a format.
var nasty = []string{
	"", "/", `/"`, `/""a"`, "/a,b", "/a\nb", "/a\rb", "/a\r\nb", " /leading", "/trailing ", "\t", "/\x00\x01\x7f", "/\xff\xfe", "/ä/\u2028",
	"=1+1", "-", "/a;b", `\`, "'", "</script>", "/\xed\xa0\x80", strings.Repeat(`"`, 200),
	"\x1b[2J\u009b0m", "@a\u202e",
}

// cells are the CSV cells of those nasty strings that would be a formula in a spreadsheet, act on a
// terminal, or are not UTF-8.
var cells = map[string]string{
	"/a\rb": `/a\x0db`, "/a\r\nb": "/a\\x0d\nb", "\t": "'\t", "/\x00\x01\x7f": `/\x00\x01\x7f`, "/\xff\xfe": `/\xff\xfe`, "=1+1": "'=1+1", "-": "'-",
	"'": "''", "/\xed\xa0\x80": `/\xed\xa0\x80`, "\x1b[2J\u009b0m": `\x1b[2J\xc2\x9b0m`, "@a\u202e": `'@a\u202e`,
}

// numbers are feature values at the edges.
var numbers = []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.1, 1 << 20, -1 << 20, 1<<24 + 2, 1.5e-45, math.MaxFloat32, 16777215.0 / 3,
	float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}

func nastyRecord(text string, values []float32) *pipeline.Record {
	r := &pipeline.Record{Line: 7, Referer: text, Truth: "bot:" + text, Score: 42, Finding: heuristics.FindingInjection, Features: values}
	r.Event = traffic.Event{Time: time.Date(2026, 5, 1, 1, 2, 3, 45e6, time.UTC).UnixNano(), Method: "GET", Host: text, Path: text, Query: 9,
		UserAgent: text, Version: 11, Status: 404, Bytes: math.MaxUint64}
	r.Event.SetClient(netip.MustParseAddr("2001:db8::1"))
	return r
}

func names(n int) []string {
	var names []string
	for i := range n {
		names = append(names, "f"+strconv.Itoa(i))
	}
	return names
}

func TestCSVIsReadable(t *testing.T) {
	b := pipeline.CSV{}.AppendHeader(nil, names(len(numbers)))
	for _, text := range nasty {
		b = pipeline.CSV{}.AppendRow(b, nastyRecord(text, numbers))
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(nasty)+1 {
		t.Fatalf("%d rows, want %d", len(rows), len(nasty)+1)
	}
	column := make(map[string]int)
	for i, name := range rows[0] {
		column[name] = i
	}
	for i, row := range rows[1:] {
		want, ok := cells[nasty[i]]
		if !ok {
			want = nasty[i]
		}
		truth := "bot:" + strings.TrimPrefix(want, "'") // no first character that needs an apostrophe
		for name, want := range map[string]string{
			"path": want, "host": want, "referer": want, "user_agent": want, "truth": truth, "line": "7", "score": "42",
			"method": "GET", "client": "2001:db8::1", "time": "2026-05-01T01:02:03.045Z", "query_length": "9", "http_version": "11",
			"status": "404", "bytes": "18446744073709551615", "finding": "injection",
		} {
			if got := row[column[name]]; got != want {
				t.Errorf("%q: %s is %q, want %q", nasty[i], name, got, want)
			}
		}
		checkNumbers(t, row[column["f0"]:])
	}
}

// checkNumbers expects the same float32 values, and the word NaN.
func checkNumbers(t *testing.T, fields []string) {
	t.Helper()
	if len(fields) != len(numbers) {
		t.Fatalf("%d features, want %d", len(fields), len(numbers))
	}
	for i, want := range numbers {
		if want != want {
			if fields[i] != "NaN" {
				t.Errorf("NaN is %q", fields[i])
			}
			continue
		}
		got, err := strconv.ParseFloat(fields[i], 32)
		if err != nil || math.Float32bits(float32(got)) != math.Float32bits(want) {
			t.Errorf("%v is %q", want, fields[i])
		}
	}
}

func TestJSONLIsReadable(t *testing.T) {
	format := &pipeline.JSONL{}
	b := format.AppendHeader(nil, names(len(numbers)))
	for _, text := range nasty {
		b = format.AppendRow(b, nastyRecord(text, numbers))
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(lines) != len(nasty) {
		t.Fatalf("%d lines, want %d", len(lines), len(nasty))
	}
	for _, r := range string(b) {
		if r != '\n' && unicode.IsControl(r) || r == '\u202e' {
			t.Errorf("the character %U is in the file as it is, and acts on terminals", r)
		}
	}
	for i, line := range lines {
		var row struct {
			Line                                            int
			Time                                            time.Time
			Client, Method, Host, Path, Referer, Cut, Truth string
			Finding                                         string
			UserAgent                                       string `json:"user_agent"`
			Query                                           int    `json:"query_length"`
			Version                                         int    `json:"http_version"`
			Status, Score                                   int
			Bytes                                           uint64
			Features                                        map[string]*float32
		}
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&row); err != nil {
			t.Fatalf("%q: %v in %s", nasty[i], err, line)
		}
		want := replaceInvalid(nasty[i])
		if row.Path != want || row.Host != want || row.UserAgent != want || row.Referer != want || row.Truth != "bot:"+want {
			t.Errorf("%q came back as %q", nasty[i], row.Path)
		}
		if row.Line != 7 || row.Score != 42 || row.Query != 9 || row.Version != 11 || row.Status != 404 || row.Bytes != math.MaxUint64 ||
			row.Finding != "injection" || row.Client != "2001:db8::1" || row.Method != "GET" || row.Time.Nanosecond() != 45e6 {
			t.Errorf("row %+v", row)
		}
		checkMembers(t, row.Features)
	}
}

// replaceInvalid replaces each byte that is not UTF-8 by U+FFFD.
func replaceInvalid(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		b.WriteRune(r)
		s = s[size:]
	}
	return b.String()
}

// checkMembers expects the same float32 values, and null for values without a JSON number.
func checkMembers(t *testing.T, features map[string]*float32) {
	t.Helper()
	if len(features) != len(numbers) {
		t.Fatalf("%d features, want %d", len(features), len(numbers))
	}
	for i, want := range numbers {
		got := features["f"+strconv.Itoa(i)]
		if finite := want-want == 0; !finite && got != nil || finite && (got == nil || math.Float32bits(*got) != math.Float32bits(want)) {
			t.Errorf("%v came back as %v", want, got)
		}
	}
}

// An unknown client is an empty field.
func TestUnknownClient(t *testing.T) {
	r := &pipeline.Record{}
	if row := string(pipeline.CSV{}.AppendRow(nil, r)); !strings.HasPrefix(row, "0,1970-01-01T00:00:00Z,,") {
		t.Errorf("CSV row %q", row)
	}
	if row := string((&pipeline.JSONL{}).AppendRow(nil, r)); !strings.Contains(row, `"client":""`) {
		t.Errorf("JSON row %q", row)
	}
}
