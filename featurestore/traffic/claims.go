package traffic

import "strings"

// Claims are the header fields that say what the browser is and what the request is for. Scripts
// and libraries send them too, and often contradict themselves. A missing field is the empty
// string.
type Claims struct {
	UserAgent      string
	Hints          string // Sec-CH-UA
	HintsPlatform  string // Sec-CH-UA-Platform
	HintsMobile    string // Sec-CH-UA-Mobile
	FetchSite      string // Sec-Fetch-Site
	FetchMode      string // Sec-Fetch-Mode
	FetchDest      string // Sec-Fetch-Dest
	FetchUser      string // Sec-Fetch-User
	Accept         string
	AcceptEncoding string
	Priority       bool // Priority was sent
	Upgrade        bool // Upgrade-Insecure-Requests was sent
}

// FactClaimsKnown is set where the facts of [Claims] are known.
const FactClaimsKnown Facts = 1 << 15

// The facts of [Claims] are in the upper half of Facts. Some are codes of two bits, which methods
// of Facts return.
const (
	FactHintsSent Facts = 1 << (16 + iota) // Sec-CH-UA was sent
	// its version of Chromium is not the user agent's, or one of the two names none
	FactHintsVersion
	// it names a headless browser, or another product than the user agent
	FactHintsBrand
	// Sec-CH-UA-Platform or Sec-CH-UA-Mobile contradicts the user agent
	FactHintsPlatform
	fetchModeBit // two bits
	_
	fetchSiteBit // two bits
	_
	FactFetchUser // Sec-Fetch-User was sent: somebody clicked or typed
	FactFetchOdd  // the Sec-Fetch fields contradict each other or the Referer, or are not complete
	acceptBit     // two bits
	_
	encodingBit // two bits
	_
	FactPrioritySent // Priority was sent
	FactUpgradeSent  // Upgrade-Insecure-Requests was sent
)

// FetchMode is the value of Sec-Fetch-Mode.
type FetchMode uint8

// The modes. Their numbers do not change, since models know them.
const (
	FetchModeOther    FetchMode = 0 // none of these, or it was not sent
	FetchModeNavigate FetchMode = 1
	FetchModeNoCORS   FetchMode = 2 // what a page embeds
	FetchModeCORS     FetchMode = 3 // what a script asks for
)

// FetchSite is the value of Sec-Fetch-Site.
type FetchSite uint8

// The sites. Their numbers do not change.
const (
	FetchSiteNone       FetchSite = 0 // typed, a bookmark; or it was not sent
	FetchSiteSameOrigin FetchSite = 1
	FetchSiteSameSite   FetchSite = 2
	FetchSiteCross      FetchSite = 3
)

// AcceptKind is what Accept asks for.
type AcceptKind uint8

// The kinds. Their numbers do not change.
const (
	AcceptNone     AcceptKind = 0
	AcceptAll      AcceptKind = 1 // */*
	AcceptDocument AcceptKind = 2 // text/html first, as browsers do where they navigate
	AcceptOther    AcceptKind = 3
)

// EncodingKind is the newest of the encodings in Accept-Encoding.
type EncodingKind uint8

// The kinds. Their numbers do not change.
const (
	EncodingNone   EncodingKind = 0 // none of these
	EncodingGzip   EncodingKind = 1
	EncodingBrotli EncodingKind = 2
	EncodingZstd   EncodingKind = 3
)

// FetchMode returns the mode of the request.
func (f Facts) FetchMode() FetchMode { return FetchMode(f / fetchModeBit & 3) }

// FetchSite returns the site from which the request was made.
func (f Facts) FetchSite() FetchSite { return FetchSite(f / fetchSiteBit & 3) }

// Accept returns what the request asked for.
func (f Facts) Accept() AcceptKind { return AcceptKind(f / acceptBit & 3) }

// Encoding returns the newest encoding that the client takes.
func (f Facts) Encoding() EncodingKind { return EncodingKind(f / encodingBit & 3) }

// Facts returns the facts of c, which the caller adds to those of the request. Of known it uses
// whether there was a Referer, and whether that was of the same host. It allocates nothing.
func (c *Claims) Facts(known Facts) Facts {
	f := FactClaimsKnown | Facts(acceptKind(c.Accept))*acceptBit |
		Facts(encodingKind(c.AcceptEncoding))*encodingBit | c.hints() | c.fetch(known)
	if c.Priority {
		f |= FactPrioritySent
	}
	if c.Upgrade {
		f |= FactUpgradeSent
	}
	return f
}

