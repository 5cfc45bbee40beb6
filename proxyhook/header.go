package proxyhook

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/limits"
)

// The header fields that the filter sets.
const (
	ScoreHeader   = "X-Headgate-Score"   // on the request to the origin: 1..99
	ActionHeader  = "X-Headgate-Action"  // on the request to the origin: see Action.String
	FindingHeader = "X-Headgate-Finding" // to the origin, if there is one: see heuristics.Finding
	ReasonHeader  = "X-Headgate-Reason"  // on a refusal: a constant that programs may branch on
)

// ownPrefix begins the names of all fields that only the filter sets.
const ownPrefix = "X-Headgate-"

// Reasons of refusals in ReasonHeader.
const (
	reasonOverloaded = "origin_overloaded"
	reasonShed       = "origin_filling_up" // there was room, but not for a score this low
	reasonSlow       = "origin_slow"       // its threshold is lowered, since it is slow
	reasonScore      = "score"
)

// forwardedHeader returns the header of the request to the origin: from without the fields that
// only the filter may set, and with the decision. from is unchanged.
func forwardedHeader(from http.Header, d Decision) http.Header {
	h := make(http.Header, len(from)+3)
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
	if d.Finding != heuristics.NoFinding {
		h.Set(FindingHeader, d.Finding.String())
	}
	return h
}

// keepHopByHop removes our names from the Connection field. A proxy removes the fields named there,
// so a client could otherwise have the decision removed on its way to the origin.
func keepHopByHop(h http.Header) { dropListed(h, "Connection") }

// dropListed removes our names from a field that lists names of fields.
func dropListed(h http.Header, field string) {
	if !slices.ContainsFunc(h[field], listsOwn) {
		return
	}
	var kept []string
	for _, list := range h[field] {
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.TrimSpace(name); name != "" && !isOwn(name) {
				kept = append(kept, name)
			}
		}
	}
	delete(h, field)
	if len(kept) > 0 {
		h.Set(field, strings.Join(kept, ", "))
	}
}

func listsOwn(list string) bool {
	for name := range strings.SplitSeq(list, ",") {
		if isOwn(strings.TrimSpace(name)) {
			return true
		}
	}
	return false
}

// dropOwn removes the fields from h that only the filter may set, including trailers of a handler
// (see http.TrailerPrefix).
func dropOwn(h http.Header) {
	for name := range h {
		if isOwn(strings.TrimPrefix(name, http.TrailerPrefix)) {
			delete(h, name)
		}
	}
}

// isOwn reports whether an origin may read name as one of ours: in any case, and with any character
// that is neither letter nor digit for a hyphen. CGI and its successors turn those into
// underscores.
func isOwn(name string) bool {
	if len(name) < len(ownPrefix) {
		return false
	}
	for i := range len(ownPrefix) {
		want, c := ownPrefix[i], name[i]
		if want == '-' && isAlphanumeric(c) || want != '-' && c|0x20 != want|0x20 {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func overloadReason(a *limits.Admission) string {
	switch a.Reason {
	case limits.Shed:
		return reasonShed
	case limits.OverLowered:
		return reasonSlow
	}
	return reasonOverloaded
}

// retryAfter returns whole seconds, at least one: 0 would invite the client back at once.
func retryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}
