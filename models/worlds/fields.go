package worlds

// load is the purpose of a request.
type load int

const (
	forPage load = iota
	forStyle
	forScript
	forImage
	forFont
	forCall // fetch or XMLHttpRequest
	forForm // a form that was sent, which navigates
	forFile // a download, which navigates
	forFrame
)

var destinations = [...]string{forPage: "document", forStyle: "style", forScript: "script", forImage: "image", forFont: "font", forCall: "empty",
	forForm: "document", forFile: "document", forFrame: "iframe"}

func (l load) navigates() bool { return l == forPage || l == forForm || l == forFile || l == forFrame }

// ask is a request that a program is to send.
type ask struct {
	load     load
	method   string
	host     string // the target's host
	target   string
	origin   string // scheme and host of the requesting page; empty: none
	referer  string // as allowed by the site's policy
	relation string // Sec-Fetch-Site
	secure   bool
	version  int // of HTTP
	cookie   string
	language [3]string
	json     bool   // a call's body, and its Accept
	xhr      bool   // whether a call says that it is one
	reload   bool   // by the reload button
	known    string // ETag of the cached copy
	prefetch bool
	partial  string // Range
}

// Accept of pages.
const (
	acceptChromium = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
	acceptGecko    = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	acceptOldGecko = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
)

func (p *program) accept(a *ask) string {
	switch a.load {
	case forStyle:
		return "text/css,*/*;q=0.1"
	case forImage:
		if p.engine == gecko && p.version >= 128 {
			return "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
		}
		return "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
	case forScript, forFont:
		return "*/*"
	case forCall:
		if a.json {
			return "application/json, text/plain, */*"
		}
		return "*/*"
	}
	switch {
	case p.engine == chromium:
		return acceptChromium
	case p.engine == gecko && p.version < 132:
		return acceptOldGecko
	}
	return acceptGecko
}

func (p *program) encodings(a *ask) string {
	switch {
	case !a.secure:
		return "gzip, deflate"
	case p.engine == chromium && p.version >= 123, p.engine == gecko && p.version >= 126:
		return "gzip, deflate, br, zstd"
	}
	return "gzip, deflate, br"
}

func (a *ask) mode() string {
	switch {
	case a.load.navigates():
		return "navigate"
	case a.load == forCall || a.load == forFont:
		return "cors"
	}
	return "no-cors"
}

// urgency returns the value of Priority.
func (p *program) urgency(a *ask) string {
	switch a.load {
	case forPage, forForm, forFile, forFrame:
		return "u=0, i"
	case forStyle:
		if p.engine == chromium {
			return "u=0"
		}
		return "u=2"
	case forScript:
		return "u=1"
	case forImage:
		if p.engine == gecko {
			return "u=5, i"
		}
		return "u=2, i"
	}
	return "u=1, i"
}

// lines collects the fields of a request. An empty value is not sent.
type lines []Field

func (l *lines) add(name, value string) {
	if value != "" {
		*l = append(*l, Field{name, value})
	}
}

func when(yes bool, value string) string {
	if yes {
		return value
	}
	return ""
}

// originField returns Origin, which requests across origins have, and those that change something.
func (a *ask) originField() string {
	if a.load == forForm || a.load == forCall && (a.method != "GET" || a.relation != "same-origin") || a.load == forFont {
		return a.origin
	}
	return ""
}

func (a *ask) contentType() string {
	switch {
	case a.method != "POST" && a.method != "PUT":
		return ""
	case a.load == forForm:
		return "application/x-www-form-urlencoded"
	case a.json:
		return "application/json"
	}
	return "application/x-www-form-urlencoded; charset=UTF-8"
}

// appendFields appends the fields that the program sends for a.
func (p *program) appendFields(dst []Field, a *ask) []Field {
	l := lines(dst)
	h1 := a.version < 20
	switch p.engine {
	case chromium:
		if h1 {
			l.add("Connection", "keep-alive")
			p.chromium(&l, a, &titled)
		} else {
			p.chromium(&l, a, &lowered)
		}
	case gecko:
		if h1 {
			p.gecko(&l, a, &titled)
		} else {
			p.gecko(&l, a, &lowered)
		}
	case webkit:
		if h1 {
			p.webkit(&l, a, &titled)
		} else {
			p.webkit(&l, a, &lowered)
		}
	case textual:
		l.add("Accept", "text/html, text/plain, text/sgml, */*;q=0.01")
		l.add("Accept-Encoding", "gzip, compress")
		l.add("Accept-Language", "en")
		l.add("User-Agent", p.agent)
		l.add("Cookie", a.cookie)
		l.add("Referer", a.referer)
		l.add("Content-Type", a.contentType())
	case ancient:
		l.add("Accept", p.accept(a))
		l.add("Referer", a.referer)
		l.add("Accept-Language", a.language[2])
		l.add("User-Agent", p.agent)
		l.add("Content-Type", a.contentType())
		l.add("Accept-Encoding", "gzip, deflate")
		l.add("Connection", when(h1, "keep-alive"))
		l.add("Cookie", a.cookie)
	default:
		p.library(&l, a)
	}
	return l
}

// names are the names of the fields as HTTP/1 and HTTP/2 have them.
type names struct {
	agent, accept, encoding, language, referer, cookie, origin, upgrade, site, mode, user, dest, priority, kind, length, cache, match, xhr, partial, purpose string
}

