package heuristics

import (
	"fmt"
	"slices"
	"strings"
)

// Finding is what is certain about a request. Their number is fixed, so that they are safe as
// metric labels.
type Finding uint8

// The findings, the most certain first: a request has the first that applies.
const (
	NoFinding          Finding = iota
	FindingInjection           // an attack in the query or in a header field
	FindingDamningPath         // a path that no person requests
	// not HTTP, a broken target, or too many header fields for a browser
	FindingMalformed
	FindingHeadless // the user agent declares a browser that a program drives
	// the user agent declares a library, a command-line program, or nothing that a person uses
	FindingDeclaredTool
	// the user agent declares a crawler, monitor, link preview or scanner
	FindingDeclaredCrawler
	FindingNoAgent // there is no user agent
	// the user agent claims a browser, and the request is of another program
	FindingForgedAgent
	// a client without more history than one page requests what a page of the site loads
	FindingFirstFetch
	FindingUnknownClient // a client without history
	NumFindings
)

// rule is what a finding means for the score.
type rule struct {
	name     string
	low, top uint8 // bounds of the score
	scaled   bool  // the score is scaled to the bounds instead of cut
}

// A declared program is flagged at the usual threshold of 30, but scores above what is certainly
// hostile: the policy decides whether a crawler is welcome.
var rules = [NumFindings]rule{
	NoFinding:              {"none", 1, 99, false},
	FindingInjection:       {"injection", 1, 3, false},
	FindingDamningPath:     {"damning_path", 1, 3, false},
	FindingMalformed:       {"malformed", 1, 10, false},
	FindingHeadless:        {"headless", 1, 20, false},
	FindingDeclaredTool:    {"declared_tool", 1, 20, false},
	FindingDeclaredCrawler: {"declared_crawler", 1, 20, false},
	FindingNoAgent:         {"no_agent", 1, 20, false},
	FindingForgedAgent:     {"forged_agent", 1, 20, false},
	FindingFirstFetch:      {"first_fetch", 51, 60, true},
	FindingUnknownClient:   {"unknown_client", 40, 60, true},
}

// String returns a constant, fit for a header or a metric label.
func (f Finding) String() string {
	if f < NumFindings {
		return rules[f].name
	}
	return "unknown"
}

// Bound returns the score of a request with this finding, from a model's score of 1 to 99, or 0
// without one. A certain finding has an upper bound, which is the score without a model. For an
// unknown client the model's score is scaled into the middle, which keeps the order.
func (f Finding) Bound(score uint8) uint8 {
	if f == NoFinding || f >= NumFindings {
		return score
	}
	r := rules[f]
	switch {
	case !r.scaled && score == 0:
		return r.top
	case !r.scaled:
		return min(score, r.top)
	case score == 0:
		return 0
	}
	const lowest, highest = 1, 99
	return r.low + uint8((int(min(score, highest)-lowest)*int(r.top-r.low)+(highest-lowest)/2)/(highest-lowest))
}

// Names returns the names of all findings. Each can be switched off.
func Names() (names []string) {
	for _, r := range rules[NoFinding+1:] {
		names = append(names, r.name)
	}
	return names
}

// Rules are the findings that are looked for. The zero value looks for all.
type Rules struct{ off uint16 }

// New returns all rules but those that are named.
func New(off []string) (Rules, error) {
	var r Rules
	for _, name := range off {
		i := slices.Index(Names(), name)
		if i < 0 {
			return Rules{}, fmt.Errorf("heuristics: switch %q off: unknown finding (use %s)", name,
				strings.Join(Names(), ", "))
		}
		r.off |= 1 << (i + 1)
	}
	return r, nil
}

func (r Rules) has(f Finding) bool { return r.off>>f&1 == 0 }
