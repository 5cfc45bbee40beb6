package heuristics

import (
	"math"
	"slices"
)

// features are the full names of the features in a History.
var features = [...]string{
	"ip/requests_1h", "ip/age", "ip_ua/requests_1h", "net/requests_10m",
	"net/distinct_addresses_10m", "net64/requests_10m", "net64/distinct_addresses_10m",
}

// The indices of the features.
const (
	atRequests = iota
	atAge
	atPairRequests
	atNetRequests
	atNetAddresses
	atNet64Requests
	atNet64Addresses
)

// History is what is known of a client: the values of features, NaN where there are none.
type History [len(features)]float32

// Positions are the indices of the features of a History in a list of features.
type Positions [len(features)]int

// AppendFeatures returns names with the features of a History that are missing appended, and their
// positions in that list.
func AppendFeatures(names []string) ([]string, Positions) {
	all := slices.Clone(names)
	var p Positions
	for i, name := range features {
		if p[i] = slices.Index(all, name); p[i] < 0 {
			p[i] = len(all)
			all = append(all, name)
		}
	}
	return all, p
}

// History returns the history in values, which are of the features that AppendFeatures returned.
func (p *Positions) History(values []float32) (h History) {
	for i, at := range p {
		h[i] = values[at]
	}
	return h
}

// Nothing returns the history of a client without published features.
func NoHistory() (h History) {
	for i := range h {
		h[i] = float32(math.NaN())
	}
	return h
}

// The bounds of what counts as known.
const (
	// A decayed sum below anyRequests counts as no request.
	anyRequests = 0.5

	// A page requests its parts within seconds, and there are seldom more: until then its client
	// has no history for them.
	firstSeconds  = 2
	firstRequests = 50

	// A network with so many addresses within minutes, and so few requests from each, is one client
	// that changes its address. It has a history, and the model decides. A household has fewer
	// addresses, and people behind the gateways of a mobile network send more requests from each.
	manyAddresses     = 16
	requestsOfAddress = 4
)

// known reports whether the client has a history. Comparisons with NaN are false.
func (h *History) known() bool {
	return h[atRequests] >= anyRequests || h[atPairRequests] >= anyRequests || h.rotates()
}

// begins reports whether a client has no more history than one page load makes.
func (h *History) begins() bool {
	return !h.rotates() && (!h.known() || h[atAge] <= firstSeconds &&
		h[atRequests] <= firstRequests)
}

// rotates reports whether the client seems to change its address within its network.
func (h *History) rotates() bool {
	return changesAddress(h[atNetRequests], h[atNetAddresses]) ||
		changesAddress(h[atNet64Requests], h[atNet64Addresses])
}

func changesAddress(requests, addresses float32) bool {
	return addresses >= manyAddresses && requests < requestsOfAddress*addresses
}
