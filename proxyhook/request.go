package proxyhook

import (
	"math"
	"net"
	"net/http"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

// describe fills ev with the facts of r, except the time.
func (f *Filter) describe(ev *traffic.Event, r *http.Request) { f.config.Describe(ev, r, f.Sums()) }

// Describe fills ev with the facts of r and its client, as the Handler of a filter with this
// configuration does. It sets neither the time nor what is known only when the request has ended.
// It turns a recorded request into its event; [WithJA4] and [WithWire] add the facts of its
// connection. For a request on a connection of [CaptureWire], only the first call gets the
// connection's facts.
func (c *Config) Describe(ev *traffic.Event, r *http.Request, sums traffic.Sums) {
	path, query := requestTarget(r)
	forwarded := fromProxy(r, c.TrustedProxies, c.TrustUnixSocket)
	*ev = traffic.Event{
		Method:  r.Method,
		Host:    canonicalHost(r.Host),
		Headers: uint8(min(headerCount(r, forwarded), math.MaxUint8)),
		Version: uint8(10*r.ProtoMajor + min(r.ProtoMinor, 9)),
	}
	if !forwarded {
		ev.JA4, ev.Wire = seen(r)
	}
	ev.SetClient(clientAddr(r, c.TrustedProxies, c.TrustUnixSocket))
	sums.SetPath(ev, path)
	sums.SetUserAgent(ev, r.UserAgent())
	ev.SetQuery(len(query))
	from, page := traffic.SplitReferer(r.Referer())
	same := ev.Host != "" && canonicalHost(from) == ev.Host
	if ev.Facts = requestFacts(r, same); same {
		sums.SetLink(ev, page)
	}
	ev.Facts |= attackFacts(r, query)
	if ev.JA4 != "" && passedOn(r.Header) {
		ev.Facts |= traffic.FactPassedOn
	}
	if name := c.SessionCookie; name != "" {
		if cookie, err := r.Cookie(name); err == nil {
			sums.SetSession(ev, cookie.Value)
		}
	}
	sums.Bound(ev)
}

// requestTarget returns path and query as the client sent them, or from the URL of a request that
// no server has read.
func requestTarget(r *http.Request) (path, query string) {
	if r.RequestURI == "" {
		return r.URL.EscapedPath(), r.URL.RawQuery
	}
	return traffic.SplitTarget(r.RequestURI)
}

// headerCount returns the number of header fields that the client sent, without those that a
// trusted proxy added.
func headerCount(r *http.Request, forwarded bool) int {
	n := len(r.Header)
	if forwarded {
		for _, name := range forwardingHeaders {
			if _, ok := r.Header[name]; ok {
				n--
			}
		}
	}
	return n
}

// passedOn reports whether a field shows that an intermediary has forwarded the request.
func passedOn(h http.Header) bool {
	for _, name := range forwardingHeaders {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}

var forwardingHeaders = [...]string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

func requestFacts(r *http.Request, same bool) traffic.Facts {
	facts := traffic.FactHeadersKnown | traffic.FactRefererKnown
	for _, h := range factHeaders {
		if len(r.Header[h.name]) > 0 {
			facts |= h.fact
		}
	}
	if same {
		facts |= traffic.FactRefererSame
	}
	claims := readClaims(r.Header)
	return facts | claims.Facts(facts)
}

// Bounds of the header fields that are searched for attacks: the number of names, and of fields of
// each name. A request with more names is malformed anyway.
const (
	maxNames  = 128
	maxFields = 8
)

// attackFacts returns the signs of an attack in the query and the header.
func attackFacts(r *http.Request, query string) traffic.Facts {
	found, names := heuristics.RequestFacts(query, r.Referer(), r.UserAgent()), 0
	for name, values := range r.Header {
		if names++; names > maxNames {
			break
		}
		for _, value := range values[:min(len(values), maxFields)] {
			found |= heuristics.FieldFacts(name, value)
		}
	}
	return found
}

func readClaims(h http.Header) traffic.Claims {
	c := traffic.Claims{
		UserAgent:      first(h["User-Agent"]),
		Hints:          first(h["Sec-Ch-Ua"]),
		FetchMode:      first(h["Sec-Fetch-Mode"]),
		FetchSite:      first(h["Sec-Fetch-Site"]),
		FetchDest:      first(h["Sec-Fetch-Dest"]),
		FetchUser:      first(h["Sec-Fetch-User"]),
		Accept:         first(h["Accept"]),
		AcceptEncoding: first(h["Accept-Encoding"]),
		Priority:       len(h["Priority"]) > 0,
		Upgrade:        len(h["Upgrade-Insecure-Requests"]) > 0,
	}
	if c.Hints != "" {
		c.HintsPlatform, c.HintsMobile = first(h["Sec-Ch-Ua-Platform"]), first(h["Sec-Ch-Ua-Mobile"])
	}
	return c
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

var factHeaders = [...]struct {
	name string
	fact traffic.Facts
}{
	{"Accept-Language", traffic.FactAcceptLanguage},
	{"Accept-Encoding", traffic.FactAcceptEncoding},
	{"Cookie", traffic.FactCookie},
	{"Sec-Fetch-Mode", traffic.FactSecFetch},
	{"X-Requested-With", traffic.FactXHR},
	{"Referer", traffic.FactReferer},
}

// canonicalHost returns a host in lower case, without its port and without the dot that may end a
// full name: spellings of a host must not evade its thresholds.
func canonicalHost(hostport string) string {
	host := hostport
	if strings.IndexByte(hostport, ':') >= 0 {
		if h, _, err := net.SplitHostPort(hostport); err == nil {
			host = h
		} else {
			host = strings.Trim(hostport, "[]")
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
