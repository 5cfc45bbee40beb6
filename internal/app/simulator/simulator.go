package simulator

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"
)

// Rates in requests per second, on average over minutes. Below MinRate one bot of each kind would
// be too many.
const (
	DefaultRate = 220
	MinRate     = 60
	MaxRate     = 50_000
)

// Config configures a simulation. The zero value means the default rate with seed 0.
type Config struct {
	Seed uint64
	// Rate is the mean number of requests per second in total; 0 means DefaultRate. It is clamped
	// to MinRate and MaxRate.
	Rate float64
}

func (c Config) rate() float64 {
	if !(c.Rate > 0) { // NaN too
		return DefaultRate
	}
	return min(max(c.Rate, MinRate), MaxRate)
}

// Simulator is one run of the simulation. It is for one goroutine at a time.
type Simulator struct {
	world    *world
	actors   actorHeap
	arrivals []arrivals
	started  uint64 // actors so far
}

// New starts a simulation.
func New(c Config) *Simulator {
	scale := c.rate() / DefaultRate
	rng := rand.New(rand.NewPCG(c.Seed, 0x68656164))
	s := &Simulator{world: &world{Rand: rng, addresses: newAddresses(rng, scale)}}
	for i := range roles {
		r := &roles[i]
		if r.Bot {
			for slot := range max(1, int(math.Round(float64(r.count)*scale))) {
				s.begin(r, slot, s.world.between(0, 900*time.Millisecond), false)
			}
			continue
		}
		a := arrivals{role: r, perSecond: r.share * c.rate() / r.requests}
		for range int(math.Round(a.perSecond * r.stay.Seconds())) {
			s.begin(r, a.slot, s.world.between(0, 6*time.Second), true)
			a.slot++
		}
		a.advance(s.world)
		s.arrivals = append(s.arrivals, a)
	}
	return s
}

// Next returns the next request. The stream never ends.
func (s *Simulator) Next() Request {
	first := s.actors[0] // bots never run out
	for a := s.firstArrival(); a.at <= first.at(); a = s.firstArrival() {
		s.begin(a.role, a.slot, a.at, false)
		a.slot++
		a.advance(s.world)
		first = s.actors[0]
	}
	request := first.queue[first.head]
	first.head++
	if first.head < len(first.queue) || first.refill(request.At) {
		heap.Fix(&s.actors, 0)
		return request
	}
	heap.Pop(&s.actors)
	if first.role.Bot {
		s.begin(first.role, first.slot, request.At+s.world.between(0, time.Second), false)
	}
	return request
}

// begin adds a new actor at the given time.
func (s *Simulator) begin(r *role, slot int, now time.Duration, resumed bool) {
	a := &actor{role: r, slot: slot, number: s.started, routine: r.begin(s.world, slot, now, resumed)}
	s.started++
	a.fill(now)
	heap.Push(&s.actors, a)
}

func (s *Simulator) firstArrival() *arrivals {
	first := &s.arrivals[0]
	for i := range s.arrivals {
		if s.arrivals[i].at < first.at {
			first = &s.arrivals[i]
		}
	}
	return first
}

// arrivals is the Poisson process by which people of one role arrive.
type arrivals struct {
	role      *role
	perSecond float64
	at        time.Duration // of the next arrival
	slot      int           // of the next arrival
}

func (a *arrivals) advance(w *world) {
	a.at += time.Duration(w.ExpFloat64() / a.perSecond * float64(time.Second))
}
