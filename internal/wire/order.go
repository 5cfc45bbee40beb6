package wire

import (
	"math"

	"github.com/headgate/headgate/featurestore/traffic"
)

// order is what is kept of the header fields of one request while they are read.
type order struct {
	fields uint16            // so far
	at     [numPlaced]uint16 // place of the first field of each name, from 1; 0: none
	last   name

	withinCookies  bool // another field came after a cookie
	lower, written bool // of the common fields: some are in lower case, some in canonical case
	odd            bool // ... some in neither
}

// add notes the next field.
func (o *order) add(n name) {
	if o.fields < math.MaxUint16 {
		o.fields++
	}
	o.last = n
	switch n {
	case cookieName:
		o.withinCookies = false
	case priorityName:
	default:
		o.withinCookies = true
	}
	if n < numPlaced && o.at[n] == 0 {
		o.at[n] = o.fields
	}
}

// addCase notes how a common field's name was written.
func (o *order) addCase(written []byte) {
	lower, canonical, upper := true, true, true // upper: the next letter should be upper case
	for _, c := range written {
		isUpper := 'A' <= c && c <= 'Z'
		isLower := 'a' <= c && c <= 'z'
		lower = lower && !isUpper
		canonical = canonical && !(upper && isLower) && !(!upper && isUpper)
		upper = c == '-'
	}
	o.lower = o.lower || lower
	o.written = o.written || canonical && !lower
	o.odd = o.odd || !lower && !canonical
}

func (o *order) of(first, second name) traffic.Order {
	a, b := o.at[first], o.at[second]
	switch {
	case a == 0 || b == 0:
		return traffic.OneMissing
	case a < b:
		return traffic.InOrder
	}
	return traffic.Reversed
}

// common returns the facts that both versions of HTTP have.
func (o *order) common() traffic.WireFacts {
	return traffic.WireFacts{
		Seen:             true,
		AgentAccept:      o.of(agentName, acceptName),
		EncodingLanguage: o.of(encodingName, languageName),
		LanguageAccept:   o.of(languageName, acceptName),
		HintsAgent:       o.of(hintsName, agentName),
		Cookie:           o.cookie(),
	}
}

// http1 returns the facts of a request in HTTP/1.
func (o *order) http1() traffic.WireFacts {
	f := o.common()
	f.Case, f.HostFirst, f.Connection = o.nameCase(), o.at[hostName] == 1, o.connection()
	return f
}

func (o *order) cookie() traffic.CookiePlace {
	switch {
	case o.at[cookieName] == 0:
		return traffic.NoCookieField
	case o.withinCookies:
		return traffic.CookieWithin
	case o.at[priorityName] > o.at[cookieName]:
		return traffic.CookiePriority
	}
	return traffic.CookieLast
}

func (o *order) nameCase() traffic.NameCase {
	switch {
	case o.odd:
		return traffic.OtherCase
	case o.lower && o.written:
		return traffic.BothCases
	case o.lower:
		return traffic.LowerCase
	}
	return traffic.CanonicalCase
}

func (o *order) connection() traffic.ConnectionPlace {
	switch {
	case o.at[connectionName] == 0:
		return traffic.NoConnectionField
	case o.at[connectionName] < o.at[agentName]:
		return traffic.ConnectionBeforeAgent
	case o.last == connectionName:
		return traffic.ConnectionLast
	}
	return traffic.ConnectionElsewhere
}
