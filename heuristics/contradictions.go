package heuristics

import (
	"math/bits"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Contradictions are differences between a request and the browser that its user agent claims, one
// bit each.
type Contradictions uint16

// The contradictions. The first three are of the connection: an antivirus program or a company's
// proxy that terminates TLS causes them, too. The others are of header fields, which such programs
// do not change.
const (
	// the TLS hello is that of a library for programs
	ContradictionLibrary Contradictions = 1 << iota
	// no release of the browser sends such a hello
	ContradictionOddHello
	// no release sets up HTTP/2, or writes HTTP/1, like this
	ContradictionOddSetup
	// the connection is, in all parts, that of another browser
	ContradictionOtherBrowser
	ContradictionNoFetch  // the Sec-Fetch fields are missing
	ContradictionOddFetch // they contradict each other
	// Sec-Fetch-User is missing after a typed address, or the browser does not have it
	ContradictionOddFetchUser
	ContradictionNoHints // Sec-CH-UA is missing in a navigation
	// Sec-CH-UA is of another version, or of a browser that has none
	ContradictionOddHints
	// header fields come in an order that the browser does not have
	ContradictionOddOrder
	ContradictionNoPriority // Priority is missing in a navigation
	// Upgrade-Insecure-Requests is missing in a navigation, or not sent over TLS
	ContradictionOddUpgrade
	// after a click Accept does not ask for a page
	ContradictionOddAccept
	// gzip is accepted, and not Brotli, which the browser accepts
	ContradictionNoBrotli
	ContradictionNoZstandard // nor Zstandard
	numContradictions        = iota
)

const (
	ofConnection = ContradictionLibrary | ContradictionOddHello | ContradictionOddSetup
	ofFields     = ContradictionNoFetch | ContradictionOddFetch | ContradictionOddFetchUser |
		ContradictionNoHints | ContradictionOddHints | ContradictionOddOrder |
		ContradictionNoPriority | ContradictionOddUpgrade | ContradictionOddAccept
	ofEncodings = ContradictionNoBrotli | ContradictionNoZstandard
)

// Forged reports whether c shows that another program sent the user agent of ev. One contradiction
// is not enough: a new release may differ in one thing, an extension may remove a field, and a
// program that inspects a person's TLS is itself another program.
//
//   - A library is enough, since programs that inspect TLS do not use these.
//   - So are a hello and an HTTP/2 that are both not the browser's: a program that inspects TLS
//     mostly speaks HTTP/1, or forwards HTTP/2 unchanged.
//   - A connection that is not the browser's needs a field as well; that of another browser, a
//     field that neither has.
//   - Otherwise two fields are needed.
//
// The connection does not count if the request says that it was forwarded. Encodings do not count
// if TLS may be of a program that inspects it, since such a program changes them.
func (c Contradictions) Forged(ev *traffic.Event) bool {
	connection, fields := c&ofConnection, c&ofFields
	switch {
	case ev.Facts.Has(traffic.FactPassedOn):
		return fields.count() >= 2
	case connection&ContradictionLibrary != 0,
		connection == ContradictionOddHello|ContradictionOddSetup && ev.Version >= 20:
		return true
	case connection&ContradictionOddHello != 0:
		return fields != 0
	}
	fields |= c & ofEncodings
	// which extensions add
	if connection != 0 || c&ContradictionOtherBrowser != 0 && fields != ContradictionOddHints {
		return fields != 0
	}
	return fields.count() >= 2
}

func (c Contradictions) count() int { return bits.OnesCount16(uint16(c)) }

// All calls yield with each contradiction in the order of the constants.
func (c Contradictions) All(yield func(Contradictions) bool) {
	for i := range numContradictions {
		if one := Contradictions(1) << i; c&one != 0 && !yield(one) {
			return
		}
	}
}