var (
	titled = names{"User-Agent", "Accept", "Accept-Encoding", "Accept-Language", "Referer", "Cookie", "Origin", "Upgrade-Insecure-Requests", "Sec-Fetch-Site",
		"Sec-Fetch-Mode", "Sec-Fetch-User", "Sec-Fetch-Dest", "Priority", "Content-Type", "Content-Length", "Cache-Control", "If-None-Match", "X-Requested-With", "Range",
		"Sec-Purpose"}
	lowered = names{"user-agent", "accept", "accept-encoding", "accept-language", "referer", "cookie", "origin", "upgrade-insecure-requests", "sec-fetch-site",
		"sec-fetch-mode", "sec-fetch-user", "sec-fetch-dest", "priority", "content-type", "content-length", "cache-control", "if-none-match", "x-requested-with", "range",
		"sec-purpose"}
)

func (p *program) chromium(l *lines, a *ask, n *names) {
	navigates := a.load.navigates()
	mobile := "?0"
	if p.mobile {
		mobile = "?1"
	}
	l.add(n.length, when(a.contentType() != "", "86"))
	l.add(n.cache, when(a.reload, "max-age=0"))
	if a.secure && navigates {
		l.add("sec-ch-ua", p.hints)
		l.add("sec-ch-ua-mobile", mobile)
		l.add("sec-ch-ua-platform", p.platform)
	}
	l.add(n.origin, when(navigates, a.originField()))
	l.add(n.kind, when(navigates, a.contentType()))
	l.add(n.upgrade, when(navigates, "1"))
	l.add("sec-ch-ua-platform", when(a.secure && !navigates, p.platform))
	l.add(n.xhr, when(a.xhr && a.load == forCall, "XMLHttpRequest"))
	l.add(n.agent, p.agent)
	if a.secure && !navigates {
		l.add("sec-ch-ua", p.hints)
		l.add(n.kind, a.contentType())
		l.add("sec-ch-ua-mobile", mobile)
	}
	l.add(n.accept, p.accept(a))
	l.add(n.origin, when(!navigates, a.originField()))
	l.add(n.purpose, when(a.prefetch, "prefetch;prerender"))
	l.add("x-requested-with", when(navigates, p.inApp))
	if a.secure {
		l.add(n.site, a.relation)
		l.add(n.mode, a.mode())
		l.add(n.user, when(navigates && !a.prefetch && a.load != forFrame, "?1"))
		l.add(n.dest, destinations[a.load])
	}
	l.add(n.referer, a.referer)
	l.add(n.encoding, p.encodings(a))
	l.add(n.language, a.language[0])
	l.add(n.partial, a.partial)
	l.add(n.match, a.known)
	l.add(n.cookie, a.cookie)
	l.add(n.priority, when(a.secure && a.version >= 20 && p.version >= 124, p.urgency(a)))
}

func (p *program) gecko(l *lines, a *ask, n *names) {
	l.add(n.agent, p.agent)
	l.add(n.accept, p.accept(a))
	l.add(n.language, a.language[1])
	l.add(n.encoding, p.encodings(a))
	l.add(n.kind, a.contentType())
	l.add(n.length, when(a.contentType() != "", "86"))
	l.add(n.xhr, when(a.xhr && a.load == forCall, "XMLHttpRequest"))
	l.add(n.origin, a.originField())
	l.add("Connection", when(a.version < 20, "keep-alive"))
	l.add(n.referer, a.referer)
	l.add(n.cookie, a.cookie)
	l.add(n.upgrade, when(a.load.navigates(), "1"))
	if a.secure {
		l.add(n.dest, destinations[a.load])
		l.add(n.mode, a.mode())
		l.add(n.site, a.relation)
		l.add(n.user, when(a.load.navigates() && a.load != forFrame, "?1"))
	}
	l.add(n.partial, a.partial)
	l.add(n.match, a.known)
	l.add(n.priority, when(p.version >= 128, p.urgency(a)))
	l.add(n.cache, when(a.reload, "max-age=0"))
	l.add("te", when(a.version >= 20, "trailers"))
}

func (p *program) webkit(l *lines, a *ask, n *names) {
	l.add(n.dest, when(a.secure && p.version >= 16, destinations[a.load]))
	l.add(n.agent, p.agent)
	l.add(n.accept, p.accept(a))
	l.add(n.kind, a.contentType())
	l.add(n.length, when(a.contentType() != "", "86"))
	l.add(n.xhr, when(a.xhr && a.load == forCall, "XMLHttpRequest"))
	l.add(n.origin, a.originField())
	l.add(n.referer, a.referer)
	l.add(n.partial, a.partial)
	l.add(n.cache, when(a.reload, "max-age=0"))
	l.add(n.match, a.known)
	if a.secure && p.version >= 16 {
		l.add(n.site, a.relation)
		l.add(n.mode, a.mode())
	}
	l.add(n.language, a.language[2])
	l.add(n.priority, when(a.version >= 20 && p.version >= 17, p.urgency(a)))
	l.add(n.encoding, p.encodings(a))
	l.add("Connection", when(a.version < 20, "keep-alive"))
	l.add(n.cookie, a.cookie)
}

// library appends the library's own fields, then those of its script.
func (p *program) library(l *lines, a *ask) {
	for _, f := range p.fields {
		if f.Name == "User-Agent" || f.Name == "user-agent" {
			f.Value = p.agent
		}
		l.add(f.Name, f.Value)
	}
	n := &titled
	if a.version >= 20 {
		n = &lowered
	}
	l.add(n.kind, a.contentType())
	l.add(n.length, when(a.contentType() != "", "86"))
	l.add(n.referer, a.referer)
	l.add(n.cookie, a.cookie)
	l.add(n.partial, a.partial)
	l.add(n.match, a.known)
	l.add(n.xhr, when(a.xhr, "XMLHttpRequest"))
}
