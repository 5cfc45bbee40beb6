package simulator

import (
	"cmp"
	"slices"
	"time"
)

// routine is what an actor does: bursts of requests with pauses between them, until it leaves.
type routine struct {
	// burst appends the requests of one burst to dst: at least one, none of them before at.
	burst func(at time.Duration, dst []Request) []Request
	// pause returns the time from the last request of a burst to the next burst.
	pause func() time.Duration
	left  int           // bursts to come; 0 if only until ends the routine
	until time.Duration // no burst begins after it; 0 if only left ends the routine
}

// actor is a client, or a person behind a client.
type actor struct {
	routine
	role   *role
	slot   int
	number uint64 // breaks ties of time, so that the order is defined

	queue []Request // the current burst by time; its memory is reused
	head  int       // index of the next request in queue
}

// at returns the time of the actor's next request.
func (a *actor) at() time.Duration { return a.queue[a.head].At }

// refill plans the next burst, after the last request of the previous one. It returns false when
// the actor leaves.
func (a *actor) refill(last time.Duration) bool {
	at := last + a.pause()
	if a.left == 1 || (a.until > 0 && at > a.until) {
		return false
	}
	a.left = max(a.left-1, 0)
	a.fill(at)
	return true
}

func (a *actor) fill(at time.Duration) {
	a.queue, a.head = a.burst(at, a.queue[:0]), 0
	for i := range a.queue {
		a.queue[i].Kind, a.queue[i].Bot = a.role.Name, a.role.Bot
	}
	slices.SortStableFunc(a.queue, func(x, y Request) int { return cmp.Compare(x.At, y.At) })
}

// actorHeap implements heap.Interface; the actor of the earliest request comes first.
type actorHeap []*actor

func (h actorHeap) Len() int      { return len(h) }
func (h actorHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *actorHeap) Push(a any)   { *h = append(*h, a.(*actor)) }

func (h actorHeap) Less(i, j int) bool {
	if h[i].at() != h[j].at() {
		return h[i].at() < h[j].at()
	}
	return h[i].number < h[j].number
}

func (h *actorHeap) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return a
}
