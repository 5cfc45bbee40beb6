package proxyhook

import (
	"math"
	"net"
	"net/http"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

// describe fills ev with what r tells, but for the time.
func (f *Filter) describe(ev *traffic.Event, r *http.Request) { f.config.Describe(ev, r, f.Sums()) }

// Describe fills ev with what r tells of itself and its client, as the Handler of a filter with this configuration
// does. It does not fill in the time, nor what is only known when the request has ended. With it, a recorded
// request becomes the event that it was; [WithJA4] and [WithWire] give it what its connection told. Of a request on a
// connection of [CaptureWire] the first call gets what that told, and no other one.
func (c *Config) Describe(ev *traffic.Event, r *http.Request, sums traffic.Sums) {
	path, query := targetOf(r)
	forwarded := fromProxy(r, c.TrustedProxies, c.TrustUnixSocket)
	*ev = traffic.Event{
		Method:  r.Method,
		Host:    hostOf(r.Host),
		Headers: uint8(min(headersOf(r, forwarded), math.MaxUint8)),
		Version: uint8(10*r.ProtoMajor + min(r.ProtoMinor, 9)),
	}
	if !forwarded {
		ev.JA4, ev.Wire = seen(r)
	}
	ev.SetClient(clientOf(r, c.TrustedProxies, c.TrustUnixSocket))
	sums.SetPath(ev, path)
	sums.SetUserAgent(ev, r.UserAgent())
	ev.SetQuery(len(query))
	from, page := traffic.SplitReferer(r.Referer())
	same := ev.Host != "" && hostOf(from) == ev.Host
	if ev.Facts = factsOf(r, same); same {
		sums.SetLink(ev, page)
	}
	ev.Facts |= attackOf(r, query)
	if ev.JA4 != "" && passedOn(r.Header) {
		ev.Facts |= traffic.PassedOn
	}
	if name := c.SessionCookie; name != "" {
		if cookie, err := r.Cookie(name); err == nil {
			sums.SetSession(ev, cookie.Value)
		}
	}
	sums.Bound(ev)
}

// targetOf returns path and query as the client sent them; of a request that no server has read, as its URL has them.
func targetOf(r *http.Request) (path, query string) {
	if r.RequestURI == "" {
		return r.URL.EscapedPath(), r.URL.RawQuery
	}
	return traffic.SplitTarget(r.RequestURI)
}

// headersOf counts the header fields that the client sent: without those that a trusted proxy on the way put there.
func headersOf(r *http.Request, forwarded bool) int {
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

// passedOn reports whether a field says that somebody on the way has passed the request on.
func passedOn(h http.Header) bool {
	for _, name := range forwardingHeaders {
		if len(h[name]) > 0 {
			return true
		}
	}
	return false
}

var forwardingHeaders = [...]string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

func factsOf(r *http.Request, same bool) traffic.Facts {
	facts := traffic.HeadersKnown | traffic.RefererKnown
	for _, h := range factHeaders {
		if len(r.Header[h.name]) > 0 {
			facts |= h.fact
		}
	}
	if same {
		facts |= traffic.RefererSame
	}
	claims := claimsOf(r.Header)
	return facts | claims.Facts(facts)
}

// The bounds of what of a header is looked at for attacks: so many names, of which each may have so many fields. A request with
// more names is malformed anyway.
const (
	maxNames  = 128
	maxFields = 8
)

// attackOf returns what the query and the header tell of an attack.
func attackOf(r *http.Request, query string) traffic.Facts {
	found, names := heuristics.FactsOf(query, r.Referer(), r.UserAgent()), 0
	for name, values := range r.Header {
		if names++; names > maxNames {
			break
		}
		for _, value := range values[:min(len(values), maxFields)] {
			found |= heuristics.FactOfField(name, value)
		}
	}
	return found
}

func claimsOf(h http.Header) traffic.Claims {
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
	{"Accept-Language", traffic.AcceptLanguage},
	{"Accept-Encoding", traffic.AcceptEncoding},
	{"Cookie", traffic.Cookie},
	{"Sec-Fetch-Mode", traffic.SecFetch},
	{"X-Requested-With", traffic.XHR},
	{"Referer", traffic.Referer},
}

// hostOf gives a host in lower case, without its port and without the dot that may end a full name: the ways to write
// one host must not be ways around its thresholds.
func hostOf(hostport string) string {
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
