package pipeline

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/base/plaintext"
)

// Format is how rows are encoded.
type Format interface {
	// AppendHeader appends the header, which precedes the first row.
	AppendHeader(dst []byte, features []string) []byte
	// AppendRow appends a row and its line end.
	AppendRow(dst []byte, r *Record) []byte
}

// Record is a row with the identity of its request.
type Record struct {
	Line     int           // of the log, from 1; in simulated traffic the number of the request
	Event    traffic.Event // may have path and user agent cut, see Cut
	Path     string        // the whole path; empty if Event has it
	Agent    string        // the whole user agent; empty if Event has it
	Referer  string
	Truth    string // the kind of client that a simulated request came from; empty: not known
	Score    uint8
	Finding  heuristics.Finding
	Features []float32
	Clipped  bool // whether Event has another time than the log, whose line was out of order

	knownAt int64 // from when on the request is known
}

// Cut returns, separated by blanks, the names of the fields whose features differ from the
// original: "path" and "user_agent" if they are longer than an event holds, so that features are of
// their beginning and of the hash of the whole; "time" if it is out of order.
func (r *Record) Cut() string {
	var named []string
	if r.Event.PathSum != 0 {
		named = append(named, "path")
	}
	if r.Event.AgentSum != 0 {
		named = append(named, "user_agent")
	}
	if r.Clipped {
		named = append(named, "time")
	}
	return strings.Join(named, " ")
}

func (r *Record) path() string  { return cmp.Or(r.Path, r.Event.Path) }
func (r *Record) agent() string { return cmp.Or(r.Agent, r.Event.UserAgent) }

// finding returns the name of the finding, or "" if there is none.
func (r *Record) finding() string {
	if r.Finding == heuristics.NoFinding {
		return ""
	}
	return r.Finding.String()
}

// identity lists the columns before the features.
var identity = []string{"line", "time", "client", "method", "host", "path", "query_length", "http_version", "status", "bytes",
	"referer", "user_agent", "cut", "truth", "score", "finding"}

// CSV writes comma-separated values (RFC 4180) with a header line, in UTF-8. An unknown text is an
// empty field, an unknown feature is NaN: readers that take a column's type from its first rows, as
// polars does, take a column that begins with empty fields for text. Features are written as
// floats, with a point or an exponent, in the shortest form with the same float32 value; times as
// RFC 3339. Texts are safe for spreadsheets and terminals: a text that could be read as a formula,
// or begins with an apostrophe, gets an apostrophe before it, and control characters and bytes that
// are not UTF-8 are written as \xNN (see [plaintext.AppendCell]). Line feeds within a text are
// kept.
type CSV struct{}

// AppendHeader implements [Format].
func (CSV) AppendHeader(dst []byte, features []string) []byte {
	for i, name := range append(append([]string(nil), identity...), features...) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendField(dst, name)
	}
	return append(dst, '\n')
}

// AppendRow implements [Format].
func (CSV) AppendRow(dst []byte, r *Record) []byte {
	ev := &r.Event
	dst = strconv.AppendInt(dst, int64(r.Line), 10)
	dst = append(dst, ',')
	dst = ev.At().UTC().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, ',')
	if addr := ev.Addr(); addr.IsValid() {
		dst = addr.AppendTo(dst)
	}
	for _, s := range [...]string{ev.Method, ev.Host, r.path()} {
		dst = appendField(append(dst, ','), s)
	}
	for _, n := range [...]uint64{uint64(ev.Query), uint64(ev.Version), uint64(ev.Status), ev.Bytes} {
		dst = strconv.AppendUint(append(dst, ','), n, 10)
	}
	for _, s := range [...]string{r.Referer, r.agent(), r.Cut(), r.Truth} {
		dst = appendField(append(dst, ','), s)
	}
	dst = strconv.AppendUint(append(dst, ','), uint64(r.Score), 10)
	dst = append(append(dst, ','), r.finding()...)
	for _, v := range r.Features {
		dst = appendNumber(append(dst, ','), v)
	}
	return append(dst, '\n')
}

// appendField appends a text as a cell, in quotes if needed.
func appendField(dst []byte, s string) []byte {
	if strings.ContainsAny(s, "\",\n") || strings.HasPrefix(s, " ") {
		s = strings.ReplaceAll(s, `"`, `""`)
		return append(plaintext.AppendCell(append(dst, '"'), s), '"')
	}
	return plaintext.AppendCell(dst, s)
}

// appendNumber appends a value so that every reader takes it for a float, also one that decides by
// the first rows, as polars does. The many small whole numbers take a fast path.
func appendNumber(dst []byte, v float32) []byte {
	if n := int32(v); float32(n) == v && n > -1<<20 && n < 1<<20 && (n != 0 || !math.Signbit(float64(v))) {
		return append(strconv.AppendInt(dst, int64(n), 10), ".0"...)
	}
	return strconv.AppendFloat(dst, float64(v), 'g', -1, 32)
}

// JSONL writes one JSON object per line, in UTF-8. Features are members of "features", null if
// unknown. Texts are as the client sent them, except that bytes that are not UTF-8 become U+FFFD.
type JSONL struct {
	keys [][]byte // quoted names of the features
}

// AppendHeader implements [Format]. It appends nothing and keeps the names.
func (j *JSONL) AppendHeader(dst []byte, features []string) []byte {
	for _, name := range features {
		j.keys = append(j.keys, appendJSON(nil, name))
	}
	return dst
}

// AppendRow implements [Format].
func (j *JSONL) AppendRow(dst []byte, r *Record) []byte {
	ev := &r.Event
	client := ""
	if addr := ev.Addr(); addr.IsValid() {
		client = addr.String()
	}
	dst = strconv.AppendInt(append(dst, `{"line":`...), int64(r.Line), 10)
	for _, m := range [...]struct{ name, value string }{
		{"time", ev.At().UTC().Format(time.RFC3339Nano)}, {"client", client}, {"method", ev.Method}, {"host", ev.Host},
		{"path", r.path()}, {"referer", r.Referer}, {"user_agent", r.agent()}, {"cut", r.Cut()}, {"truth", r.Truth}, {"finding", r.finding()},
	} {
		dst = appendJSON(append(append(append(dst, `,"`...), m.name...), `":`...), m.value)
	}
	for _, m := range [...]struct {
		name  string
		value uint64
	}{
		{"query_length", uint64(ev.Query)}, {"http_version", uint64(ev.Version)}, {"status", uint64(ev.Status)},
		{"bytes", ev.Bytes}, {"score", uint64(r.Score)},
	} {
		dst = strconv.AppendUint(append(append(append(dst, `,"`...), m.name...), `":`...), m.value, 10)
	}
	dst = append(dst, `,"features":{`...)
	for i, v := range r.Features {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, j.keys[i]...), ':')
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			dst = append(dst, "null"...)
		} else {
			dst = appendNumber(dst, v)
		}
	}
	return append(dst, "}}\n"...)
}

func appendJSON(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // never happens for a string
		return append(dst, `""`...)
	}
	for _, r := range string(b) {
		if r >= 0x7f && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) { // for terminals
			dst = fmt.Appendf(dst, `\u%04x`, r)
		} else {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
