package traffic

import (
	"math"
	"strings"
)

// RequestFeature is a feature of a single request, computed in the proxy before the request is answered. Its full name
// begins with "request/".
type RequestFeature struct {
	Name string
	Unit string
	Why  string
}

// FullName is the name that models and flags use.
func (f RequestFeature) FullName() string { return RequestPrefix + f.Name }

// RequestPrefix begins the full name of every single-request feature.
const RequestPrefix = "request/"

// NumRequestFeatures is the number of single-request features.
const NumRequestFeatures = 24

// RequestCatalog lists the single-request features in the order in which [RequestFeatures] gives their values.
var RequestCatalog = [NumRequestFeatures]RequestFeature{
	{"method", "code", "0 no HTTP, 1 GET, 2 HEAD, 3 POST, 4 OPTIONS, 5 PUT or PATCH or DELETE, 6 any other"},
	{"http_version", "code", "10, 11, 20, 30; browsers speak 2 and 3 over TLS"},
	{"path_length", "bytes", "injected payloads are long"},
	{"path_depth", "segments", "guessed paths go deep or stay at the root"},
	{"path_kind", "code", "0 page, 1 asset, 2 API, 3 script, 4 robots.txt and the like"},
	{"path_dots", "count", "traversal, and hidden files"},
	{"path_digits", "share", "walking through numbered pages"},
	{"path_upper", "share", "generated identifiers"},
	{"path_special", "count", "bytes outside of letters, digits and /-_. : injections"},
	{"path_entropy", "bits", "random paths"},
	{"query_length", "bytes", "injections, API calls"},
	{"agent_length", "bytes", "browsers send long ones, tools short ones"},
	{"agent_mozilla", "bool", "begins with Mozilla/, as every browser's does"},
	{"agent_products", "count", "name/version tokens: a browser's has four or more"},
	{"agent_digits", "share", "version numbers"},
	{"agent_comment", "bool", "has a comment in parentheses: a platform"},
	{"agent_missing", "bool", "no user agent at all"},
	{"referer", "bool", "a link was followed, or a page is being loaded"},
	{"referer_same", "bool", "from the same site"},
	{"headers", "count", "browsers send more"},
	{"accept_language", "bool", "a person's language"},
	{"cookie", "bool", "has been here before"},
	{"sec_fetch", "bool", "current browsers say what a fetch is for"},
	{"host_address", "bool", "asked for by address, not by name: scanners"},
}

// RequestFeatures computes the single-request features of ev, in the order of [RequestCatalog]; NaN where ev does not
// tell. It allocates nothing.
func RequestFeatures(ev *Event, dst *[NumRequestFeatures]float32) {
	p, a := shapeOf(ev.Path), shapeOf(ev.UserAgent)
	headers := ev.Facts.Has(HeadersKnown)
	*dst = [NumRequestFeatures]float32{
		methodCode(ev.Method),
		known(ev.Version != 0, float32(ev.Version)),
		float32(len(ev.Path)),
		float32(p.slashes),
		float32(KindOfPath(ev.Path)),
		float32(p.dots),
		ratio(p.digits, len(ev.Path)),
		ratio(p.upper, len(ev.Path)),
		float32(p.special),
		pathEntropy(ev.Path),
		float32(ev.Query),
		float32(len(ev.UserAgent)),
		one(strings.HasPrefix(ev.UserAgent, "Mozilla/")),
		float32(a.slashes),
		ratio(a.digits, len(ev.UserAgent)),
		one(strings.IndexByte(ev.UserAgent, '(') >= 0),
		one(ev.UserAgent == ""),
		known(ev.Facts.Has(RefererKnown), one(ev.Facts.Has(Referer))),
		known(ev.Facts.Has(RefererKnown) && ev.Host != "", one(ev.Facts.Has(RefererSame))),
		known(headers && ev.Headers != 0, float32(ev.Headers)),
		known(headers, one(ev.Facts.Has(AcceptLanguage))),
		known(headers, one(ev.Facts.Has(Cookie))),
		known(headers, one(ev.Facts.Has(SecFetch))),
		known(ev.Host != "", one(isAddress(ev.Host))),
	}
}

var nan = float32(math.NaN())

func known(yes bool, value float32) float32 {
	if yes {
		return value
	}
	return nan
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

func shapeOf(s string) shape {
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

// pathEntropy is the Shannon entropy of the path's bytes in bits, over classes of four neighbouring byte values, which
// keeps the table small.
func pathEntropy(path string) float32 {
	if path == "" {
		return 0
	}
	var counts [64]uint16
	for i := range len(path) {
		counts[path[i]>>2]++
	}
	total := float64(len(path))
	sum := 0.0
	for _, n := range counts {
		if n > 1 {
			sum += float64(float64(n) * math.Log2(float64(n))) // rounded: no fused multiply-add on any system
		}
	}
	return float32(math.Log2(total) - sum/total)
}

// isAddress tells an IP address from a host name: an IPv6 address has a colon, an IPv4 address nothing but digits and
// dots.
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
