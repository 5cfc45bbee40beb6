package traffic

import (
	"math"
	"strings"
)

// RequestFeature is a feature of a single request, computed in the proxy before the request is
// answered. Its full name begins with "request/".
type RequestFeature struct {
	Name string
	Unit string
	Why  string
}

// FullName returns the name in models and flags.
func (f RequestFeature) FullName() string { return RequestPrefix + f.Name }

// RequestPrefix begins the full name of every single-request feature.
const RequestPrefix = "request/"

// The indices of the single-request features.
const (
	atMethod = iota
	atHTTPVersion
	atPathLength
	atPathDepth
	atPathKind
	atPathDots
	atPathDigits
	atPathUpper
	atPathSpecial
	atPathEntropy
	atQueryLength
	atAgentLength
	atAgentMozilla
	atAgentProducts
	atAgentDigits
	atAgentComment
	atAgentMissing
	atReferer
	atRefererSame
	atHeaders
	atAcceptLanguage
	atCookie
	atSecFetch
	atHostAddress
	atAcceptEncoding
	atXHR
	atTLSVersion
	atTLSCiphers
	atTLSExtensions
	atTLSServerName
	atTLSALPN
	atTLSALPNOdd
	atHints
	atHintsMissing
	atHintsVersionOdd
	atHintsBrandOdd
	atHintsPlatformOdd
	atFetchMode
	atFetchSite
	atFetchUser
	atFetchOdd
	atFetchPathOdd
	atFetchMissing
	atAccept
	atAcceptOdd
	atEncodings
	atEncodingsOld
	atPriority
	atPriorityMissing
	atUpgradeInsecure
	atWireAgentAccept
	atWireEncodingLanguage
	atWireLanguageAccept
	atWireHintsAgent
	atWireCookie
	atWireCase
	atWireHostFirst
	atWireConnection
	atWirePseudo
	atWireSettings
	atWireSettingTable
	atWireSettingPush
	atWireSettingStreams
	atWireSettingFrame
	atWireSettingHeaders
	atWireWindow
	atWireConnectionWindow
	atWirePriorityFrames
	atWireHeadersPriority
	atAgentFacts // and one behind the other the facts of the user agent, in the order of AgentFact

	// NumRequestFeatures is the number of single-request features.
	NumRequestFeatures = atAgentFacts + int(NumAgentFacts)
)

