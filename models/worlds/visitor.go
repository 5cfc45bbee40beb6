package worlds

import (
	"fmt"
	"time"
)

// visitor is a browser on a site, used by a person or a program.
type visitor struct {
	client
	site   *site
	from   string // URL of the current page; before a visit that of the linking page; empty: none
	loaded bool   // whether a single-page app is running
	cached bool   // whether it has the shared assets
	seen   [4]uint64
	moved  bool // whether it has requested an icon

	images bool // whether it shows pictures
	assets bool // whether it fetches assets
}

// visits records a page and reports whether it was visited before, which sometimes is forgotten.
func (v *visitor) visits(target string) bool {
	h := hash(target)
	word, bit := h>>6&3, uint64(1)<<(h&63)
	before := v.seen[word]&bit != 0
	v.seen[word] |= bit
	return before
}

// open loads a page with its assets as a browser does, and returns when the page itself has been
// answered.
func (w *World) open(v *visitor, p *page, at time.Duration, a ask) time.Duration {
	d, s := w.dice, v.site
	a.load, a.method, a.host = forPage, "GET", s.host
	if d.chance(s.redirect) && !a.reload {
		a.target = p.target + pick(d, []string{"?", "?from=", "/"})
		first := w.send(&v.client, s, at, &a, v.from)
		at += w.respond(s, first, pick(d, []int{301, 302, 302, 303})) + d.between(5*time.Millisecond, 90*time.Millisecond)
		a.referer = first.Refer
	}
	a.target = p.target
	again := v.visits(p.target)
	status := 200
	switch {
	case p.gone:
		status = pick(d, []int{404, 404, 410, 301})
	case again && d.chance(0.15):
		status, a.known = 304, `W/"`+fmt.Sprintf("%x", hash(p.target))+`"`
	}
	r := w.send(&v.client, s, at, &a, v.from)
	at += w.respond(s, r, status)
	v.from = s.origin + p.target
	if v.assets && !a.prefetch {
		w.parts(v, p, at, again && !a.reload, status)
	}
	return at
}

// parts fetches the assets of a page: the fewer, the more are cached.
func (w *World) parts(v *visitor, p *page, at time.Duration, again bool, status int) {
	d, s := w.dice, v.site
	at += d.between(15*time.Millisecond, 160*time.Millisecond)
	if s.assetsHere && (!v.cached || d.chance(0.02)) {
		for _, a := range s.shared {
			w.fetch(v, a.target, a.load, at, v.cached)
			at += d.between(time.Millisecond, 30*time.Millisecond)
		}
	}
	if v.images && s.imagesHere && !again && status == 200 {
		for _, target := range p.images {
			w.fetch(v, target, forImage, at, false)
			at += d.between(time.Millisecond, 50*time.Millisecond)
			if d.chance(0.04) { // further down
				at += d.between(time.Second, 8*time.Second)
			}
		}
	}
	if !v.cached {
		w.icons(v, at)
	}
	v.cached, v.loaded = true, true
	if status < 400 {
		w.scripts(v, at)
	}
}

func (w *World) fetch(v *visitor, target string, l load, at time.Duration, known bool) {
	status := 200
	a := ask{load: l, method: "GET", host: v.site.host, target: target}
	if known {
		a.known, status = `"`+fmt.Sprintf("%x", hash(target))+`"`, 304
	}
	if w.dice.chance(v.site.dead / 4) {
		status = 404
	}
	w.respondFile(w.send(&v.client, v.site, at, &a, v.from), status)
}

