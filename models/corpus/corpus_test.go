package corpus_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/models/corpus"
)

var head = corpus.Head{Format: corpus.Format, Family: "test", Recorded: time.Date(2026, 11, 1, 2, 3, 4, 0, time.UTC), System: "none"}

func example() *corpus.File {
	hello := corpus.NewHello(&tls.ClientHelloInfo{
		ServerName: "x.test", SupportedVersions: []uint16{tls.VersionTLS13}, CipherSuites: []uint16{0x1301, 0x0a0a}, Extensions: []uint16{0, 16, 51},
		SupportedCurves: []tls.CurveID{29}, SupportedPoints: []uint8{0}, SignatureSchemes: []tls.SignatureScheme{0x0403}, SupportedProtos: []string{"h2"},
	})
	return &corpus.File{
		Head: head,
		Runs: []*corpus.Run{
			{ID: 1, Truth: corpus.Bot, Intent: "scraper", Program: "curl", Version: "8", Disguise: "plain", Site: "blog", Client: "100.64.1.2", Start: 5},
			{ID: 2, Truth: corpus.Person, Intent: "reader", Program: "lynx", Disguise: "plain", Site: "wiki", Client: "2001:db8::7", Start: 9e6, Thinned: 3},
		},
		Conns: []*corpus.Conn{
			{ID: 1, Run: 1, At: 6, Hello: hello, H2: []corpus.Frame{{Type: "SETTINGS", Values: [][2]uint32{{1, 65536}}}}},
			{ID: 2, Run: 2, At: 9e6 + 1},
		},
		Requests: []*corpus.Request{
			{Conn: 1, At: 1e6, Method: "GET", Target: "/a.php?b=c", Host: "X.test:443", Proto: "HTTP/2.0", Pseudo: "mpsa", Priority: []uint32{0, 1, 256},
				Header: [][2]string{{"user-agent", "curl/8"}, {"cookie", "a=1"}, {"cookie", "b=2"}, {"referer", "https://x.test/"}}, Status: 200, Bytes: 12, Duration: 1500},
			{Conn: 2, At: 9e6 + 2, Method: "POST", Target: "/" + strings.Repeat("p", 400), Host: "y.test", Proto: "HTTP/1.1",
				Header: [][2]string{{"Host", "y.test"}, {"ACCEPT-language", "de"}, {"Transfer-Encoding", "chunked"}}, Body: 7, Status: 404, Duration: 2},
		},
	}
}