// RequestCatalog lists the single-request features in the order in which [RequestFeatures] returns
// their values.
var RequestCatalog = [NumRequestFeatures]RequestFeature{
	atMethod:      {"method", "code", "0 no HTTP, 1 GET, 2 HEAD, 3 POST, 4 OPTIONS, 5 PUT or PATCH or DELETE, 6 any other"},
	atHTTPVersion: {"http_version", "code", "10, 11, 20, 30; browsers speak 2 and 3 over TLS"},
	atPathLength:  {"path_length", "bytes", "injected payloads are long"},
	atPathDepth:   {"path_depth", "segments", "guessed paths go deep or stay at the root"},
	atPathKind:    {"path_kind", "code", "0 page, 1 asset, 2 API, 3 script, 4 robots.txt and the like"},
	atPathDots:    {"path_dots", "count", "traversal, and hidden files"},
	atPathDigits:  {"path_digits", "share", "walking through numbered pages"},
	atPathUpper:   {"path_upper", "share", "generated identifiers"},
	atPathSpecial: {"path_special", "count",
		"bytes outside of letters, digits and /-_. : injections"},
	atPathEntropy:  {"path_entropy", "bits", "random paths"},
	atQueryLength:  {"query_length", "bytes", "injections, API calls"},
	atAgentLength:  {"agent_length", "bytes", "browsers send long ones, tools short ones"},
	atAgentMozilla: {"agent_mozilla", "bool", "begins with Mozilla/, as every browser's does"},
	atAgentProducts: {"agent_products", "count",
		"name/version tokens: a browser's has four or more"},
	atAgentDigits:    {"agent_digits", "share", "version numbers"},
	atAgentComment:   {"agent_comment", "bool", "has a comment in parentheses: a platform"},
	atAgentMissing:   {"agent_missing", "bool", "no user agent at all"},
	atReferer:        {"referer", "bool", "a link was followed, or a page is being loaded"},
	atRefererSame:    {"referer_same", "bool", "from the same site"},
	atHeaders:        {"headers", "count", "browsers send more"},
	atAcceptLanguage: {"accept_language", "bool", "a person's language"},
	atCookie:         {"cookie", "bool", "has been here before"},
	atSecFetch:       {"sec_fetch", "bool", "current browsers say what a fetch is for"},
	atHostAddress:    {"host_address", "bool", "asked for by address, not by name: scanners"},
	atAcceptEncoding: {"accept_encoding", "bool",
		"browsers take compressed answers, simple programs do not ask for them"},
	atXHR:        {"xhr", "bool", "says that a script of the page asks"},
	atTLSVersion: {"tls_version", "code", "10, 11, 12, 13: the newest that the client's JA4 tells; browsers speak 1.3"},
	atTLSCiphers: {"tls_ciphers", "count",
		"cipher suites in the client's JA4; a library has its own number"},
	atTLSExtensions: {"tls_extensions", "count",
		"TLS extensions in the client's JA4; browsers send more"},
	atTLSServerName: {"tls_server_name", "bool",
		"the client's JA4 tells that it named the server: programs that are given an address do not"},
	atTLSALPN: {"tls_alpn", "code", "the first application protocol in the client's JA4: 0 none, 1 http/1.1, 2 h2, 3 h3, 4 other; browsers offer h2 first"},
	atTLSALPNOdd: {"tls_alpn_odd", "bool",
		"speaks HTTP/2 without offering it first, or HTTP/1 after offering HTTP/2: a library with its own order"},

	atHints: {"hints", "bool", "Sec-CH-UA was sent, as Chromium does since version 89"},
	atHintsMissing: {"hints_missing", "bool",
		"the user agent is that of Chromium 89 or later, over TLS, and there is no Sec-CH-UA: a copied user agent"},
	atHintsVersionOdd: {"hints_version_odd", "bool",
		"Sec-CH-UA tells another version of Chromium than the user agent, or one of them tells none"},
	atHintsBrandOdd: {"hints_brand_odd", "bool",
		"Sec-CH-UA names a headless browser, or another product than the user agent"},
	atHintsPlatformOdd: {"hints_platform_odd", "bool",
		"Sec-CH-UA-Platform or -Mobile contradicts the user agent"},
	atFetchMode: {"fetch_mode", "code",
		"Sec-Fetch-Mode: 0 none or other, 1 navigate, 2 no-cors, 3 cors; programs tell navigate for all they fetch"},
	atFetchSite: {"fetch_site", "code",
		"Sec-Fetch-Site: 0 none, 1 same-origin, 2 same-site, 3 cross-site; tells where a person came from without a Referer"},
	atFetchUser: {"fetch_user", "bool",
		"Sec-Fetch-User was sent: a click or a typed address"},
	atFetchOdd: {"fetch_odd", "bool", "the Sec-Fetch fields contradict each other or the Referer, or some are missing"},
	atFetchPathOdd: {"fetch_path_odd", "bool",
		"navigates to an asset or an API: Sec-Fetch fields copied from a page's request"},
	atFetchMissing: {"fetch_missing", "bool",
		"a browser that sends Sec-Fetch-Mode over TLS by its version, and does not: a copied user agent"},
	atAccept: {"accept", "code", "Accept: 0 none, 1 */*, 2 text/html first, 3 other; browsers send what fits"},
	atAcceptOdd: {"accept_odd", "bool",
		"navigates without asking for text/html first, or the reverse"},
	atEncodings: {"encodings", "code", "Accept-Encoding: 0 none of these, 1 gzip, 2 br, 3 zstd"},
	atEncodingsOld: {"encodings_old", "bool",
		"takes fewer encodings over TLS than the user agent's version does"},
	atPriority: {"priority", "bool", "the header field Priority, of current browsers"},
	atPriorityMissing: {"priority_missing", "bool",
		"navigates over HTTP/2 without Priority, which the user agent's version sends"},
	atUpgradeInsecure: {"upgrade_insecure", "bool",
		"Upgrade-Insecure-Requests, of browsers that navigate"},

	atWireAgentAccept: {"wire_agent_accept", "code",
		"order of User-Agent and Accept: 0 one is missing, 1 as here, 2 reversed; a program has its own order"},
	atWireEncodingLanguage: {"wire_encoding_language", "code",
		"the same of Accept-Encoding and Accept-Language"},
	atWireLanguageAccept: {"wire_language_accept", "code",
		"the same of Accept-Language and Accept; 1 where a driver sets a browser's language"},
	atWireHintsAgent: {"wire_hints_agent", "code", "the same of Sec-CH-UA and User-Agent"},
	atWireCookie: {"wire_cookie", "code",
		"place of Cookie: 0 none, 1 last, 2 only Priority comes after it, 3 elsewhere"},
	atWireCase: {"wire_case", "code",
		"HTTP/1.1's names: 0 User-Agent, 1 user-agent, 2 both kinds, as Chromium, 3 any other"},
	atWireHostFirst: {"wire_host_first", "bool",
		"HTTP/1.1's first field is Host, as browsers have it"},
	atWireConnection: {"wire_connection", "code",
		"place of HTTP/1.1's Connection: 0 none, 1 before User-Agent, 2 last, 3 elsewhere"},
	atWirePseudo: {"wire_pseudo_order", "code",
		"order of HTTP/2's pseudo-header fields: 1 to 24 in the order of the alphabet (8 masp, 9 mpas, 10 mpsa), 25 other; an HTTP/2 library has its own"},
	atWireSettings: {"wire_h2_settings", "count",
		"settings that the client sent, of the six in HTTP/2"},
	atWireSettingTable: {"wire_h2_table_size", "bool",
		"sent SETTINGS_HEADER_TABLE_SIZE, as browsers do"},
	atWireSettingPush: {"wire_h2_push", "bool", "sent SETTINGS_ENABLE_PUSH"},
	atWireSettingStreams: {"wire_h2_streams", "bool",
		"sent SETTINGS_MAX_CONCURRENT_STREAMS, as libraries do"},
	atWireSettingFrame:   {"wire_h2_frame_size", "bool", "sent SETTINGS_MAX_FRAME_SIZE"},
	atWireSettingHeaders: {"wire_h2_header_list", "bool", "sent SETTINGS_MAX_HEADER_LIST_SIZE"},
	atWireWindow: {"wire_h2_window", "log2 bytes",
		"SETTINGS_INITIAL_WINDOW_SIZE, from 16 to 30; 0 not sent"},
	atWireConnectionWindow: {"wire_h2_connection_window", "log2 bytes",
		"the first WINDOW_UPDATE of the connection, from 16 to 30; 0 not sent"},
	atWirePriorityFrames: {"wire_h2_priority_frames", "bool",
		"sent PRIORITY frames at first, as older Firefox"},
	atWireHeadersPriority: {"wire_h2_headers_priority", "bool",
		"the request's HEADERS frame has a priority, as Chromium's"},

	atAgentFacts + AgentCrawler:  {"agent_crawler", "bool", agentReasons[AgentCrawler]},
	atAgentFacts + AgentTool:     {"agent_tool", "bool", agentReasons[AgentTool]},
	atAgentFacts + AgentHeadless: {"agent_headless", "bool", agentReasons[AgentHeadless]},
	atAgentFacts + AgentBrowser:  {"agent_browser", "code", agentReasons[AgentBrowser]},
	atAgentFacts + AgentBrowserVersion: {"agent_browser_version", "version",
		agentReasons[AgentBrowserVersion]},
	atAgentFacts + AgentOS: {"agent_os", "code", agentReasons[AgentOS]},
	atAgentFacts + AgentOSVersion: {"agent_os_version", "version",
		agentReasons[AgentOSVersion]},
	atAgentFacts + AgentMobile:   {"agent_mobile", "bool", agentReasons[AgentMobile]},
	atAgentFacts + AgentOddities: {"agent_oddities", "count", agentReasons[AgentOddities]},
}

