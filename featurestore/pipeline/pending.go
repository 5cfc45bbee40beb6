package pipeline

import (
	"container/heap"

	"github.com/headgate/headgate/featurestore/traffic"
)

// pending holds requests that have been scored and not yet counted, by the time they end. Requests that end at the
// same time keep their order.
type pending struct {
	items  items
	serial uint64
	last   traffic.Observation
}

type item struct {
	ends        int64
	serial      uint64
	observation traffic.Observation
}

func (p *pending) push(ev *traffic.Event) {
	it := item{ends: ev.Time + int64(min(ev.Duration, 1<<62)), serial: p.serial}
	if it.ends < ev.Time { // overflow
		it.ends = ev.Time
	}
	traffic.Observe(ev, hashSeed, &it.observation)
	p.serial++
	heap.Push(&p.items, it)
}

func (p *pending) endedBefore(t int64) bool { return len(p.items) > 0 && p.items[0].ends < t }

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
