package traffic_test

import (
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

const (
	chrome156 = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	chromeWin = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
	headless  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36"
	edge      = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0"
	pixel     = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36"
	iphone    = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1"

	hints156   = `"Not:A-Brand";v="8", "Chromium";v="156"`
	hintsShell = `"Not:A-Brand";v="8", "Chromium";v="156", "HeadlessChrome";v="156"`
	hintsEdge  = `"Microsoft Edge";v="156", "Chromium";v="156", "Not:A-Brand";v="8"`
)

const html = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

// navigation is a browser's first request of a visit.
func navigation(agent, hints, platform, mobile string) traffic.Claims {
	return traffic.Claims{UserAgent: agent, Hints: hints, HintsPlatform: platform, HintsMobile: mobile, FetchSite: "none", FetchMode: "navigate",
		FetchDest: "document", FetchUser: "?1", Accept: html, AcceptEncoding: "gzip, deflate, br, zstd", Priority: true, Upgrade: true}
}

// odd are the features that tell of contradictions.
var odd = []string{"tls_alpn_odd", "hints_missing", "hints_version_odd", "hints_brand_odd", "hints_platform_odd", "fetch_odd", "fetch_path_odd",
	"fetch_missing", "accept_odd", "encodings_old", "priority_missing"}

// oddities returns the features of a request over HTTP/2 that tell of a contradiction.
func oddities(c traffic.Claims, path, referer string) (found []string) {
	known := traffic.FactHeadersKnown | traffic.FactRefererKnown
	if c.FetchMode != "" {
		known |= traffic.FactSecFetch
	}
	switch referer {
	case "same":
		known |= traffic.FactReferer | traffic.FactRefererSame
	case "other":
		known |= traffic.FactReferer
	}
	ev := traffic.Event{Method: "GET", Version: 20, Path: path, UserAgent: c.UserAgent, JA4: "t13d1517h2_8daaf6152771_cb7bf5808d99",
		Facts: known | c.Facts(known)}
	features := requestFeatures(&ev)
	for _, name := range odd {
		if features[name] == 1 {
			found = append(found, name)
		}
	}
	return found
}

// What real browsers send contradicts itself nowhere.
func TestBrowsersAreConsistent(t *testing.T) {
	image := traffic.Claims{UserAgent: chrome156, Hints: hints156, HintsPlatform: `"Linux"`, HintsMobile: "?0", FetchSite: "same-origin",
		FetchMode: "no-cors", FetchDest: "image", Accept: "image/avif,image/webp,*/*;q=0.8", AcceptEncoding: "gzip, deflate, br, zstd"}
	media := image
	media.FetchDest, media.Accept, media.AcceptEncoding = "video", "*/*", "identity;q=1, *;q=0"
	call := image
	call.FetchMode, call.FetchDest, call.Accept = "cors", "empty", "*/*"
	clicked := navigation(chrome156, hints156, `"Linux"`, "?0")
	clicked.FetchSite = "same-origin"
	searched := clicked
	searched.FetchSite = "cross-site"
	frame := searched
	frame.FetchDest, frame.FetchUser = "iframe", ""
	gecko := navigation("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", "", "", "")
	safari := navigation(iphone, "", "", "")
	safari.AcceptEncoding, safari.Upgrade, safari.FetchUser = "gzip, deflate, br", false, ""
	for name, c := range map[string]struct {
		claims        traffic.Claims
		path, referer string
	}{
		"typed":      {navigation(chrome156, hints156, `"Linux"`, "?0"), "/", ""},
		"Edge":       {navigation(edge, hintsEdge, `"Windows"`, "?0"), "/", ""},
		"telephone":  {navigation(pixel, hints156, `"Android"`, "?1"), "/", ""},
		"clicked":    {clicked, "/a", "same"},
		"no referer": {clicked, "/a", ""},
		"searched":   {searched, "/a", "other"},
		"redirected": {searched, "/a", "same"},
		"frame":      {frame, "/a", "other"},
		"image":      {image, "/a.png", "same"},
		"media":      {media, "/a.mp4", "same"},
		"call":       {call, "/api/x", "same"},
		"Firefox":    {gecko, "/", ""},
		"Safari":     {safari, "/", ""},
		"old Chrome": {traffic.Claims{UserAgent: "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.88 Safari/537.36",
			Accept: html, AcceptEncoding: "gzip, deflate, br", Upgrade: true}, "/", ""},
		"curl": {traffic.Claims{UserAgent: "curl/8.5.0", Accept: "*/*"}, "/", ""}, // which claims to be nothing else
	} {
		if found := oddities(c.claims, c.path, c.referer); len(found) > 0 {
			t.Errorf("%s: %q", name, found)
		}
	}
}

// What copied headers and drivers get wrong, each by itself.
func TestContradictions(t *testing.T) {
	base := func(change func(*traffic.Claims)) traffic.Claims {
		c := navigation(chrome156, hints156, `"Linux"`, "?0")
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		claims        traffic.Claims
		path, referer string
		want          string
	}{
		"user agent changed, hints not":  {navigation(chromeWin, hints156, `"Windows"`, "?0"), "/", "", "hints_version_odd"},
		"platform of the machine":        {navigation(chrome156, hints156, `"Windows"`, "?0"), "/", "", "hints_platform_odd"},
		"telephone without ?1":           {navigation(pixel, hints156, `"Android"`, "?0"), "/", "", "hints_platform_odd"},
		"headless shell":                 {navigation(headless, hintsShell, `"Linux"`, "?0"), "/", "", "hints_brand_odd"},
		"Edge with Chromium's hints":     {navigation(edge, hints156, `"Windows"`, "?0"), "/", "", "hints_brand_odd"},
		"hints of no Chromium":           {base(func(c *traffic.Claims) { c.Hints = `"Google Chrome";v="156"` }), "/", "", "hints_version_odd"},
		"no hints":                       {base(func(c *traffic.Claims) { c.Hints = "" }), "/", "", "hints_missing"},
		"mode without the others":        {base(func(c *traffic.Claims) { c.FetchDest, c.FetchSite, c.FetchUser = "", "", "" }), "/", "", "fetch_odd"},
		"site without mode":              {traffic.Claims{UserAgent: "x/1", FetchSite: "none"}, "/", "", "fetch_odd"},
		"typed, with a referer":          {base(func(*traffic.Claims) {}), "/", "other", "fetch_odd"},
		"same origin, from elsewhere":    {base(func(c *traffic.Claims) { c.FetchSite = "same-origin" }), "/", "other", "fetch_odd"},
		"navigates for an image":         {base(func(*traffic.Claims) {}), "/a.png", "", "fetch_path_odd"},
		"navigates to an API":            {base(func(*traffic.Claims) {}), "/api/x", "", "fetch_path_odd"},
		"navigates for anything":         {base(func(c *traffic.Claims) { c.Accept = "*/*" }), "/", "", "accept_odd"},
		"takes no zstd":                  {base(func(c *traffic.Claims) { c.AcceptEncoding = "gzip, deflate, br" }), "/", "", "encodings_old"},
		"no priority":                    {base(func(c *traffic.Claims) { c.Priority = false }), "/", "", "priority_missing"},
		"a script's click":               {base(func(c *traffic.Claims) { c.FetchMode, c.FetchDest, c.Accept = "cors", "empty", "*/*" }), "/", "", "fetch_odd"},
		"a document that is not visited": {base(func(c *traffic.Claims) { c.FetchMode, c.FetchUser, c.Accept = "no-cors", "", "*/*" }), "/", "", "fetch_odd"},
	} {
		if found := oddities(c.claims, c.path, c.referer); len(found) != 1 || found[0] != c.want {
			t.Errorf("%s: %q, want %s", name, found, c.want)
		}
	}
}

// Where nobody told the claims, nothing is known; where they were told, codes are as they were.
func TestClaimsThatAreNotKnown(t *testing.T) {
	bare := requestFeatures(&traffic.Event{Version: 20, UserAgent: chrome156, Facts: traffic.FactHeadersKnown | traffic.FactRefererKnown})
	for _, name := range append([]string{"hints", "fetch_mode", "fetch_site", "fetch_user", "accept", "encodings", "priority", "upgrade_insecure",
		"wire_pseudo_order", "wire_case", "wire_cookie", "tls_alpn", "tls_server_name"}, odd...) {
		if v, ok := bare[name]; !ok || v == v {
			t.Errorf("%s is %v (%v) without claims", name, v, ok)
		}
	}
	c := navigation(chrome156, hints156, `"Linux"`, "?0")
	c.FetchSite = "cross-site"
	ev := traffic.Event{UserAgent: chrome156, Facts: traffic.FactHeadersKnown | traffic.FactSecFetch | c.Facts(0)}
	got := requestFeatures(&ev)
	for name, want := range map[string]float32{"hints": 1, "fetch_mode": 1, "fetch_site": 3, "fetch_user": 1, "accept": 2, "encodings": 3, "priority": 1,
		"upgrade_insecure": 1} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

func TestClaimsAllocateNothing(t *testing.T) {
	c := navigation(edge, hintsEdge, `"Windows"`, "?0")
	ev := traffic.Event{Path: "/", UserAgent: c.UserAgent, Facts: c.Facts(0)}
	var values [traffic.NumRequestFeatures]float32
	if n := testing.AllocsPerRun(100, func() { ev.Facts |= c.Facts(ev.Facts); traffic.RequestFeatures(&ev, &values) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestParseEngine(t *testing.T) {
	for agent, want := range map[string]struct {
		engine  traffic.Engine
		version int
	}{
		"": {}, "Mozilla": {}, "/": {traffic.EngineOther, 0}, "Chrome/": {traffic.EngineChromium, 0}, "Chrome/99999": {traffic.EngineChromium, 0},
		chrome156: {traffic.EngineChromium, 156}, headless: {traffic.EngineChromium, 156}, edge: {traffic.EngineChromium, 156}, iphone: {traffic.EngineWebKit, 18},
		firefox: {traffic.EngineGecko, 128}, "curl/8.5.0": {traffic.EngineOther, 8}, "python-requests/2.34.2": {traffic.EngineOther, 2},
	} {
		if engine, version := traffic.ParseEngine(agent); engine != want.engine || version != want.version {
			t.Errorf("%q is %d %d, want %d %d", agent, engine, version, want.engine, want.version)
		}
	}
}

func FuzzClaims(f *testing.F) {
	f.Add(chrome156, hints156, `"Linux"`, "none", "navigate", "document", html, uint32(0x1c1))
	f.Fuzz(func(t *testing.T, agent, hints, platform, site, mode, dest, accept string, known uint32) {
		c := traffic.Claims{UserAgent: agent, Hints: hints, HintsPlatform: platform, FetchSite: site, FetchMode: mode, FetchDest: dest, Accept: accept}
		if facts := c.Facts(traffic.Facts(known)); facts&(1<<15-1) != 0 || !facts.Has(traffic.FactClaimsKnown) {
			t.Errorf("%x", facts)
		}
	})
}
