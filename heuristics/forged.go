package heuristics

import "github.com/headgate/headgate/featurestore/traffic"

// FindContradictions returns how ev differs from the browser that its user agent claims. It returns
// 0 if the user agent is not, in every byte, that of a browser whose wire is known, and if the TLS
// hello is unknown.
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
	case c.isOfApps() && h.maySend(c.engine) && lacksFetch(ev):
		return connection
	}
	return connection | c.fields(ev, &wire)
}

// compareConnection compares the connection with those of an engine. It also returns the engine
// with which to compare the header fields: the claimed one, or another one that the whole
// connection fits.
func compareConnection(h *hello, wire *traffic.WireFacts,
	claimed traffic.Engine) (found Contradictions, sender traffic.Engine) {
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
	if lacksFetch(ev) && (c.since(fetchChromium, fetchGecko) ||
		c.engine == traffic.EngineWebKit && c.version >= fetchWebKit) {
		found |= ContradictionNoFetch
	}
	if hints && (c.engine != traffic.EngineChromium || f.Has(traffic.FactHintsVersion)) {
		found |= ContradictionOddHints
	}
	if navigates && !hints && c.since(hintsChromium, never) {
		found |= ContradictionNoHints
	}
	if navigates && ev.Version >= 20 && !f.Has(traffic.FactPrioritySent) &&
		c.since(priorityChromium, priorityGecko) {
		found |= ContradictionNoPriority
	}
	if f.FetchMode() != traffic.FetchModeNoCORS {
		found |= c.encodings(f.Encoding())
	}
	return found
}

// encodings checks the newest encoding that is accepted. Media are requested without encodings, and
// Zstandard can be switched off.
func (c *claim) encodings(newest traffic.EncodingKind) (found Contradictions) {
	switch {
	case newest != traffic.EncodingGzip:
		return 0
	case c.since(zstdChromium, zstdGecko):
		return ContradictionNoBrotli | ContradictionNoZstandard
	}
	return ContradictionNoBrotli
}

// lacksFetch reports whether a fetch has no Sec-Fetch fields. A WebSocket and a report of errors,
// which have no Accept, are not fetches.
func lacksFetch(ev *traffic.Event) bool {
	f := ev.Facts
	noFetch := f.Accept() == traffic.AcceptNone && f.Has(traffic.FactAcceptLanguage) &&
		(ev.Version < 20 || ev.Method != "GET")
	return !f.Has(traffic.FactSecFetch) && !noFetch
}

// otherFields compares the header fields with those of the browser that a connection fits, while
// the user agent names another. People do that with extensions and developer tools. The version in
// the user agent means nothing then.
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
func sharedFields(ev *traffic.Event, wire *traffic.WireFacts,
	engine traffic.Engine) (found Contradictions) {
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
	if engine == traffic.EngineChromium && navigates && f.FetchSite() == traffic.FetchSiteNone &&
		!clicked {
		found |= ContradictionOddFetchUser
	}
	// A script may put its Accept first.
	if wire.AgentAccept == traffic.OrderReversed && (navigates || !f.Has(traffic.FactSecFetch)) ||
		engine == traffic.EngineGecko && wire.EncodingLanguage == traffic.OrderAsNamed {
		found |= ContradictionOddOrder
	}
	return found
}

// webKitFields checks WebKit, which has no Sec-Fetch-User (https://webkit.org/b/247697) and does
// not request an upgrade over TLS.
func webKitFields(f traffic.Facts) (found Contradictions) {
	if f.Has(traffic.FactFetchUser) {
		found |= ContradictionOddFetchUser
	}
	if f.Has(traffic.FactUpgradeSent) {
		found |= ContradictionOddUpgrade
	}
	return found
}

// mayBeReferer reports whether the Sec-Fetch fields may contradict the Referer only. That depends
// on the request's host, which a proxy before this one may have changed.
func mayBeReferer(f traffic.Facts) bool {
	site := f.FetchSite()
	return f.Has(traffic.FactReferer) && (site == traffic.FetchSiteNone ||
		site == traffic.FetchSiteSameOrigin && !f.Has(traffic.FactRefererSame))
}
