package traffic

// Facts are what the header fields of a request told, one bit each; the upper half is described at [Claims]. Where
// [FactHeadersKnown] is not set (an access log keeps no header fields), a bit that is not set means unknown instead of no.
type Facts uint32

// The facts.
const (
	FactHeadersKnown    Facts = 1 << iota // the header fields were seen
	FactAcceptLanguage                    // Accept-Language was sent
	FactAcceptEncoding                    // Accept-Encoding was sent
	FactCookie                            // a cookie was sent
	FactSecFetch                          // Sec-Fetch-Mode was sent
	FactXHR                               // X-Requested-With was sent
	FactRefererKnown                      // it is known whether a Referer was sent
	FactReferer                           // a Referer was sent
	FactRefererSame                       // its host is the request's host
	FactAgentUnknown                      // it is not known whether a user agent was sent, nor which: a log without that field
	FactHostUnknown                       // likewise which host was asked for, if any
	FactDurationUnknown                   // likewise how long the request took
	FactInjected                          // the query or a field of the header holds an attack, as package heuristics tells
	FactPassedOn                          // where JA4 is known: a field says that somebody on the way passed the request on, so that the connection is his
)

// Has tells whether all bits of want are set.
func (f Facts) Has(want Facts) bool { return f&want == want }
