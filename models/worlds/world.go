package worlds

import (
	"container/heap"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// View is the part of requests that a proxy, or a log, knows.
type View string

// The views.
const (
	Log    View = "log"    // an access log in the combined format: no header fields but two, whole seconds, no host
	Behind View = "behind" // a proxy behind another one: header fields, HTTP/1.1, no TLS
	Proxy  View = "proxy"  // a proxy that clients connect to: header fields and the version of HTTP
	JA4    View = "ja4"    // the same with TLS fingerprints
	Wire   View = "wire"   // the same with the order of the header fields and how HTTP/2 was set up
)

// Views lists all views.
var Views = []View{Log, Behind, Proxy, JA4, Wire}

// Config configures a World. Fields that are not set are drawn from the seed.
type Config struct {
	Seed uint64
	Kind string // of the sites: one of Kinds; empty: drawn
	View View
	// Duration is the length of the episode; 0: half an hour.
	Duration time.Duration
	// Rate is the mean number of requests per second; 0: drawn, from one in five seconds to a
	// hundred.
	Rate float64
}

// Bounds of a Config.
const (
	MaxDuration = 31 * 24 * time.Hour
	MaxRate     = 5_000
)

// World is one episode. It is for one goroutine.
type World struct {
	dice       *dice
	duration   time.Duration
	begin      time.Time
	view       View
	sites      []*site
	population *population
	secret     uint64

	wires map[wireKey]traffic.Wire // computed so far

	requests requestHeap
	free     []*Request
	last     *Request // returned by Next
	actors   actorHeap
	serial   uint64
	clients  int // so far

	offices  []*office
	campus   netip.Addr     // of a /24 in which many people live, each with an address; or invalid
	homes    [64]netip.Addr // of people who came lately
	moved    int            // homes so far
	arrivals [2]arrivals    // of people, of bots
	programs int            // bots so far, which take turns by kind
	order    []int          // of kinds of bots
}

// New starts an episode.
func New(c Config) (*World, error) {
	if c.Kind != "" && blueprints[c.Kind] == nil {
		return nil, fmt.Errorf("worlds: no kind of site is called %q (name one of %v)", c.Kind, Kinds)
	}
	if c.View != "" && !slices.Contains(Views, c.View) {
		return nil, fmt.Errorf("worlds: no view is called %q (name one of %v)", c.View, Views)
	}
	if c.Duration < 0 || c.Duration > MaxDuration || !(c.Rate >= 0 && c.Rate <= MaxRate) {
		return nil, fmt.Errorf("worlds: %v with %v requests per second: out of range (at most %v and %d)", c.Duration, c.Rate, MaxDuration, MaxRate)
	}
	d := newDice(c.Seed, "world")
	w := &World{dice: d, duration: c.Duration, view: c.View, secret: d.src.Uint64(), wires: make(map[wireKey]traffic.Wire)}
	if w.duration == 0 {
		w.duration = 30 * time.Minute
	}
	w.begin = firstDay.Add(d.between(0, span)).Truncate(time.Second)
	kind, view, rate := pick(d, Kinds), Views[d.weighted([]int{25, 13, 22, 15, 25})], float64(d.logUniform(200, 100_000))/1000
	if c.Kind != "" {
		kind = c.Kind
	}
	if w.view == "" {
		w.view = view
	}
	if c.Rate > 0 {
		rate = c.Rate
	}
	w.population = newPopulation(d, w.begin, w.secret)
	w.sites = append(w.sites, w.newSite(kind))
	for range d.steps(0.25, 2) {
		other := kind
		if c.Kind == "" {
			other = pick(d, Kinds)
		}
		w.sites = append(w.sites, w.newSite(other))
	}
	w.schedule(rate)
	return w, nil
}

// newSite draws a site, and perhaps when it is down.
func (w *World) newSite(kind string) *site {
	d := w.dice
	s := newSite(d, kind)
	if d.chance(0.3) {
		s.down[0] = d.between(0, w.duration)
		s.down[1] = s.down[0] + d.between(10*time.Second, 6*time.Minute)
	}
	return s
}

// Begin returns when the episode begins.
func (w *World) Begin() time.Time { return w.begin }

// View returns the view of its requests.
func (w *World) View() View { return w.view }

// actor is a client. act makes requests at a time and later, perhaps none, and returns when it acts
// next; false means that it leaves.
type actor interface {
	act(w *World, at time.Duration) (next time.Duration, stays bool)
}

// arrivals schedules the next people or bots.
type arrivals struct {
	at   time.Duration
	mean time.Duration // between two arrivals; people
	rate float64       // requests per second; bots
}

// schedule divides the rate between people and bots.
func (w *World) schedule(rate float64) {
	d := w.dice
	people := float64(rate * pick(d, []float64{0.1, 0.3, 0.5, 0.7, 0.85, 0.95})) // not fused with the next line
	bots := rate - people
	perPerson := w.rehearse()
	w.arrivals[0].mean = time.Duration(perPerson / people * float64(time.Second))
	w.arrivals[0].at = d.exp(w.arrivals[0].mean)
	w.arrivals[1].rate = bots
	w.arrivals[1].at = d.exp(min(w.duration/20, time.Minute))
	for range len(botKinds) {
		w.order = append(w.order, len(w.order))
	}
	for i := len(w.order) - 1; i > 0; i-- {
		j := d.n(i + 1)
		w.order[i], w.order[j] = w.order[j], w.order[i]
	}
	expected := people / perPerson * w.duration.Seconds()
	for range min(int(expected*d.share(0, 0.4)/40), 200) {
		w.offices = append(w.offices, w.newOffice())
	}
	if d.chance(0.3) {
		w.campus = d.randomV4()
	}
	for range min(int(expected*0.15), int(60/(w.arrivals[0].mean.Seconds()+0.01))) { // clients that are there already
		w.enter(w.newPerson(true), d.between(0, time.Minute))
	}
}

// rehearse returns the average number of requests of a person, measured in a separate world.
func (w *World) rehearse() float64 {
	stage := *w
	stage.dice = newDice(w.secret, "rehearsal")
	const persons = 60
	n := 0
	for range persons {
		p := stage.newPerson(false)
		for at, stays := time.Duration(0), true; stays && at < w.duration && n < 100*1000; {
			at, stays = p.act(&stage, at)
			for len(stage.requests) > 0 {
				r := heap.Pop(&stage.requests).(*Request)
				stage.free = append(stage.free, r)
				if !r.unseen {
					n++
				}
			}
		}
	}
	return max(1, float64(n)/persons)
}

// emit adds a request at a time; the caller fills it in before the next one.
func (w *World) emit(at time.Duration) *Request {
	var r *Request
	if n := len(w.free); n > 0 {
		r, w.free = w.free[n-1], w.free[:n-1]
	} else {
		r = new(Request)
	}
	w.serial++
	r.At, r.serial = at, w.serial
	heap.Push(&w.requests, r)
	return r
}

func (w *World) enter(a actor, at time.Duration) {
	w.serial++
	heap.Push(&w.actors, scheduled{a, at, w.serial})
}

// Next returns the next request, valid until the next call, or nil at the end of the episode.
func (w *World) Next() *Request {
	if w.last != nil {
		w.free, w.last = append(w.free, w.last), nil
	}
	for {
		at, act := w.nextEvent()
		if len(w.requests) > 0 && (act == nil || w.requests[0].At <= at) {
			r := heap.Pop(&w.requests).(*Request)
			switch {
			case r.At >= w.duration:
				return nil
			case r.unseen:
				w.free = append(w.free, r)
				continue
			}
			w.last = r
			return r
		}
		if act == nil {
			return nil
		}
		act()
	}
}

// nextEvent returns what happens next besides requests, and when; nothing happens after the end.
func (w *World) nextEvent() (at time.Duration, act func()) {
	at = w.duration
	for i := range w.arrivals {
		if w.arrivals[i].at < at {
			at = w.arrivals[i].at
			act = w.personArrives
			if i == 1 {
				act = w.botArrives
			}
		}
	}
	if len(w.actors) > 0 && w.actors[0].at < at {
		return w.actors[0].at, w.actorActs
	}
	return at, act
}

func (w *World) actorActs() {
	s := &w.actors[0]
	next, stays := s.actor.act(w, s.at)
	if !stays || next >= w.duration {
		heap.Pop(&w.actors)
		return
	}
	s.at = max(next, s.at+time.Microsecond)
	heap.Fix(&w.actors, 0)
}

// byHour is the traffic of people in each hour of their day, in percent of the mean.
var byHour = [24]int{40, 25, 15, 12, 12, 20, 45, 80, 110, 125, 130, 130, 135, 130, 125, 125, 125, 130, 140, 155, 165, 150, 105, 71}

// personArrives adds a person; in long episodes fewer come by night.
func (w *World) personArrives() {
	const busiest, usual = 165, 96 // of byHour
	a := &w.arrivals[0]
	at, mean := a.at, a.mean
	hour := w.begin.Add(at).Hour()
	daily := w.duration >= 6*time.Hour
	if daily {
		mean = mean * usual / busiest
	}
	a.at += w.dice.exp(mean) + time.Microsecond
	if !daily || w.dice.n(busiest) < byHour[hour] {
		w.enter(w.newPerson(false), at)
	}
}

// botArrives adds a bot, and schedules the next one so that the rate is kept.
func (w *World) botArrives() {
	a := &w.arrivals[1]
	at := a.at
	budget := a.rate * (w.duration - at).Seconds()
	b, n := w.newBot(at, max(8, int(budget/16))) // many of some requests rather than some of many
	a.at += w.dice.exp(time.Duration(float64(n)/a.rate*float64(time.Second))) + time.Microsecond
	w.enter(b, at)
}

// scheduled is an actor and when it acts.
type scheduled struct {
	actor  actor
	at     time.Duration
	serial uint64
}

// actorHeap implements heap.Interface, the earliest first.
type actorHeap []scheduled

func (h actorHeap) Len() int      { return len(h) }
func (h actorHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *actorHeap) Push(a any)   { *h = append(*h, a.(scheduled)) }

func (h actorHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].serial < h[j].serial
}

func (h *actorHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// requestHeap implements heap.Interface, the earliest first.
type requestHeap []*Request

func (h requestHeap) Len() int      { return len(h) }
func (h requestHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *requestHeap) Push(r any)   { *h = append(*h, r.(*Request)) }

func (h requestHeap) Less(i, j int) bool {
	if h[i].At != h[j].At {
		return h[i].At < h[j].At
	}
	return h[i].serial < h[j].serial
}

func (h *requestHeap) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = nil
	*h = (*h)[:len(*h)-1]
	return last
}
