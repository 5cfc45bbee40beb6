package heuristics

import (
	"math"
	"slices"
)

// features are what of a client's history is looked at, by full name.
var features = [...]string{
	"ip/requests_1h", "ip/age", "ip_ua/requests_1h", "net/requests_10m", "net/distinct_addresses_10m", "net64/requests_10m", "net64/distinct_addresses_10m",
}

// The features by their places.
const (
	atRequests = iota
	atAge
	atPairRequests
	atNetRequests
	atNetAddresses
	atNet64Requests
	atNet64Addresses
)

// History is what is known of a client: the features of History, NaN where there are none.
type History [len(features)]float32

// Positions are where the features of a History are in a list of features.
type Positions [len(features)]int

// Wanted returns names, with what a History needs and they lack behind them, and where in that list its features are.
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

// History returns the history in values, which are of the features that Wanted returned.
func (p *Positions) History(values []float32) (h History) {
	for i, at := range p {
		h[i] = values[at]
	}
	return h
}

// Nothing returns the history of a client of which nothing is published.
func NoHistory() (h History) {
	for i := range h {
		h[i] = float32(math.NaN())
	}
	return h
}

// The bounds of what counts as known.
const (
	// anyRequests is what one request is still worth hours after it: less is nothing.
	anyRequests = 0.5

	// A page brings its parts along within its first seconds, and there are seldom more: until then its client is a stranger to
	// what asks for them.
	firstSeconds  = 2
	firstRequests = 50

	// A network that has had so many addresses within minutes, and so few requests from each, is one client that changes its
	// address. What is asked for from there is no stranger's, and the model decides. A household has fewer addresses, and people
	// behind the gateways of a mobile network ask for more from each.
	manyAddresses     = 16
	requestsOfAddress = 4
)

// known reports whether there is anything to judge the client by. Comparisons with NaN are false.
func (h *History) known() bool {
	return h[atRequests] >= anyRequests || h[atPairRequests] >= anyRequests || h.rotates()
}

// begins reports whether a client has no more history than what the loading of its first page makes.
func (h *History) begins() bool {
	return !h.rotates() && (!h.known() || h[atAge] <= firstSeconds && h[atRequests] <= firstRequests)
}

// rotates reports whether the client's network is one of a client that changes its address.
func (h *History) rotates() bool {
	return changesAddress(h[atNetRequests], h[atNetAddresses]) || changesAddress(h[atNet64Requests], h[atNet64Addresses])
}

func changesAddress(requests, addresses float32) bool {
	return addresses >= manyAddresses && requests < requestsOfAddress*addresses
}
