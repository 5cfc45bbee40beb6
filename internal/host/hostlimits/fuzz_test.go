package hostlimits_test

import (
	"testing"

	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/host/hostlimits"
)

var opSeeds = [][]byte{
	{0x00},
	{0x10, 0x11, 0x12, 0x10, 0x20, 0x21, 0x30},
	{0x13, 0x13, 0x13, 0x13, 0x13, 0x23, 0x23, 0x33, 0x13, 0x43, 0x13, 0x53, 0x13},
	{0x51, 0x11, 0x61, 0x11, 0x71, 0x11, 0x81, 0x91, 0xa1, 0xb1, 0x21, 0x21, 0x21},
	{0x1f, 0x2f, 0x1f, 0x8f, 0x1f, 0x9f, 0x1f, 0xaf, 0x1f, 0xbf, 0x2f, 0x3f, 0x3f},
}

// FuzzLimiterOps runs a sequence of operations, one per byte (operation in the high half, key in
// the low half), on a limiter small enough that everything collides, and compares it with a map.
func FuzzLimiterOps(f *testing.F) {
	if len(opSeeds) == 0 {
		f.Fatal("no seeds")
	}
	for _, seed := range opSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		m := newLimiterModel(t)
		for _, op := range ops[:min(len(ops), 2000)] {
			m.step(op>>4, op&15)
		}
		m.finish()
	})
}

// limiterModel is the naive limiter: the open tickets, by key.
type limiterModel struct {
	*testing.T
	limiter    *hostlimits.Limiter
	open       map[byte][]hostlimits.Ticket
	done       []hostlimits.Ticket
	thresholds map[byte]uint32
	fallback   uint32
	admitted   uint64
	doubles    uint64
	resume     func() // set while keys cannot get a counter
}

func newLimiterModel(t *testing.T) *limiterModel {
	return &limiterModel{
		T: t, open: make(map[byte][]hostlimits.Ticket), thresholds: make(map[byte]uint32), fallback: 3,
		limiter: must(hostlimits.NewLimiter(hostlimits.Config{
			Threshold: 3, ExactKeys: 8, Sketch: countmin.Size{Rows: 2, Columns: 8},
		})),
	}
}

func (m *limiterModel) step(op, key byte) {
	switch op {
	case 0, 1, 2, 3, 4, 5:
		m.admit(key)
	case 6, 7, 8, 9:
		m.release(key)
	case 10:
		m.releaseAgain(key)
	case 11:
		m.limiter.DropCounters()
	case 12:
		m.toggleAssignments()
	case 13:
		m.setThreshold(key)
	case 14:
		m.limiter.ClearThreshold([]byte{key})
		delete(m.thresholds, key)
	case 15:
		m.fallback = uint32(key)
		m.limiter.SetDefault(m.fallback)
	}
	if got := m.limiter.InFlight([]byte{key}); got < uint64(len(m.open[key])) {
		m.Fatalf("InFlight = %d, below the truth %d", got, len(m.open[key]))
	}
}

func (m *limiterModel) threshold(key byte) uint32 {
	if n, ok := m.thresholds[key]; ok {
		return n
	}
	return m.fallback
}

func (m *limiterModel) admit(key byte) {
	held, threshold := uint64(len(m.open[key])), m.threshold(key)
	a, ok := m.limiter.Admit(new(hostlimits.TicketState), []byte{key})
	switch {
	case a.Threshold != threshold, ok != a.Ticket.Valid(), ok != (a.Reason == hostlimits.Admitted):
		m.Fatalf("threshold %d: %v %+v", threshold, ok, a)
	case ok && (held >= uint64(threshold) || a.Estimate < held+1):
		m.Fatalf("admitted beside %d, threshold %d: %+v", held, threshold, a)
	case !ok && a.Estimate < held:
		m.Fatalf("refused beside %d: %+v", held, a)
	case a.Reason == hostlimits.OverThreshold && (a.Estimate != held || held < uint64(threshold)):
		m.Fatalf("called exact beside %d, threshold %d: %+v", held, threshold, a)
	}
	if ok {
		m.admitted++
		m.open[key] = append(m.open[key], a.Ticket)
	}
}

func (m *limiterModel) release(key byte) {
	held := m.open[key]
	if len(held) == 0 {
		return
	}
	ticket := held[len(held)-1]
	if !ticket.Done() {
		m.Fatal("an open ticket was not released")
	}
	m.open[key] = held[:len(held)-1]
	m.done = append(m.done, ticket)
}

func (m *limiterModel) releaseAgain(n byte) {
	if len(m.done) == 0 {
		return
	}
	if m.done[int(n)%len(m.done)].Done() {
		m.Fatal("a ticket was released twice")
	}
	m.doubles++
}

// toggleAssignments sends keys without a counter to the sketch, or no longer.
func (m *limiterModel) toggleAssignments() {
	if m.resume == nil {
		m.resume = m.limiter.HoldAssignments()
		return
	}
	m.resume()
	m.resume = nil
}

// setThreshold pins a counter, which would wait for assignments that are held.
func (m *limiterModel) setThreshold(key byte) {
	if m.resume != nil {
		m.toggleAssignments()
	}
	if err := m.limiter.SetThreshold([]byte{key}, uint32(key%5)); err != nil {
		m.Fatal(err)
	}
	m.thresholds[key] = uint32(key % 5)
}

// finish checks the statistics, releases everything and looks for remains.
func (m *limiterModel) finish() {
	var inflight uint64
	for _, tickets := range m.open {
		inflight += uint64(len(tickets))
	}
	s := m.limiter.Stats()
	if s.InFlight != inflight || s.Admitted != m.admitted || s.DoubleReleases != m.doubles ||
		s.Overrides != len(m.thresholds) {
		m.Fatalf("%+v, want %d in flight, %d admitted, %d double releases", s, inflight, m.admitted,
			m.doubles)
	}
	for key := range m.open {
		for len(m.open[key]) > 0 {
			m.release(key)
		}
	}
	for key := range byte(16) {
		if got := m.limiter.InFlight([]byte{key}); got != 0 {
			m.Fatalf("%d of key %d left", got, key)
		}
	}
}