// RequestFeatures computes the single-request features of ev, in the order of [RequestCatalog]; NaN
// if ev does not say. It allocates nothing.
func RequestFeatures(ev *Event, dst *[NumRequestFeatures]float32) {
	requestFeatures(ev, allParts, dst)
}

// parts are groups of single-request features that cost more than reading a field of the event.
// Features of parts that are not wanted stay as they are.
type parts uint16

const (
	pathShape parts = 1 << iota
	pathEntropyPart
	agentShape
	agentText
	hostPart
	tlsPart
	claimsPart
	wireOrder
	wireSetUp
	agentFactsPart
	allParts = 1<<iota - 1
)

// part returns the part of the feature at an index; 0: none.
func part(i int) parts {
	switch {
	case i == atPathDepth, i >= atPathDots && i <= atPathSpecial:
		return pathShape
	case i == atPathEntropy:
		return pathEntropyPart
	case i == atAgentProducts, i == atAgentDigits:
		return agentShape
	case i >= atAgentLength && i <= atAgentMissing:
		return agentText
	case i == atHostAddress:
		return hostPart
	case i >= atTLSVersion && i <= atTLSALPNOdd:
		return tlsPart
	case i >= atHints && i < atWireAgentAccept:
		return claimsPart
	case i >= atWireAgentAccept && i <= atWireCookie:
		return wireOrder
	case i >= atWireCase && i < atAgentFacts:
		return wireSetUp
	case i >= atAgentFacts:
		return agentFactsPart
	}
	return 0
}

