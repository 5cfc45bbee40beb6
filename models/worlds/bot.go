package worlds

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// bot is a program that visits a site for a purpose: what it requests, how fast, and how it hides.
type bot struct {
	visitor
	aim      aim
	pace     pace
	hides    hiding
	left     int // requests to come, besides assets
	done     int
	programs []*program // takes turns
	again    int        // number of further visits
	total    int        // requests of one visit
}

// aim returns the next request of a bot.
type aim func(w *World, b *bot) errand

// errand is one request and its answer.
type errand struct {
	target string
	method string // empty: GET
	load   load
	status int
	page   *page  // loaded as by a browser, if the bot drives one
	body   bool   // POST of JSON
	host   string // empty: the site's
}

// pace is the pause of a bot.
type pace struct {
	low, high time.Duration
	human     bool // like people: skewed, around low
	burst     int  // number of requests at once, before a longer pause
	parallel  bool // several workers: no pause now and then
}

func (p *pace) pause(d *dice, n int) time.Duration {
	if p.burst > 0 && n%p.burst == 0 {
		return 20 * p.high
	}
	if p.parallel && d.chance(0.6) {
		return d.between(50*time.Microsecond, 3*time.Millisecond)
	}
	if p.human {
		return 300*time.Millisecond + min(d.skewed(p.low, 0.8), 20*time.Minute)
	}
	return d.between(p.low, p.high)
}

// referers is what a bot sends as its Referer.
type referers int

const (
	noReferers referers = iota
	constantReferer
	sameSiteReferer // the home page, for every request
	chainedReferer  // the previous page
	searchReferer   // a search engine, each time with another query
)

// agents is how a bot changes its user agent.
type agents int

const (
	oneAgent agents = iota
	realAgents
	madeUpAgents
)

// reach is the range of addresses that a bot sends from.
type reach int

const (
	oneAddress reach = iota
	inNetwork        // a /24, or a /64
	inPrefix         // a /48
	swarming         // many networks, a few requests from each
)

// hiding is what a bot does to avoid detection.
type hiding struct {
	referer  referers
	forged   string
	agents   agents
	reach    reach
	each     int // requests from an address, and with an agent
	assets   float64
	keeps    bool // sessions
	resident []netip.Addr
	next     int // request at which the address changes
}

func (h *hiding) String() string {
	parts := []string{}
	for _, p := range []struct {
		yes  bool
		name string
	}{{h.referer != noReferers, "referer"}, {h.agents == realAgents, "agents"}, {h.agents == madeUpAgents, "made-up"}, {h.reach == inNetwork, "network"}, {h.reach == inPrefix, "prefix"},
		{h.reach == swarming, "swarm"}, {h.assets > 0, "assets"}, {h.keeps, "session"}} {
		if p.yes {
			parts = append(parts, p.name)
		}
	}
	return strings.Join(parts, "+")
}

// act executes one errand.
func (b *bot) act(w *World, at time.Duration) (time.Duration, bool) {
	d := w.dice
	b.turn(w)
	e := b.aim(w, b)
	end := b.run(w, at, &e)
	b.done++
	if b.left--; b.left > 0 {
		if !b.pace.parallel && b.pace.high > 30*time.Millisecond {
			at = end // it waits for the answer
		}
		return at + b.pace.pause(d, b.done), true
	}
	if b.again == 0 {
		return 0, false
	}
	b.again--
	b.left = b.total
	if d.chance(0.5) { // checks whether it is still locked out
		b.left = d.from(1, 6)
	}
	return at + d.skewed(pick(d, []time.Duration{40 * time.Second, 6 * time.Minute, 50 * time.Minute, 5 * time.Hour}), 0.7), true
}

// turn changes the address and the user agent.
func (b *bot) turn(w *World) {
	d, h := w.dice, &b.hides
	if b.done < h.next {
		return
	}
	h.next = b.done + h.each
	switch h.reach {
	case inNetwork:
		b.addr = d.near(b.addr)
	case inPrefix:
		b.addr = d.siblingNet(b.addr)
	case swarming:
		b.addr = pick(d, h.resident)
		b.answered = false
	}
	switch h.agents {
	case realAgents:
		b.program = pick(d, b.programs)
	case madeUpAgents:
		p := *b.program
		p.agent = d.madeUp()
		b.program = &p
	}
}

// run sends the request of an errand, and the page's assets if the bot fetches those.
func (b *bot) run(w *World, at time.Duration, e *errand) time.Duration {
	s := b.site
	if e.page != nil && b.program.engine != library {
		return b.browse(w, at, e)
	}
	if e.page != nil {
		e.target, e.status = e.page.target, 200
		if e.page.gone {
			e.status = 404
		}
	}
	a := ask{load: e.load, method: e.method, host: e.host, target: e.target, json: e.body, referer: b.forge(w)}
	if a.method == "" {
		a.method = "GET"
	}
	if a.host == "" {
		a.host = s.entry()
	}
	if a.referer == "" {
		b.from = ""
	}
	if e.status == 304 {
		a.known = `"` + fmt.Sprintf("%x", hash(e.target)) + `"`
	}
	r := w.send(&b.client, s, at, &a, b.from)
	end := at + w.respond(s, r, e.status)
	if e.load.navigates() && b.program.engine != library || b.hides.referer == chainedReferer {
		b.from = s.origin + e.target
	}
	if b.hides.assets > 0 && e.load.navigates() {
		p := e.page
		if p == nil { // to look as if it had loaded one
			p = s.page(w.dice)
		}
		b.take(w, p, end)
	}
	return end
}

// browse opens a page in a browser that the bot drives.
func (b *bot) browse(w *World, at time.Duration, e *errand) time.Duration {
	switch b.hides.referer {
	case noReferers:
		b.from = ""
	case chainedReferer:
	default:
		b.from = b.forge(w)
	}
	return w.open(&b.visitor, e.page, at, ask{})
}

// forge returns the referer of the next request: empty, or a page.
func (b *bot) forge(w *World) string {
	d, s := w.dice, b.site
	switch b.hides.referer {
	case constantReferer:
		return b.hides.forged
	case sameSiteReferer:
		return s.origin + "/"
	case chainedReferer:
		return b.from
	case searchReferer:
		return b.hides.forged + "search?q=" + d.query("+")
	}
	return ""
}

// take fetches some of a page's assets.
func (b *bot) take(w *World, p *page, at time.Duration) {
	d, s := w.dice, b.site
	for _, a := range s.shared {
		if s.assetsHere && (!b.cached || b.hides.assets > 0.9) && d.chance(b.hides.assets) {
			at += d.between(time.Millisecond, 60*time.Millisecond)
			b.grab(w, a.target, a.load, p, at)
		}
	}
	for _, target := range p.images {
		if s.imagesHere && d.chance(b.hides.assets) {
			at += d.between(time.Millisecond, 60*time.Millisecond)
			b.grab(w, target, forImage, p, at)
		}
	}
	b.cached = b.hides.keeps
}

func (b *bot) grab(w *World, target string, l load, p *page, at time.Duration) {
	a := ask{load: l, method: "GET", host: b.site.host, target: target, referer: b.site.origin + p.target}
	if w.dice.chance(0.2) {
		a.referer = ""
	}
	r := w.send(&b.client, b.site, at, &a, "")
	w.respondFile(r, 200)
}
