package heuristics

import "github.com/headgate/headgate/featurestore/traffic"

// FindContradictions returns what of ev contradicts the browser that its user agent claims. It returns none where the agent is not, to the
// last byte, that of a browser whose wire is known, and where nobody saw the TLS hello.
func FindContradictions(ev *traffic.Event) Contradictions {
	h := parseHello(ev.JA4)
	if h.ja4 == "" {
		return 0
	}
	c := parseClaim(ev.UserAgent)
	if c.engine == traffic.EngineNone {
		return 0
	}
	wire := ev.Wire.Facts()
	connection, sender := compareConnection(&h, &wire, c.engine)
	switch {
	case !ev.Facts.Has(traffic.FactHeadersKnown | traffic.FactClaimsKnown):
		return connection
	case sender != c.engine:
		return connection | otherFields(ev, &wire, sender)
	case c.isOfApps() && h.isOf(c.engine) && lacksFetch(ev):
		return connection
	}
	return connection | c.fields(ev, &wire)
}

// compareConnection compares the connection with what an engine's is like. It also returns the engine by whose habits the header
// fields are to be judged: the claimed one, or another one whose connection this is in all its parts.
func compareConnection(h *hello, wire *traffic.WireFacts, claimed traffic.Engine) (found Contradictions, sender traffic.Engine) {
	if h.isLibrary() {
		found |= ContradictionLibrary
	}
	fits, by := h.fits(claimed), traffic.EngineNone
	switch {
	case wire.Pseudo != 0:
		by = setupEngine(wire)
	case fits:
		by = claimed
	default:
		by = h.engine()
	}
	if by != claimed && by != traffic.EngineNone && h.fits(by) {
		return found | ContradictionOtherBrowser, by
	}
	if !fits {
		found |= ContradictionOddHello
	}
	if wire.Pseudo != 0 && by != claimed || wire.Seen && wire.Pseudo == 0 && isOddHTTP1(wire) {
		found |= ContradictionOddSetup
	}
	return found, claimed
}

// fields compares the header fields with those of the claimed browser.
func (c *claim) fields(ev *traffic.Event, wire *traffic.WireFacts) Contradictions {
	f := ev.Facts
	navigates, hints := f.FetchMode() == traffic.FetchModeNavigate, f.Has(traffic.FactHintsSent)
	found := sharedFields(ev, wire, c.engine)
	if lacksFetch(ev) && (c.since(fetchChromium, fetchGecko) || c.engine == traffic.EngineWebKit && c.version >= fetchWebKit) {
		found |= ContradictionNoFetch
	}
	if hints && (c.engine != traffic.EngineChromium || f.Has(traffic.FactHintsVersion)) {
		found |= ContradictionOddHints
	}
	if navigates && !hints && c.since(hintsChromium, never) {
		found |= ContradictionNoHints
	}
	if navigates && ev.Version >= 20 && !f.Has(traffic.FactPrioritySent) && c.since(priorityChromium, priorityGecko) {
		found |= ContradictionNoPriority
	}
	if f.FetchMode() != traffic.FetchModeNoCORS {
		found |= c.encodings(f.Encoding())
	}
	return found
}

// encodings compares the newest encoding that is taken. Media are asked for in none, and Zstandard alone may be switched off.
func (c *claim) encodings(newest traffic.EncodingKind) (found Contradictions) {
	switch {
	case newest != traffic.EncodingGzip:
		return 0
	case c.since(zstdChromium, zstdGecko):
		return ContradictionNoBrotli | ContradictionNoZstandard
	}
	return ContradictionNoBrotli
}

// lacksFetch reports whether a fetch has no Sec-Fetch fields. To open a WebSocket and to report errors are no fetches; neither has
// an Accept.
func lacksFetch(ev *traffic.Event) bool {
	f := ev.Facts
	noFetch := f.Accept() == traffic.AcceptNone && f.Has(traffic.FactAcceptLanguage) && (ev.Version < 20 || ev.Method != "GET")
	return !f.Has(traffic.FactSecFetch) && !noFetch
}

// otherFields compares the header fields with those of a browser that goes by the name of another one. People do that, by an
// extension or a developer's tools. Versions and what else is of the name mean nothing then.
func otherFields(ev *traffic.Event, wire *traffic.WireFacts, engine traffic.Engine) Contradictions {
	found := sharedFields(ev, wire, engine)
	if engine != traffic.EngineWebKit && lacksFetch(ev) {
		found |= ContradictionNoFetch
	}
	if engine != traffic.EngineChromium && ev.Facts.Has(traffic.FactHintsSent) {
		found |= ContradictionOddHints
	}
	return found
}

// sharedFields compares the header fields with what all versions of an engine have in common.
func sharedFields(ev *traffic.Event, wire *traffic.WireFacts, engine traffic.Engine) (found Contradictions) {
	f := ev.Facts
	if f.Has(traffic.FactFetchOdd) && !mayBeReferer(f) {
		found |= ContradictionOddFetch
	}
	if wire.Seen && wire.Pseudo == 0 && !wire.HostFirst {
		found |= ContradictionOddOrder
	}
	if engine == traffic.EngineWebKit {
		return found | webKitFields(f)
	}
	navigates, clicked := f.FetchMode() == traffic.FetchModeNavigate, f.Has(traffic.FactFetchUser)
	if navigates && !f.Has(traffic.FactUpgradeSent) {
		found |= ContradictionOddUpgrade
	}
	if clicked && f.Accept() != traffic.AcceptDocument {
		found |= ContradictionOddAccept
	}
	if engine == traffic.EngineChromium && navigates && f.FetchSite() == traffic.FetchSiteNone && !clicked {
		found |= ContradictionOddFetchUser
	}
	// A script may put its Accept first.
	if wire.AgentAccept == traffic.OrderReversed && (navigates || !f.Has(traffic.FactSecFetch)) || engine == traffic.EngineGecko && wire.EncodingLanguage == traffic.OrderAsNamed {
		found |= ContradictionOddOrder
	}
	return found
}

// webKitFields: it has no Sec-Fetch-User (https://webkit.org/b/247697), and asks for no better protocol than TLS.
func webKitFields(f traffic.Facts) (found Contradictions) {
	if f.Has(traffic.FactFetchUser) {
		found |= ContradictionOddFetchUser
	}
	if f.Has(traffic.FactUpgradeSent) {
		found |= ContradictionOddUpgrade
	}
	return found
}

// mayBeReferer reports whether it may be the Referer that the Sec-Fetch fields contradict. That depends on the request's host,
// which a proxy before this one may have changed.
func mayBeReferer(f traffic.Facts) bool {
	site := f.FetchSite()
	return f.Has(traffic.FactReferer) && (site == traffic.FetchSiteNone || site == traffic.FetchSiteSameOrigin && !f.Has(traffic.FactRefererSame))
}
