package pipeline

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
)

// pending holds requests that have been scored but do not count yet, by the time they end. Requests
// that end at the same time keep their order.
type pending struct {
	items     items
	serial    uint64
	last      traffic.Observation
	open      []*item // used by report
	openUntil int64   // no pending request is open after this time
}

type item struct {
	end         int64
	serial      uint64
	observation traffic.Observation // its OpenFrom advances with each report
}

// endTime returns when the request of an event ended.
func endTime(ev *traffic.Event) int64 {
	return max(ev.Time, ev.Time+int64(min(ev.Duration, 1<<62))) // in case the sum overflows
}

// push adds an event that counts from its end on.
func (p *pending) push(ev *traffic.Event, ends int64) {
	it := item{end: ends, serial: p.serial}
	traffic.Observe(ev, hashSeed, &it.observation)
	if ev.AgentSum != 0 { // the agent shares memory with a longer one, which it would keep alive
		it.observation.Agent = strings.Clone(it.observation.Agent)
	}
	p.openUntil = max(p.openUntil, it.observation.OpenTo)
	p.serial++
	heap.Push(&p.items, it)
}

// maxPending bounds the requests that are held.
const maxPending = 1 << 17

// full reports whether there are more than maxPending requests.
func (p *pending) full() bool { return len(p.items) > maxPending }

func (p *pending) endedBefore(t int64) bool { return len(p.items) > 0 && p.items[0].end < t }

// report passes to add what a proxy reports at a time about the requests that are open then: those
// that have lasted for traffic.OpenAfter, in the order in which they came. add must not keep the
// observation.
func (p *pending) report(at int64, add func(*traffic.Observation)) {
	p.open = p.open[:0]
	for i := range p.items {
		if o := &p.items[i].observation; at-o.Time >= int64(traffic.OpenAfter) && o.OpenFrom < at && at <= o.OpenTo {
			p.open = append(p.open, &p.items[i])
		}
	}
	slices.SortFunc(p.open, func(a, b *item) int { return cmp.Compare(a.serial, b.serial) })
	for _, it := range p.open {
		o := &it.observation
		p.last = traffic.Observation{Time: at, Keys: o.Keys, OpenFrom: o.OpenFrom, OpenTo: at, Report: true}
		p.last.KeepOpenKeys()
		o.OpenFrom = at
		add(&p.last)
	}
}

// end returns when the request that pop returns next ended.
func (p *pending) end() int64 { return p.items[0].end }

// pop removes and returns the request that ended first. The observation is valid until the next
// pop.
func (p *pending) pop() *traffic.Observation {
	p.last = heap.Pop(&p.items).(item).observation
	return &p.last
}

// items implements heap.Interface.
type items []item

func (s items) Len() int { return len(s) }

func (s items) Less(i, j int) bool {
	if s[i].end != s[j].end {
		return s[i].end < s[j].end
	}
	return s[i].serial < s[j].serial
}

func (s items) Swap(i, j int) { s[i], s[j] = s[j], s[i] }

func (s *items) Push(x any) { *s = append(*s, x.(item)) }

func (s *items) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}