func requestFeatures(ev *Event, want parts, dst *[NumRequestFeatures]float32) {
	kind := ClassifyPath(ev.Path)
	fieldFeatures(ev, kind, dst)
	if want&(pathShape|pathEntropyPart) != 0 {
		pathFeatures(ev.Path, want, dst)
	}
	if want&(agentShape|agentText) != 0 {
		agentFeatures(ev, want, dst)
	}
	if want&hostPart != 0 {
		dst[atHostAddress] = known(ev.Host != "", one(isAddress(ev.Host)))
	}
	if want&tlsPart != 0 {
		tlsFeatures(ev, dst)
	}
	if want&claimsPart != 0 {
		claimFeatures(ev, kind, dst)
	}
	if want&(wireOrder|wireSetUp) != 0 {
		wireFeatures(ev.Wire.Facts(), want, dst)
	}
	if want&agentFactsPart != 0 {
		setAgentFacts(dst[atAgentFacts:], ev)
	}
}

// fieldFeatures computes what depends on one field of ev.
func fieldFeatures(ev *Event, kind PathKind, dst *[NumRequestFeatures]float32) {
	headers, referer := ev.Facts.Has(FactHeadersKnown), ev.Facts.Has(FactRefererKnown)
	dst[atMethod] = methodCode(ev.Method)
	dst[atHTTPVersion] = known(ev.Version != 0, float32(ev.Version))
	dst[atPathLength] = float32(len(ev.Path))
	dst[atPathKind] = float32(kind)
	dst[atQueryLength] = float32(ev.Query)
	dst[atReferer] = known(referer, one(ev.Facts.Has(FactReferer)))
	dst[atRefererSame] = known(referer && ev.Host != "", one(ev.Facts.Has(FactRefererSame)))
	dst[atHeaders] = known(headers && ev.Headers != 0, float32(ev.Headers))
	dst[atAcceptLanguage] = known(headers, one(ev.Facts.Has(FactAcceptLanguage)))
	dst[atCookie] = known(headers, one(ev.Facts.Has(FactCookie)))
	dst[atSecFetch] = known(headers, one(ev.Facts.Has(FactSecFetch)))
	dst[atAcceptEncoding] = known(headers, one(ev.Facts.Has(FactAcceptEncoding)))
	dst[atXHR] = known(headers, one(ev.Facts.Has(FactXHR)))
}

func pathFeatures(path string, want parts, dst *[NumRequestFeatures]float32) {
	if want&pathShape != 0 {
		p := countShape(path)
		dst[atPathDepth] = float32(p.slashes)
		dst[atPathDots] = float32(p.dots)
		dst[atPathDigits] = ratio(p.digits, len(path))
		dst[atPathUpper] = ratio(p.upper, len(path))
		dst[atPathSpecial] = float32(p.special)
	}
	if want&pathEntropyPart != 0 {
		dst[atPathEntropy] = pathEntropy(path)
	}
}

