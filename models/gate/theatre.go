package gate

import (
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/proxy/wire"
	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/scorer"
)

// theatre plays one situation.
type theatre struct {
	model *scorer.Model
	err   error // the first one; nothing is played after it
}

// freshness is the greatest age of features with an idle daemon.
const freshness = 50 * time.Millisecond

// opening is when each situation begins: noon UTC of a working day, with the clients' systems a
// month or two old.
var opening = time.Date(2026, 3, 11, 12, 0, 0, 0, time.UTC)

// field is one line of a request's header.
type field struct{ name, value string }

// request is one request of a situation.
type request struct {
	at      time.Duration // since the opening
	from    netip.Addr
	program *program
	method  string
	host    string
	target  string
	header  []field
	status  int
	bytes   uint64
	took    time.Duration

	cast  int   // the client, as the situation numbers its clients
	extra bool  // scenery: played, and not judged
	score uint8 // as played
}

// flagged reports whether the request was flagged.
func (r *request) flagged() bool { return r.score != 0 && r.score < flagBelow }

// String describes the request for people.
func (r *request) String() string {
	return fmt.Sprintf("%s %s (%s) at %v: %d", r.method, r.target, r.program.name, r.at.Round(time.Millisecond), r.score)
}

// play scores the requests, in the order of their times, with a daemon without history.
func (t *theatre) play(requests []*request) {
	if t.err != nil {
		return
	}
	p, err := pipeline.New(pipeline.Config{Model: t.model, Interval: freshness, Features: []string{}})
	if err != nil {
		t.err = err
		return
	}
	var config proxyhook.Config
	for _, r := range sorted(requests) {
		var ev traffic.Event
		describe(&config, &ev, r)
		r.score = p.Score(&ev).Score
	}
}

// playEach plays each request to its own daemon.
func (t *theatre) playEach(requests []*request) {
	for _, r := range requests {
		t.play([]*request{r})
	}
}

// describe fills ev with a request as a filter does.
func describe(config *proxyhook.Config, ev *traffic.Event, r *request) {
	line := &http.Request{Method: r.method, Host: r.host, RequestURI: r.target, RemoteAddr: netip.AddrPortFrom(r.from, 40000).String(),
		Proto: "HTTP/2.0", ProtoMajor: 2, Header: http.Header{}}
	if r.program.version == 11 {
		line.Proto, line.ProtoMajor, line.ProtoMinor = "HTTP/1.1", 1, 1
	}
	for _, f := range r.header {
		line.Header.Add(f.name, f.value)
	}
	ctx := proxyhook.WithWire(proxyhook.WithJA4(context.Background(), r.program.ja4), r.wire())
	config.Describe(ev, line.WithContext(ctx), traffic.Sums{})
	ev.Time = opening.Add(r.at).UnixNano()
	ev.Status, ev.Bytes, ev.Duration = uint16(r.status), r.bytes, uint64(r.took)
}

// wire returns what the request looked like on its connection.
func (r *request) wire() traffic.Wire {
	h2 := stacks[r.program.engine]
	if r.program.stack != nil {
		h2 = *r.program.stack
	}
	w := wire.Recorded{TLS: crc32.ChecksumIEEE([]byte(r.program.ja4)), Pseudo: h2.pseudo, Priority: h2.priority, Frames: h2.frames}
	if r.program.version == 11 {
		w.Pseudo, w.Priority, w.Frames, w.Fields = "", false, nil, []string{"Host"}
	}
	for _, f := range r.header {
		w.Fields = append(w.Fields, f.name)
	}
	return w.Wire()
}

// share returns the percentage of flagged requests among the judged ones for which of holds, the
// missed ones in words, and the number judged.
func share(requests []*request, of func(*request) bool) (percent float64, missed []string, judged int) {
	flagged := 0
	for _, r := range requests {
		if r.extra || !of(r) {
			continue
		}
		judged++
		if r.flagged() {
			flagged++
		} else {
			missed = append(missed, r.String())
		}
	}
	return 100 * float64(flagged) / float64(max(judged, 1)), missed, judged
}

// atLeast returns an outcome that wants at least a percentage flagged.
func atLeast(percent float64, requests []*request, of func(*request) bool) outcome {
	value, missed, judged := share(requests, of)
	return outcome{fmt.Sprintf("%.1f %% of %d", value, judged), value >= percent && judged > 0, missed}
}

// afterRequests selects a client's requests after its first n.
func afterRequests(n int) func(*request) bool {
	seen := make(map[int]int)
	return func(r *request) bool {
		seen[r.cast]++
		return seen[r.cast] > n
	}
}

func every(*request) bool { return true }

// random returns a source of the same numbers each time.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6761746573)) }

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

// between returns a random duration.
func between(rng *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(rng.Int64N(int64(to-from)))
}

// fill replaces each # of a pattern by a random digit and each ~ by a random letter.
func fill(rng *rand.Rand, pattern string) string {
	return strings.Map(func(c rune) rune {
		switch c {
		case '#':
			return '0' + rune(rng.IntN(10))
		case '~':
			return 'a' + rune(rng.IntN(26))
		}
		return c
	}, pattern)
}
