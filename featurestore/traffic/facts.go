package traffic

// Facts are what the header fields of a request say, one bit each; the upper half is of [Claims].
// Without [FactHeadersKnown] a bit that is not set means unknown instead of no: an access log has
// no header fields.
type Facts uint32

// The facts.
const (
	FactHeadersKnown   Facts = 1 << iota // the header fields were seen
	FactAcceptLanguage                   // Accept-Language was sent
	FactAcceptEncoding                   // Accept-Encoding was sent
	FactCookie                           // a cookie was sent
	FactSecFetch                         // Sec-Fetch-Mode was sent
	FactXHR                              // X-Requested-With was sent
	FactRefererKnown                     // it is known whether a Referer was sent
	FactReferer                          // a Referer was sent
	FactRefererSame                      // its host is the request's host
	// it is not known which user agent was sent, if any: a log without that field
	FactAgentUnknown
	FactHostUnknown     // the same of the host
	FactDurationUnknown // the same of the duration
	// the query or a header field has an attack: see package heuristics
	FactInjected
	// where JA4 is known: a header field says that another proxy forwarded the request, so that JA4
	// is of that proxy
	FactPassedOn
)

// Has reports whether all bits of want are set.
func (f Facts) Has(want Facts) bool { return f&want == want }
