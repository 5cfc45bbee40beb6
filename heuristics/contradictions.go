package heuristics

import (
	"math/bits"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Contradictions are what of a request contradicts the browser that its user agent claims, one bit each.
type Contradictions uint16

// The contradictions. The first three are of the connection: an antivirus program or a company's proxy that ends TLS on a person's way
// causes them as well. The others are of what the browser itself writes, which such programs leave alone.
const (
	ContradictionLibrary      Contradictions = 1 << iota // the TLS hello is that of a library for programs
	ContradictionOddHello                                // no release of the browser sends such a hello
	ContradictionOddSetup                                // no release sets HTTP/2 up, or writes HTTP/1, like this
	ContradictionOtherBrowser                            // the connection is, in all parts, that of another browser
	ContradictionNoFetch                                 // the Sec-Fetch fields are missing
	ContradictionOddFetch                                // they contradict each other
	ContradictionOddFetchUser                            // Sec-Fetch-User is missing where an address was typed, or the browser does not have it
	ContradictionNoHints                                 // Sec-CH-UA is missing where somebody navigates
	ContradictionOddHints                                // Sec-CH-UA is of another version, or of a browser that has none
	ContradictionOddOrder                                // header fields come in an order that the browser does not have
	ContradictionNoPriority                              // Priority is missing where somebody navigates
	ContradictionOddUpgrade                              // Upgrade-Insecure-Requests is missing where somebody navigates, or the browser does not send it by TLS
	ContradictionOddAccept                               // somebody clicked, and Accept does not ask for a page
	ContradictionNoBrotli                                // gzip is taken, and not the Brotli that the browser takes
	ContradictionNoZstandard                             // nor its Zstandard
	numContradictions         = iota
)

const (
	ofConnection = ContradictionLibrary | ContradictionOddHello | ContradictionOddSetup
	ofFields     = ContradictionNoFetch | ContradictionOddFetch | ContradictionOddFetchUser | ContradictionNoHints | ContradictionOddHints | ContradictionOddOrder | ContradictionNoPriority | ContradictionOddUpgrade | ContradictionOddAccept
	ofEncodings  = ContradictionNoBrotli | ContradictionNoZstandard
)

// Forged reports whether they show that the user agent of ev is another program's. One is not enough: a release may come that differs in one
// thing, an extension may take a field away, and what reads along on a person's way is itself another program.
//
//   - A library is enough, for nobody reads along with one of these.
//   - So are a hello and an HTTP/2 that are both not the browser's: what reads along mostly speaks HTTP/1, or passes HTTP/2 on as it is.
//   - A connection that is not the browser's needs a field as well; one that is another browser's, a field that neither has.
//   - Else it takes two fields.
//
// Where the request says that somebody passed it on, its connection is not the client's and counts for nothing. Where TLS may be
// somebody else's, encodings count for nothing: he changes them, so that he can read.
func (c Contradictions) Forged(ev *traffic.Event) bool {
	connection, fields := c&ofConnection, c&ofFields
	switch {
	case ev.Facts.Has(traffic.FactPassedOn):
		return fields.count() >= 2
	case connection&ContradictionLibrary != 0, connection == ContradictionOddHello|ContradictionOddSetup && ev.Version >= 20:
		return true
	case connection&ContradictionOddHello != 0:
		return fields != 0
	}
	fields |= c & ofEncodings
	if connection != 0 || c&ContradictionOtherBrowser != 0 && fields != ContradictionOddHints { // which extensions add
		return fields != 0
	}
	return fields.count() >= 2
}

func (c Contradictions) count() int { return bits.OnesCount16(uint16(c)) }

// All calls yield with each of them, the first first.
func (c Contradictions) All(yield func(Contradictions) bool) {
	for i := range numContradictions {
		if one := Contradictions(1) << i; c&one != 0 && !yield(one) {
			return
		}
	}
}
