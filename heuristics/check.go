package heuristics

import "github.com/headgate/headgate/featurestore/traffic"

// Request returns what is certain from the request alone: a finding from [FindingInjection] to
// [FindingForgedAgent], or [NoFinding].
func (r Rules) Request(ev *traffic.Event) Finding {
	if ev.Method == "" { // not HTTP
		return r.only(FindingMalformed)
	}
	if r.has(FindingInjection) && ev.Facts.Has(traffic.FactInjected) {
		return FindingInjection
	}
	plain := isPlainPath(ev.Path)
	if !plain || mayBeDamning(ev) {
		if f := r.path(ev, plain); f != NoFinding {
			return f
		}
	}
	if r.has(FindingMalformed) && (malformed(ev) || !plain && malformedPath(ev.Path)) {
		return FindingMalformed
	}
	switch f := r.agent(ev); {
	case f != NoFinding:
		return f
	case r.has(FindingForgedAgent) && FindContradictions(ev).Forged(ev):
		return FindingForgedAgent
	}
	return NoFinding
}

// path checks the path. It normalizes only a path that is not plain.
func (r Rules) path(ev *traffic.Event, plain bool) Finding {
	var buffer [MaxText]byte
	t := text{bytes: buffer[:]}
	t.set(ev.Path)
	if !plain {
		t.decode()
		t.flatten()
		if r.has(FindingInjection) && (climbs(t.plain()) || hasNull(t.plain()) ||
			has(t.plain(), anywhere)) {
			return FindingInjection
		}
	}
	t.trim()
	if r.has(FindingDamningPath) && damning(t.plain(), ev.Host) {
		return FindingDamningPath
	}
	return NoFinding
}

// agent checks what the user agent declares.
func (r Rules) agent(ev *traffic.Event) Finding {
	switch {
	case ev.Facts.Has(traffic.FactAgentUnknown) ||
		!r.has(FindingHeadless) && !r.has(FindingDeclaredTool) && !r.has(FindingDeclaredCrawler) &&
			ev.UserAgent != "":
		return NoFinding
	case ev.UserAgent == "":
		return r.only(FindingNoAgent)
	}
	facts := traffic.ParseAgent(ev.UserAgent)
	switch {
	case r.has(FindingHeadless) && facts[traffic.AgentHeadless] != 0:
		return FindingHeadless
	case r.has(FindingDeclaredTool) && facts[traffic.AgentTool] != 0:
		return FindingDeclaredTool
	case r.has(FindingDeclaredCrawler) && facts[traffic.AgentCrawler] != 0:
		return FindingDeclaredCrawler
	}
	return NoFinding
}

func (r Rules) only(f Finding) Finding {
	if r.has(f) {
		return f
	}
	return NoFinding
}

// WithHistory returns the finding on a request, given the result f of Request and the history of
// its client.
func (r Rules) WithHistory(f Finding, ev *traffic.Event, h *History) Finding {
	switch {
	case f != NoFinding:
		return f
	case r.has(FindingFirstFetch) && h.begins() && isPagesOwn(ev):
		return FindingFirstFetch
	case h.known():
		return NoFinding
	}
	return r.only(FindingUnknownClient)
}

// isPagesOwn reports whether a page of the site seems to send the request: a script, or the page
// for its parts. Browsers say so in Sec-Fetch-Mode and -Site, older ones in the Referer. Any client
// can claim it: it only means that the request may be a person's.
func isPagesOwn(ev *traffic.Event) bool {
	if ev.Facts.Has(traffic.FactSecFetch | traffic.FactClaimsKnown) {
		site := ev.Facts.FetchSite()
		return (site == traffic.FetchSiteSameOrigin || site == traffic.FetchSiteSameSite) &&
			ev.Facts.FetchMode() != traffic.FetchModeNavigate &&
			!ev.Facts.Has(traffic.FactFetchOdd)
	}
	return ev.Facts.Has(traffic.FactReferer|traffic.FactRefererSame) &&
		traffic.ClassifyPath(ev.Path) != traffic.PathPage ||
		ev.Facts.Has(traffic.FactXHR|traffic.FactRefererSame)
}

// maxHeaders is more than browsers and proxies send, which is about 30 fields.
const maxHeaders = 100

// malformed reports what no browser sends, apart from the path, since browsers follow the
// standards.
func malformed(ev *traffic.Event) bool {
	switch ev.Method {
	case "CONNECT", "TRACE", "TRACK", "DEBUG":
		return true
	}
	nameless := ev.Host == "" && ev.Facts.Has(traffic.FactHeadersKnown) &&
		!ev.Facts.Has(traffic.FactHostUnknown) && (ev.Version == 10 || ev.Version == 11)
	return nameless || hasSmall(ev.Method) || ev.Headers > maxHeaders || hasControl(ev.UserAgent)
}

// malformedPath reports whether a path that is not plain has bytes that browsers escape by the URL
// standard, or does not begin at the root.
func malformedPath(path string) bool {
	if path == "" || path[0] != '/' && path != "*" {
		return true
	}
	for i := range len(path) {
		switch c := path[i]; {
		case c <= ' ', c == 0x7f, c == '"', c == '<', c == '>', c == '\\':
			return true
		}
	}
	return false
}

// hasSmall reports whether a method has a small letter. A reader of logs takes such a line as not
// HTTP.
func hasSmall(method string) bool {
	for i := range len(method) {
		if c := method[i]; 'a' <= c && c <= 'z' {
			return true
		}
	}
	return false
}

// hasControl reports whether text has a control character other than a tab. It checks eight bytes
// at a time.
func hasControl(text string) bool {
	for len(text) >= 8 {
		if w := firstWord(text); (w-0x2020202020202020)&^w&highBits != 0 ||
			((w^0x7f7f7f7f7f7f7f7f)-lowBits)&^(w^0x7f7f7f7f7f7f7f7f)&highBits != 0 {
			break
		}
		text = text[8:]
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// The highest and the lowest bit of each byte of a word.
const (
	highBits = 0x8080808080808080
	lowBits  = 0x0101010101010101
)

// firstWord returns the first eight bytes of text, which the compiler reads with one load.
func firstWord(text string) uint64 {
	_ = text[7]
	return uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
		uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
}
