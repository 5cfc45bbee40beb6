package gate

import (
	"strings"

	"github.com/headgate/headgate/internal/proxy/wire"
)

// program is a client program.
type program struct {
	name    string
	agent   string
	engine  engine
	hints   string // Sec-CH-UA; empty: not sent
	system  string // Sec-CH-UA-Platform
	accepts string // Accept-Language
	ja4     string // empty: unknown
	stack   *stack // nil: the engine's
	version int    // HTTP version times ten; 0: 20
}

// engine determines which fields a program sends and in which order.
type engine int

const (
	chromium engine = iota
	gecko
	webkit
	library // a tool or library: few fields
)

// stack is how a program sets an HTTP/2 connection up.
type stack struct {
	pseudo   string // first letters of the pseudo-header fields, in order
	priority bool   // whether requests have one
	frames   []wire.Frame
}

func newStack(pseudo string, priority bool, window uint32, settings ...[2]uint32) stack {
	return stack{pseudo, priority, []wire.Frame{{Kind: wire.Settings, Values: settings}, {Kind: wire.WindowUpdate, Values: [][2]uint32{{0, window}}}}}
}

// The engines' stacks; values are those of their current releases.
var stacks = [...]stack{
	chromium: newStack("masp", true, 15663105, [2]uint32{1, 65536}, [2]uint32{2, 0}, [2]uint32{4, 6291456}, [2]uint32{6, 262144}),
	gecko:    newStack("mpas", false, 12517377, [2]uint32{1, 65536}, [2]uint32{2, 0}, [2]uint32{4, 131072}, [2]uint32{5, 16384}),
	webkit:   newStack("mspa", false, 10420225, [2]uint32{2, 0}, [2]uint32{3, 100}, [2]uint32{4, 2097152}),
	library:  newStack("mspa", false, 1<<30, [2]uint32{2, 0}, [2]uint32{3, 100}, [2]uint32{4, 1 << 22}),
}

// Fingerprints as published for current releases of the engines.
const (
	chromiumJA4 = "t13d1516h2_8daaf6152771_d8a2da3f94cd"
	geckoJA4    = "t13d1717h2_5b57614c22b0_3cbfd9057e0d"
	webkitJA4   = "t13d2014h2_a09f3c656075_e42f34c56612"
)

// browsers are people's browsers, in other releases and systems than in the training data.
var browsers = []*program{
	{name: "Chrome on Windows", agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36",
		hints: `"Not:A-Brand";v="99", "Google Chrome";v="145", "Chromium";v="145"`, system: `"Windows"`, accepts: "fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", ja4: chromiumJA4},
	{name: "Safari on macOS", agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
		engine: webkit, accepts: "en-GB,en;q=0.9", ja4: webkitJA4},
	{name: "Firefox on Windows", agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0",
		engine: gecko, accepts: "pl,en-US;q=0.7,en;q=0.3", ja4: geckoJA4},
	{name: "Chrome on Android", agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0 Mobile Safari/537.36",
		hints: `"Not(A:Brand";v="8", "Chromium";v="144", "Google Chrome";v="144"`, system: `"Android"`, accepts: "pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7", ja4: chromiumJA4},
	{name: "Safari on iPhone", agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		engine: webkit, accepts: "es-ES,es;q=0.9", ja4: webkitJA4},
	{name: "Edge on Windows", agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36 Edg/145.0.0.0",
		hints: `"Not:A-Brand";v="99", "Microsoft Edge";v="145", "Chromium";v="145"`, system: `"Windows"`, accepts: "it,en;q=0.9,en-GB;q=0.8", ja4: chromiumJA4},
	{name: "Firefox on Linux", agent: "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0",
		engine: gecko, accepts: "nl,en-US;q=0.7,en;q=0.3", ja4: geckoJA4},
	{name: "Samsung Internet", agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
		hints: `"Chromium";v="130", "Samsung Internet";v="28.0", "Not?A_Brand";v="99"`, system: `"Android"`, accepts: "ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", ja4: chromiumJA4},
}

// load is the purpose of a fetch.
type load int

const (
	page load = iota
	style
	script
	image
	call // fetch or XMLHttpRequest
)

var destinations = [...]string{page: "document", style: "style", script: "script", image: "image", call: "empty"}

var accepted = [...]string{
	page:   "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
	style:  "text/css,*/*;q=0.1",
	script: "*/*",
	image:  "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
	call:   "application/json, text/plain, */*",
}

// headers returns the fields that the program sends for a load. referer may be empty; same reports
// whether it is of the same site.
func (p *program) headers(what load, referer string, same bool) []field {
	if p.engine == library {
		return present(field{"User-Agent", p.agent}, field{"Accept", "*/*"}, field{"Accept-Encoding", "gzip, deflate"}, field{"Referer", referer})
	}
	mode, site, user, upgrade := fetchMode(what, referer, same)
	languages, encodings := field{"Accept-Language", p.accepts}, field{"Accept-Encoding", "gzip, deflate, br, zstd"}
	agent, accept, from := field{"User-Agent", p.agent}, field{"Accept", accepted[what]}, field{"Referer", referer}
	fetchSite, fetchMode, fetchDest := field{"Sec-Fetch-Site", site}, field{"Sec-Fetch-Mode", mode}, field{"Sec-Fetch-Dest", destinations[what]}
	switch p.engine {
	case gecko:
		return present(agent, accept, languages, encodings, from, field{"Upgrade-Insecure-Requests", upgrade}, fetchDest, fetchMode, fetchSite,
			field{"Sec-Fetch-User", user}, field{"Priority", "u=0, i"}, field{"TE", "trailers"})
	case webkit:
		encodings.value = "gzip, deflate, br"
		return present(fetchDest, agent, accept, fetchSite, fetchMode, languages, field{"Priority", "u=0, i"}, encodings, from)
	}
	return present(field{"Sec-CH-UA", p.hints}, field{"Sec-CH-UA-Mobile", p.mobile()}, field{"Sec-CH-UA-Platform", p.system},
		field{"Upgrade-Insecure-Requests", upgrade}, agent, accept, fetchSite, fetchMode, field{"Sec-Fetch-User", user}, fetchDest, from,
		encodings, languages, field{"Priority", "u=0, i"})
}

func fetchMode(what load, referer string, same bool) (mode, site, user, upgrade string) {
	site = "cross-site"
	switch {
	case same:
		site = "same-origin"
	case referer == "" && what == page:
		site = "none"
	}
	switch what {
	case page:
		return "navigate", site, "?1", "1"
	case call:
		return "cors", site, "", ""
	}
	return "no-cors", site, "", ""
}

func (p *program) mobile() string {
	if strings.Contains(p.agent, "Mobile") {
		return "?1"
	}
	return "?0"
}

// present removes the fields without a value.
func present(fields ...field) (sent []field) {
	for _, f := range fields {
		if f.value != "" {
			sent = append(sent, f)
		}
	}
	return sent
}

// as returns the program with another user agent and otherwise the same fields.
func (p *program) as(agent string) *program {
	disguised := *p
	disguised.agent = agent
	return &disguised
}

// tool returns a program that sends a library's few fields under a user agent.
func tool(name, agent string) *program {
	return &program{name: name, agent: agent, engine: library, version: 11}
}
