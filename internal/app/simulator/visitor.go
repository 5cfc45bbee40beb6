package simulator

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// visitor makes requests: an address and a browser with its habits. Bots are visitors with other
// habits.
type visitor struct {
	addr     netip.Addr
	browser  browser
	language string

	cookie       string // sent from now on
	refusesAll   bool   // never sends a cookie
	hidesReferer bool
	bare         bool // sends User-Agent and Accept, and no other header of a browser
	cached       bool // has the shared assets and does not request them
	revalidates  bool // has everything and revalidates it
}

// newPerson returns a visitor with a browser of the list, or now and then an odd one. One in
// fourteen keeps cookies and referers from the site.
func newPerson(w *world, addr netip.Addr, browsers []browser, resumed bool) *visitor {
	v := &visitor{addr: addr, browser: pick(w, browsers), language: pick(w, languages)}
	if w.chance(0.04) {
		v.browser = pick(w, oddBrowsers)
	}
	if w.chance(0.07) {
		v.refusesAll, v.hidesReferer = true, true
	}
	if resumed {
		v.cached = true
		v.acceptCookie(w)
	}
	return v
}

// newBot returns a program with its own address that looks like a browser or, if bare, only has its
// user agent.
func newBot(w *world, bare bool) *visitor {
	return &visitor{addr: w.botAddr(), browser: pick(w, desktopBrowsers), language: pick(w, languages), bare: bare, refusesAll: true}
}

// newTool returns a program that sends a user agent, if any, and hardly anything else.
func newTool(w *world, agent string) *visitor {
	return &visitor{addr: w.botAddr(), browser: browser{agent: agent}, bare: true, refusesAll: true}
}

func (v *visitor) acceptCookie(w *world) {
	if !v.refusesAll && v.cookie == "" {
		v.cookie = fmt.Sprintf("sid=%016x", w.Uint64())
	}
}

// visit appends a page and, after the answer, the assets that the browser still needs, spread over
// a few hundred milliseconds. from is the URL of the linking page, or empty.
func (v *visitor) visit(w *world, at time.Duration, host, target, from string, dst []Request) []Request {
	page := v.navigate(at, http.MethodGet, host, target, from)
	if v.revalidates {
		page.IfNoneMatch = etag(target)
	}
	dst = append(dst, page)
	v.acceptCookie(w) // of the answer
	at += Respond(host, http.MethodGet, target).Delay + w.between(30*time.Millisecond, 120*time.Millisecond)
	if v.browser.textOnly {
		return dst
	}
	pageURL := "https://" + host + target
	if !v.cached {
		v.cached = true
		dst, at = v.load(w, at, sharedAssets, pageURL, dst)
	}
	dst, _ = v.load(w, at, images(target), pageURL, dst)
	return dst
}

// load appends the assets of a page and returns the time of the last one.
func (v *visitor) load(w *world, at time.Duration, list []asset, pageURL string, dst []Request) ([]Request, time.Duration) {
	for _, a := range list {
		r := v.request(at, http.MethodGet, WWW, a.target)
		v.describe(&r, "no-cors", a.dest, pageURL)
		if v.revalidates {
			r.IfNoneMatch = etag(a.target)
		}
		dst = append(dst, r)
		at += w.between(4*time.Millisecond, 70*time.Millisecond)
	}
	return dst, at
}

// navigate returns a request for a page, by a link or a form.
func (v *visitor) navigate(at time.Duration, method, host, target, from string) Request {
	r := v.request(at, method, host, target)
	v.describe(&r, "navigate", "document", from)
	return r
}

// call returns a request of a script in the page.
func (v *visitor) call(at time.Duration, method, host, target, from string) Request {
	r := v.request(at, method, host, target)
	v.describe(&r, "cors", "empty", from)
	if !v.bare && method != http.MethodOptions {
		r.RequestedWith = "XMLHttpRequest"
	}
	return r
}

// request returns what all requests of the visitor have in common.
func (v *visitor) request(at time.Duration, method, host, target string) Request {
	r := Request{
		At: at, Client: v.addr, Method: method, Host: host, Target: target,
		UserAgent: v.browser.agent, Accept: "*/*", AcceptEncoding: "gzip", Cookie: v.cookie,
	}
	if !v.bare {
		r.AcceptLanguage = v.language
		r.AcceptEncoding = "gzip, deflate, br, zstd"
		r.ClientHints = v.browser.hints
	}
	return r
}

// describe adds the headers by which a browser declares the purpose of a request.
func (v *visitor) describe(r *Request, mode, dest, from string) {
	if !v.hidesReferer {
		r.Referer = refererFor(r.Host, from)
	}
	if v.bare {
		return
	}
	switch dest {
	case "document":
		r.Accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	case "image":
		r.Accept = "image/avif,image/webp,image/*,*/*;q=0.8"
	case "style":
		r.Accept = "text/css,*/*;q=0.1"
	}
	if !v.browser.plain {
		r.FetchSite, r.FetchMode, r.FetchDest = fetchSite(r.Host, from), mode, dest
	}
}

// refererFor returns the referer that browsers send by default: the whole URL within a host, and
// only the origin to others.
func refererFor(host, from string) string {
	origin, rest, ok := strings.Cut(strings.TrimPrefix(from, "https://"), "/")
	if !ok || origin == host {
		return from
	}
	return from[:len(from)-len(rest)]
}

func fetchSite(host, from string) string {
	origin, _, _ := strings.Cut(strings.TrimPrefix(from, "https://"), "/")
	switch {
	case from == "":
		return "none"
	case origin == host:
		return "same-origin"
	case strings.HasSuffix(origin, ".demo.test"):
		return "same-site"
	}
	return "cross-site"
}

func etag(target string) string { return fmt.Sprintf("%q", fmt.Sprintf("%x", hash(target))) }