func acceptKind(accept string) AcceptKind {
	switch {
	case accept == "":
		return AcceptNone
	case accept == "*/*":
		return AcceptAll
	case strings.HasPrefix(accept, "text/html"):
		return AcceptDocument
	}
	return AcceptOther
}

func encodingKind(encodings string) EncodingKind {
	switch {
	case strings.Contains(encodings, "zstd"):
		return EncodingZstd
	case strings.Contains(encodings, "br"):
		return EncodingBrotli
	case strings.Contains(encodings, "gzip"):
		return EncodingGzip
	}
	return EncodingNone
}

func (c *Claims) hints() (f Facts) {
	if c.Hints == "" {
		return 0
	}
	f = FactHintsSent
	if engine, version := ParseEngine(c.UserAgent); engine != EngineChromium ||
		version != brandVersion(c.Hints) {
		f |= FactHintsVersion
	}
	if strings.Contains(c.Hints, "Headless") ||
		hasProduct(c.UserAgent, " Edg") != strings.Contains(c.Hints, `"Microsoft Edge`) ||
		hasProduct(c.UserAgent, " OPR") != strings.Contains(c.Hints, `"Opera`) {
		f |= FactHintsBrand
	}
	mobile := strings.Contains(c.UserAgent, "Mobile")
	if !onPlatform(c.UserAgent, c.HintsPlatform) || mobile && c.HintsMobile == "?0" ||
		!mobile && c.HintsMobile == "?1" {
		f |= FactHintsPlatform
	}
	return f
}

// hasProduct reports whether name is a product of agent: of Edge "Edg/", on Android "EdgA/".
func hasProduct(agent, name string) bool {
	_, rest, ok := strings.Cut(agent, name)
	return ok && (strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "A/"))
}

// brandVersion returns the major version of Chromium in Sec-CH-UA, 0 where it has none.
func brandVersion(hints string) int {
	_, rest, ok := strings.Cut(hints, `"Chromium";v="`)
	if !ok {
		return 0
	}
	return leadingNumber(rest)
}

// onPlatform reports whether a user agent can be of a platform. A platform that is not known
// contradicts nothing.
func onPlatform(agent, platform string) bool {
	android := strings.Contains(agent, "Android")
	switch strings.Trim(platform, `"`) {
	case "Windows":
		return strings.Contains(agent, "Windows NT")
	case "macOS":
		return strings.Contains(agent, "Macintosh")
	case "Linux":
		return !android && strings.Contains(agent, "Linux")
	case "Android":
		return android
	case "Chrome OS", "Chromium OS":
		return strings.Contains(agent, "CrOS")
	}
	return true
}

func (c *Claims) fetch(known Facts) (f Facts) {
	if c.FetchMode == "" {
		if c.FetchSite != "" || c.FetchDest != "" || c.FetchUser != "" {
			return FactFetchOdd
		}
		return 0
	}
	mode, modeKnown := fetchMode(c.FetchMode)
	site, siteKnown := fetchSite(c.FetchSite)
	f = Facts(mode)*fetchModeBit | Facts(site)*fetchSiteBit
	if c.FetchUser != "" {
		f |= FactFetchUser
	}
	referer := known.Has(FactRefererKnown | FactReferer)
	switch {
	case !modeKnown, !siteKnown, c.FetchDest == "",
		(mode == FetchModeNavigate) != navigable(c.FetchDest),
		c.FetchUser != "" && (c.FetchUser != "?1" || mode != FetchModeNavigate),
		site == FetchSiteNone && referer,
		site == FetchSiteSameOrigin && referer && !known.Has(FactRefererSame):
		f |= FactFetchOdd
	}
	return f
}

func fetchMode(mode string) (FetchMode, bool) {
	switch mode {
	case "navigate":
		return FetchModeNavigate, true
	case "no-cors":
		return FetchModeNoCORS, true
	case "cors":
		return FetchModeCORS, true
	case "same-origin", "websocket", "webtransport":
		return FetchModeOther, true
	}
	return FetchModeOther, false
}

func fetchSite(site string) (FetchSite, bool) {
	switch site {
	case "none":
		return FetchSiteNone, true
	case "same-origin":
		return FetchSiteSameOrigin, true
	case "same-site":
		return FetchSiteSameSite, true
	case "cross-site":
		return FetchSiteCross, true
	}
	return FetchSiteNone, false
}

// navigable reports whether dest is a destination of navigations, and of nothing else.
func navigable(dest string) bool {
	switch dest {
	case "document", "iframe", "frame", "fencedframe", "embed", "object":
		return true
	}
	return false
}
