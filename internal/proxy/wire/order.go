package wire

import (
	"math"

	"github.com/headgate/headgate/featurestore/traffic"
)

// order is what is kept of the header fields of one request while they are read.
type order struct {
	fields uint16              // so far
	at     [numRecorded]uint16 // position of the first field of each name, from 1; 0: absent
	last   name

	withinCookies          bool // whether another field came after a cookie
	anyLower, anyCanonical bool // of the common fields: some are in lower, some in canonical case
	anyOther               bool // whether some are in neither
}

// add records the next field.
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
	if n < numRecorded && o.at[n] == 0 {
		o.at[n] = o.fields
	}
}

// addCase records the spelling of a common field's name.
func (o *order) addCase(written []byte) {
	lower, canonical, upper := true, true, true // upper: the next letter should be upper case
	for _, c := range written {
		isUpper := 'A' <= c && c <= 'Z'
		isLower := 'a' <= c && c <= 'z'
		lower = lower && !isUpper
		canonical = canonical && !(upper && isLower) && !(!upper && isUpper)
		upper = c == '-'
	}
	o.anyLower = o.anyLower || lower
	o.anyCanonical = o.anyCanonical || canonical && !lower
	o.anyOther = o.anyOther || !lower && !canonical
}

func (o *order) compare(first, second name) traffic.FieldOrder {
	a, b := o.at[first], o.at[second]
	switch {
	case a == 0 || b == 0:
		return traffic.OrderMissing
	case a < b:
		return traffic.OrderAsNamed
	}
	return traffic.OrderReversed
}

// common returns the facts of both versions of HTTP.
func (o *order) common() traffic.WireFacts {
	return traffic.WireFacts{
		Seen:             true,
		AgentAccept:      o.compare(agentName, acceptName),
		EncodingLanguage: o.compare(encodingName, languageName),
		LanguageAccept:   o.compare(languageName, acceptName),
		HintsAgent:       o.compare(hintsName, agentName),
		Cookie:           o.cookie(),
	}
}

// http1 returns the facts of an HTTP/1 request.
func (o *order) http1() traffic.WireFacts {
	f := o.common()
	f.Case, f.HostFirst, f.Connection = o.nameCase(), o.at[hostName] == 1, o.connection()
	return f
}

func (o *order) cookie() traffic.CookiePosition {
	switch {
	case o.at[cookieName] == 0:
		return traffic.CookieMissing
	case o.withinCookies:
		return traffic.CookieElsewhere
	case o.at[priorityName] > o.at[cookieName]:
		return traffic.CookieBeforePriority
	}
	return traffic.CookieLast
}

func (o *order) nameCase() traffic.NameCase {
	switch {
	case o.anyOther:
		return traffic.CaseOther
	case o.anyLower && o.anyCanonical:
		return traffic.CaseMixed
	case o.anyLower:
		return traffic.CaseLower
	}
	return traffic.CaseCanonical
}

func (o *order) connection() traffic.ConnectionPosition {
	switch {
	case o.at[connectionName] == 0:
		return traffic.ConnectionMissing
	case o.at[connectionName] < o.at[agentName]:
		return traffic.ConnectionBeforeAgent
	case o.last == connectionName:
		return traffic.ConnectionLast
	}
	return traffic.ConnectionElsewhere
}