func write(t *testing.T, f *corpus.File) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := corpus.NewWriter(&out, f.Head)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range f.Runs {
		err = errors.Join(err, w.Run(r))
	}
	for _, c := range f.Conns {
		err = errors.Join(err, w.Conn(c))
	}
	for _, r := range f.Requests {
		err = errors.Join(err, w.Request(r))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A written file can be read again.
func TestReadWhatWasWritten(t *testing.T) {
	want := example()
	got, err := corpus.Read(bytes.NewReader(write(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v\nwrote %+v", got, want)
	}
}

func next(t *testing.T, s pipeline.Source) (r pipeline.Record) {
	t.Helper()
	if err := s.Next(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Requests become the events that the proxy would have reported, with their truth.
func TestSource(t *testing.T) {
	f := example()
	s := corpus.Source([]*corpus.File{f}, corpus.Mix{Spread: time.Nanosecond, Seed: 1})
	first, second := next(t, s), next(t, s)
	if err := s.Next(&pipeline.Record{}); err != io.EOF {
		t.Errorf("after the last: %v", err)
	}
	if first.Truth != "person:reader:lynx:plain:wiki:test/2" || second.Truth != "bot:scraper:curl:plain:blog:test/1" {
		t.Errorf("truths %q, %q", first.Truth, second.Truth)
	}
	if first.Event.Host != "y.test" || first.Event.Addr().String() != "2001:db8::7" || first.Path != f.Requests[1].Target || first.Event.JA4 != "" ||
		!first.Event.Facts.Has(traffic.FactAcceptLanguage) || first.Event.Headers != 1 {
		t.Errorf("a request by HTTP/1.1: %+v", first)
	}
	ev := second.Event
	if ev.Host != "x.test" || ev.Path != "/a.php" || ev.Query != 3 || ev.Version != 20 || ev.Status != 200 || ev.Bytes != 12 || ev.Duration != 1500_000 ||
		!ev.Facts.Has(traffic.FactCookie|traffic.FactRefererSame|traffic.FactHeadersKnown) || ev.UserAgent != "curl/8" || second.Referer != "https://x.test/" {
		t.Errorf("a request by HTTP/2: %+v", second)
	}
	if want := traffic.JA4(f.Conns[0].Hello.Info()); ev.JA4 != want || !strings.HasPrefix(want, "t13d0103h2_") {
		t.Errorf("JA4 %q, the hello's is %q", ev.JA4, want)
	}
	if gap := ev.Time - first.Event.Time; gap < 900e6 || gap > 1100e6 { // a second into its run; the other at the beginning of its own
		t.Errorf("%d ns between them", gap)
	}
}

// A mix is the same each time; another seed makes another one; an address keeps its pauses, also
// across two files.
func TestMix(t *testing.T) {
	files := []*corpus.File{example(), example()}
	files[1].Head.Family = "other"
	times := func(seed uint64) (all []int64) {
		s := corpus.Source(files, corpus.Mix{Seed: seed})
		for range 4 {
			all = append(all, next(t, s).Event.Time)
		}
		return all
	}
	one := times(1)
	if !slices.Equal(one, times(1)) || slices.Equal(one, times(2)) || !slices.IsSorted(one) {
		t.Errorf("seed 1: %v, again %v, seed 2: %v", one, times(1), times(2))
	}
	if one[0] != one[1] || one[2] != one[3] {
		t.Errorf("an address of two files begins twice: %v", one)
	}
}

func TestReadAll(t *testing.T) {
	folder := t.TempDir()
	if _, err := corpus.ReadAll(folder); err == nil {
		t.Error("an empty folder is a corpus")
	}
	for _, name := range []string{"b", "a"} {
		f := example()
		f.Head.Family = name
		if err := os.WriteFile(filepath.Join(folder, name+corpus.Extension), write(t, f), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := corpus.ReadAll(folder)
	if err != nil || len(files) != 2 || files[0].Head.Family != "a" {
		t.Errorf("%v, %v", files, err)
	}
	one, err := corpus.ReadAll(filepath.Join(folder, "b"+corpus.Extension))
	if err != nil || len(one) != 1 {
		t.Errorf("%v, %v", one, err)
	}
}

func pack(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.Bytes()
}

const headLine = `{"format":"headgate corpus 1","family":"x"}` + "\n"

// A malformed file is an error with a position.
func TestNotOfTheFormat(t *testing.T) {
	run := `{"run":{"id":1,"truth":"bot","client":"1.2.3.4"}}` + "\n"
	for text, want := range map[string]string{
		"":                       "empty",
		"{}\n":                   "line 1",
		`{"format":"x"}` + "\n":  "line 1",
		headLine + "{}\n":        "line 2",
		headLine + "nonsense\n":  "line 2",
		headLine + `{"other":1}`: "line 2",
		headLine + run + run:     "occurs twice",
		headLine + `{"run":{"id":1,"truth":"maybe","client":"1.2.3.4"}}`:                              "truth",
		headLine + `{"run":{"id":1,"truth":"bot","client":"nobody"}}`:                                 "client",
		headLine + `{"run":{"id":1,"truth":"bot","client":"1.2.3.4","start":-1}}`:                     "starts",
		headLine + run + `{"conn":{"id":1,"run":2}}`:                                                  "run 2",
		headLine + run + `{"request":{"conn":1}}`:                                                     "connection 1",
		headLine + run + `{"conn":{"id":1,"run":1}}` + "\n" + `{"request":{"conn":1,"at":1e30}}`:      "line 4",
		headLine + run + `{"conn":{"id":1,"run":1}}` + "\n" + `{"request":{"conn":1,"duration":-1}}`:  "absurd",
		headLine + run + `{"conn":{"id":1,"run":1}}` + "\n" + `{"request":{"conn":1,"status":70000}}`: "status",
		headLine + strings.Repeat("x", 2<<20):                                                         "line 1",
	} {
		if _, err := corpus.Read(bytes.NewReader(pack(text))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.90q: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := corpus.Read(strings.NewReader("no gzip")); err == nil {
		t.Error("what is no gzip is read")
	}
	whole := write(t, example())
	if _, err := corpus.Read(bytes.NewReader(whole[:len(whole)-9])); err == nil {
		t.Error("half a file is read")
	}
}

// No bytes make reading, or the events of a file, panic.
func FuzzRead(f *testing.F) {
	f.Add(headLine + `{"run":{"id":1,"truth":"bot","client":"1.2.3.4"}}` + "\n" + `{"conn":{"id":1,"run":1,"hello":{}}}` + "\n" +
		`{"request":{"conn":1,"proto":"HTTP/2.0","target":"?","header":[["",""],["cookie","a"]]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		file, err := corpus.Read(bytes.NewReader(pack(text)))
		if err != nil {
			return
		}
		s := corpus.Source([]*corpus.File{file}, corpus.Mix{})
		for range file.Requests {
			next(t, s)
		}
	})
}
