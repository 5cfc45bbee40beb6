package proxyhook

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/limits"
)

// The header fields that the filter sets.
const (
	ScoreHeader  = "X-Headgate-Score"  // on the request to the origin: 1..99
	ActionHeader = "X-Headgate-Action" // on the request to the origin: see Action.String
	ReasonHeader = "X-Headgate-Reason" // on a refusal: why, a constant that programs may branch on
)

// ownPrefix begins the name of every field of ours.
const ownPrefix = "X-Headgate-"

// Reasons of refusals, as they stand in ReasonHeader.
const (
	reasonOverloaded = "origin_overloaded"
	reasonShed       = "origin_filling_up" // there was room, but not for a score as low as this request's
	reasonScore      = "score"
)

// forwardedHeader gives the header of the request that goes on: from without the fields that only we may set, and
// with the decision. from stays as it is.
func forwardedHeader(from http.Header, d Decision) http.Header {
	h := make(http.Header, len(from)+2)
	for name, values := range from {
		if !isOwn(name) {
			h[name] = slices.Clip(values)
		}
	}
	keepHopByHop(h)
	if d.Score != 0 {
		h.Set(ScoreHeader, strconv.Itoa(int(d.Score)))
	}
	h.Set(ActionHeader, d.Action.String())
	return h
}

// keepHopByHop drops our names from the Connection field. A proxy removes the fields that are named there, so that a
// client could have the decision taken out on its way to the origin.
func keepHopByHop(h http.Header) {
	if !slices.ContainsFunc(h["Connection"], namesOwn) {
		return
	}
	var kept []string
	for _, list := range h["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" && !isOwn(name) {
				kept = append(kept, name)
			}
		}
	}
	delete(h, "Connection")
	if len(kept) > 0 {
		h.Set("Connection", strings.Join(kept, ", "))
	}
}

func namesOwn(list string) bool {
	for name := range strings.SplitSeq(list, ",") {
		if isOwn(strings.TrimSpace(name)) {
			return true
		}
	}
	return false
}

// isOwn tells our names, in any case. An underscore counts as a hyphen: gateways in front of CGI-like origins make
// one of the other.
func isOwn(name string) bool {
	if len(name) < len(ownPrefix) {
		return false
	}
	for i := range len(ownPrefix) {
		c := name[i]
		if c == '_' {
			c = '-'
		}
		if c|0x20 != ownPrefix[i]|0x20 { // the prefix has letters and hyphens only; bit 5 of a hyphen is set
			return false
		}
	}
	return true
}

func overloadReason(a *limits.Admission) string {
	if a.Reason == limits.Shed {
		return reasonShed
	}
	return reasonOverloaded
}

func refuse(w http.ResponseWriter, status int, reason string) {
	w.Header().Set(ReasonHeader, reason)
	http.Error(w, http.StatusText(status), status)
}

// retryAfter gives whole seconds, at least one: 0 would invite the client back at once.
func retryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}