// icons requests the icons that no page has named.
func (w *World) icons(v *visitor, at time.Duration) {
	d := w.dice
	if v.site.favicon == 0 || v.moved {
		return
	}
	v.moved = true
	at += d.between(30*time.Millisecond, 900*time.Millisecond)
	a := ask{load: forImage, method: "GET", host: v.site.host, target: "/favicon.ico"}
	w.respondFile(w.send(&v.client, v.site, at, &a, v.from), v.site.favicon)
	if v.program.engine == webkit && d.chance(0.25) {
		for _, target := range []string{"/apple-touch-icon-precomposed.png", "/apple-touch-icon.png"} {
			at += d.between(5*time.Millisecond, 60*time.Millisecond)
			a := ask{load: forImage, method: "GET", host: v.site.host, target: target}
			w.respondFile(w.send(&v.client, v.site, at, &a, ""), v.site.favicon)
		}
	}
}

// scripts sends the requests of a page's scripts when it is loaded.
func (w *World) scripts(v *visitor, at time.Duration) {
	d, s := w.dice, v.site
	n := d.n(s.callsEach + 1)
	if s.single {
		n = max(n, 1)
	}
	for range n {
		at += d.between(10*time.Millisecond, 500*time.Millisecond)
		w.call(v, at, "GET")
	}
	if s.tracker != "" && d.chance(0.8) {
		a := ask{load: forCall, method: "POST", host: s.host, target: s.tracker}
		w.respondFile(w.send(&v.client, s, at+d.between(100*time.Millisecond, 4*time.Second), &a, v.from), 204)
	}
}

// call is one request of a script, after a preflight if the API is on another host.
func (w *World) call(v *visitor, at time.Duration, method string) {
	if s := v.site; len(s.fetches) > 0 {
		w.callFor(v, s.fetches[w.dice.rank(len(s.fetches))], at, method)
	}
}

func (w *World) callFor(v *visitor, target string, at time.Duration, method string) *Request {
	d, s := w.dice, v.site
	if s.calls != s.host && d.chance(0.3) {
		a := ask{load: forCall, method: "OPTIONS", host: s.calls, target: target}
		w.respondFile(w.send(&v.client, s, at, &a, v.from), 204)
		at += d.between(8*time.Millisecond, 90*time.Millisecond)
	}
	a := ask{load: forCall, method: method, host: s.calls, target: target, json: s.json, xhr: s.xhr}
	status := 200
	switch {
	case d.chance(0.03):
		status = 204
	case d.chance(0.004):
		status = pick(d, []int{400, 401, 404, 500})
	}
	r := w.send(&v.client, s, at, &a, v.from)
	w.respond(s, r, status)
	if status == 200 {
		r.Bytes = d.logUniform(40, 40_000)
	}
	return r
}

// submit sends a form, and follows its redirect.
func (w *World) submit(v *visitor, target string, at time.Duration, status int) time.Duration {
	d, s := w.dice, v.site
	a := ask{load: forForm, method: "POST", host: s.host, target: target}
	if s.single {
		a.load, a.json, a.xhr = forCall, s.json, s.xhr
	}
	r := w.send(&v.client, s, at, &a, v.from)
	at += w.respond(s, r, status)
	if status == 302 || status == 303 {
		p := pick(d, s.pages[home])
		return w.open(v, p, at+d.between(5*time.Millisecond, 80*time.Millisecond), ask{})
	}
	return at
}

// download fetches a file, perhaps in parts.
func (w *World) download(v *visitor, at time.Duration) {
	d, s := w.dice, v.site
	if len(s.files) == 0 {
		return
	}
	target := s.files[d.rank(len(s.files))]
	n := 1
	if d.chance(0.15) {
		n = d.from(2, 8)
	}
	for i := range n {
		a := ask{load: forFile, method: "GET", host: s.host, target: target}
		status := 200
		if n > 1 {
			a.partial, status = fmt.Sprintf("bytes=%d-", i<<20), 206
		}
		r := w.send(&v.client, s, at, &a, v.from)
		r.Status, r.Bytes = status, d.logUniform(200_000, 900_000_000)/n
		r.Duration = d.between(100*time.Millisecond, longest)
		at += d.between(50*time.Millisecond, 4*time.Second)
	}
}
