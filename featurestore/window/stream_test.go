package window_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// noon is a time within a second, off the grid of stamps.
const noon = 1_767_268_800_123_456_789

const seed = 11

// stream makes random observations of a few clients: bursts and pauses, sometimes back in time,
// some with few and some with many paths.
type stream struct {
	rng *rand.Rand
	now int64
}

func newStream(number uint64) *stream {
	return &stream{rng: rand.New(rand.NewPCG(number, 21)), now: noon}
}

func (s *stream) next() *traffic.Observation {
	var o traffic.Observation
	ev := s.event()
	traffic.Observe(&ev, seed, &o)
	return &o
}

func (s *stream) take(n int) []*traffic.Observation {
	observations := make([]*traffic.Observation, n)
	for i := range observations {
		observations[i] = s.next()
	}
	return observations
}

func (s *stream) event() traffic.Event {
	r := s.rng
	s.now += s.pause()
	client := r.IntN(30)
	ev := traffic.Event{
		Time:     s.now,
		Method:   []string{"GET", "GET", "GET", "HEAD", "POST", ""}[r.IntN(6)],
		Host:     []string{"a.example", "b.example", ""}[r.IntN(3)],
		JA4:      []string{"t13d1516h2_8daaf6152771_02713d6af862", "", "t12"}[r.IntN(3)],
		Session:  uint64(r.IntN(3) * r.IntN(8)),
		Status:   []uint16{200, 200, 304, 401, 403, 404, 404, 500}[r.IntN(8)],
		Bytes:    r.Uint64N(1 << r.IntN(30)),
		Duration: r.Uint64N(1 << r.IntN(34)),
		Facts:    traffic.Facts(r.Uint32N(1 << 9)),
	}
	if r.IntN(20) == 0 {
		ev.Time -= r.Int64N(int64(time.Minute)) // ended later than it was expected to
	}
	if r.IntN(2) == 0 {
		traffic.Sums{}.SetLink(&ev, fmt.Sprintf("/%d", r.IntN(1+client*client)))
	}
	ev.SetPath(fmt.Sprintf("/%d%s", r.IntN(1+client*client), []string{"", ".css", ".php", "/robots.txt", "/api/"}[r.IntN(5)]))
	if r.IntN(10) > 0 {
		ev.SetUserAgent(fmt.Sprintf("agent/%d", r.IntN(1+client)))
	}
	if r.IntN(10) > 0 {
		ev.SetClient(netip.AddrFrom4([4]byte{10, 0, byte(client % 7), byte(client)}))
	}
	return ev
}

// pause is mostly short, and now and then hours.
func (s *stream) pause() int64 {
	limits := []time.Duration{1, time.Millisecond, time.Second, time.Second, 10 * time.Second, time.Minute, 10 * time.Minute}
	if s.rng.IntN(200) == 0 {
		return s.rng.Int64N(int64(2 * time.Hour))
	}
	return s.rng.Int64N(int64(limits[s.rng.IntN(len(limits))]))
}