// agentFeatures computes what the user agent looks like, whatever it says.
func agentFeatures(ev *Event, want parts, dst *[NumRequestFeatures]float32) {
	agent, told := ev.UserAgent, !ev.Facts.Has(FactAgentUnknown)
	if want&agentShape != 0 {
		a := countShape(agent)
		dst[atAgentProducts] = known(told, float32(a.slashes))
		dst[atAgentDigits] = known(told, ratio(a.digits, len(agent)))
	}
	if want&agentText != 0 {
		dst[atAgentLength] = known(told, float32(len(agent)))
		dst[atAgentMozilla] = known(told, one(strings.HasPrefix(agent, "Mozilla/")))
		dst[atAgentComment] = known(told, one(strings.IndexByte(agent, '(') >= 0))
		dst[atAgentMissing] = known(told, one(agent == ""))
	}
}

// tlsFeatures computes what the client's JA4 says.
func tlsFeatures(ev *Event, dst *[NumRequestFeatures]float32) {
	dst[atTLSVersion] = figures(ev.JA4, 1)
	dst[atTLSCiphers] = figures(ev.JA4, 4)
	dst[atTLSExtensions] = figures(ev.JA4, 6)
	dst[atTLSServerName] = known(len(ev.JA4) > 3, one(len(ev.JA4) > 3 && ev.JA4[3] == 'd'))
	dst[atTLSALPN] = alpnCode(ev.JA4)
	dst[atTLSALPNOdd] = alpnOdd(ev.JA4, ev.Version)
}

// setAgentFacts writes what the user agent of ev says of itself.
func setAgentFacts(dst []float32, ev *Event) {
	if !ev.Facts.Has(FactAgentUnknown) {
		facts := ParseAgent(ev.UserAgent)
		copy(dst, facts[:])
		return
	}
	for i := range dst {
		dst[i] = nan
	}
}

var nan = float32(math.NaN())

func known(yes bool, value float32) float32 {
	if yes {
		return value
	}
	return nan
}

// figures returns the two-figure number at a place of a JA4; NaN where there is none, as in SSL
// 3.0's s3.
func figures(ja4 string, at int) float32 {
	if len(ja4) < at+2 {
		return nan
	}
	tens, ones := ja4[at]-'0', ja4[at+1]-'0'
	return known(tens <= 9 && ones <= 9, float32(10*tens+ones))
}

func ratio(part, whole int) float32 {
	if whole == 0 {
		return 0
	}
	return float32(part) / float32(whole)
}

func methodCode(method string) float32 {
	switch method {
	case "":
		return 0
	case "GET":
		return 1
	case "HEAD":
		return 2
	case "POST":
		return 3
	case "OPTIONS":
		return 4
	case "PUT", "PATCH", "DELETE":
		return 5
	}
	return 6
}

// shape counts the kinds of bytes of a string.
type shape struct{ slashes, dots, digits, upper, special int }

func countShape(s string) shape {
	var n shape
	for i := range len(s) {
		switch c := s[i]; {
		case c == '/':
			n.slashes++
		case c == '.':
			n.dots++
		case '0' <= c && c <= '9':
			n.digits++
		case 'A' <= c && c <= 'Z':
			n.upper++
		case 'a' <= c && c <= 'z', c == '-', c == '_':
		default:
			n.special++
		}
	}
	return n
}

// pathEntropy is the Shannon entropy of the path's bytes in bits, over classes of four neighbouring
// byte values, which keeps the table small.
func pathEntropy(path string) float32 {
	if path == "" {
		return 0
	}
	var counts [64]uint16
	for i := range len(path) {
		counts[path[i]>>2]++
	}
	sum := 0.0
	for _, n := range counts {
		sum += nLogN(int(n))
	}
	return float32(math.Log2(float64(len(path))) - sum/float64(len(path)))
}

// nLogN is n*log2(n), from a table for what occurs in an event's path.
func nLogN(n int) float64 {
	if n < len(nLogNs) {
		return nLogNs[n]
	}
	return float64(n) * math.Log2(float64(n))
}

var nLogNs = func() (table [MaxPath + 1]float64) {
	for n := 2; n < len(table); n++ {
		table[n] = float64(n) * math.Log2(float64(n))
	}
	return table
}()

// isAddress tells an IP address from a host name: an IPv6 address has a colon, an IPv4 address
// nothing but digits and dots.
func isAddress(host string) bool {
	for i := range len(host) {
		c := host[i]
		if c == ':' {
			return true
		}
		if c != '.' && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
