package pipeline

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
)

// pending holds requests that have been scored and not yet counted, by the time they end. Requests that end at the
// same time keep their order.
type pending struct {
	items  items
	serial uint64
	last   traffic.Observation
	open   []*item // of report
	opened int64   // until when a request was open that reports are of
}

type item struct {
	ends        int64
	serial      uint64
	observation traffic.Observation // its OpenFrom moves with what is told while it is open
}

// endOf is when the request of an event ended.
func endOf(ev *traffic.Event) int64 {
	return max(ev.Time, ev.Time+int64(min(ev.Duration, 1<<62))) // which may overflow
}

// push adds an event that counts from its end on.
func (p *pending) push(ev *traffic.Event, ends int64) {
	it := item{ends: ends, serial: p.serial}
	traffic.Observe(ev, hashSeed, &it.observation)
	if ev.AgentSum != 0 { // the beginning of a longer one, which would be kept with it
		it.observation.Agent = strings.Clone(it.observation.Agent)
	}
	p.opened = max(p.opened, it.observation.OpenTo)
	p.serial++
	heap.Push(&p.items, it)
}

// maxPending bounds the requests that are kept.
const maxPending = 1 << 17

// full reports whether there are too many.
func (p *pending) full() bool { return len(p.items) > maxPending }

func (p *pending) endedBefore(t int64) bool { return len(p.items) > 0 && p.items[0].ends < t }

// report tells of the requests that are open at a time what a proxy tells of them then: of those that have lasted for
// traffic.OpenAfter, in the order in which they came. An observation is add's only until that returns.
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

// ends is when the request that pop gives ended.
func (p *pending) ends() int64 { return p.items[0].ends }

// pop takes the request that ended first. The observation stays valid until the next pop.
func (p *pending) pop() *traffic.Observation {
	p.last = heap.Pop(&p.items).(item).observation
	return &p.last
}

// items implements heap.Interface.
type items []item

func (s items) Len() int { return len(s) }

func (s items) Less(i, j int) bool {
	if s[i].ends != s[j].ends {
		return s[i].ends < s[j].ends
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
