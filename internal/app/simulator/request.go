package simulator

import (
	"net/netip"
	"time"
)

// Request is one HTTP request of one client. Empty headers are not sent.
type Request struct {
	At     time.Duration // since the start; never less than that of the previous request
	Client netip.Addr    // IPv4 or IPv6, never IPv4-mapped
	Kind   string        // name of a Kind
	Bot    bool          // the truth

	Method string
	Host   string // one of Hosts
	Target string // path and query, valid for url.ParseRequestURI
	Body   string // form or JSON of a POST

	UserAgent      string
	Accept         string
	AcceptLanguage string
	AcceptEncoding string
	Referer        string
	Cookie         string
	IfNoneMatch    string
	ClientHints    string // Sec-CH-UA, of Chromium and its relatives
	FetchSite      string // Sec-Fetch-Site
	FetchMode      string // Sec-Fetch-Mode
	FetchDest      string // Sec-Fetch-Dest
	RequestedWith  string // X-Requested-With, of scripts in a page
}

// Header is one line of an HTTP header.
type Header struct{ Name, Value string }

// AppendHeaders appends the headers of the request to dst in the order in which the client sends
// them: browsers with client hints in that of Chromium, all others in that of Firefox. There is no
// Content-Length; the sender of the request adds it.
func (r *Request) AppendHeaders(dst []Header) []Header {
	dst = append(dst, Header{"Host", r.Host})
	if r.ClientHints != "" {
		dst = appendSet(dst, Header{"Sec-CH-UA", r.ClientHints}, Header{"User-Agent", r.UserAgent},
			Header{"Content-Type", r.contentType()}, Header{"X-Requested-With", r.RequestedWith},
			Header{"Accept", r.Accept}, Header{"Sec-Fetch-Site", r.FetchSite}, Header{"Sec-Fetch-Mode", r.FetchMode},
			Header{"Sec-Fetch-Dest", r.FetchDest}, Header{"Referer", r.Referer})
		return appendSet(dst, Header{"Accept-Encoding", r.AcceptEncoding}, Header{"Accept-Language", r.AcceptLanguage},
			Header{"Cookie", r.Cookie}, Header{"If-None-Match", r.IfNoneMatch})
	}
	return appendSet(dst, Header{"User-Agent", r.UserAgent}, Header{"Accept", r.Accept},
		Header{"Accept-Language", r.AcceptLanguage}, Header{"Accept-Encoding", r.AcceptEncoding},
		Header{"Content-Type", r.contentType()}, Header{"X-Requested-With", r.RequestedWith},
		Header{"Referer", r.Referer}, Header{"Cookie", r.Cookie}, Header{"Sec-Fetch-Dest", r.FetchDest},
		Header{"Sec-Fetch-Mode", r.FetchMode}, Header{"Sec-Fetch-Site", r.FetchSite},
		Header{"If-None-Match", r.IfNoneMatch})
}

// Response returns the property's answer to this request, if nothing in front of it refuses the
// request.
func (r *Request) Response() Response {
	answer := Respond(r.Host, r.Method, r.Target)
	if r.IfNoneMatch != "" {
		answer = answer.Revalidated()
	}
	return answer
}

func (r *Request) contentType() string {
	switch {
	case r.Body == "":
		return ""
	case r.Body[0] == '{':
		return "application/json"
	}
	return "application/x-www-form-urlencoded"
}

func appendSet(dst []Header, headers ...Header) []Header {
	for _, h := range headers {
		if h.Value != "" {
			dst = append(dst, h)
		}
	}
	return dst
}
