package heuristics

import (
	"fmt"
	"slices"
	"strings"
)

// Finding is what is certain about a request. There is a fixed number of them, so that they are safe as metric labels.
type Finding uint8

// The findings, the surest first: a request has the first that applies.
const (
	NoFinding              Finding = iota
	FindingInjection               // an attack in the query or in a field of the header
	FindingDamningPath             // a path that no person asks for
	FindingMalformed               // what no browser sends: no HTTP, a broken target, more fields than any program needs
	FindingHeadless                // the user agent declares a browser that a program drives
	FindingDeclaredTool            // the user agent declares a library or a command-line program, or nothing that a person uses
	FindingDeclaredCrawler         // the user agent declares a crawler, monitor, link preview or scanner
	FindingNoAgent                 // there is no user agent
	FindingForgedAgent             // the user agent claims a browser, and the request is another program's
	FindingFirstFetch              // a client whose history is its first page asks for what a page of the site brings along
	FindingUnknownClient           // a client without history
	NumFindings
)

// rule is what a finding means for the score.
type rule struct {
	name     string
	low, top uint8 // bounds of the score
	scaled   bool  // the score is fitted between them, instead of cut
}

// A declared program is flagged by the usual threshold of 30, but not among what is certainly hostile: whether a crawler is
// welcome is for the policy to say.
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

// Bound returns the score of a request with this finding, from that of a model. Where something is certain the score is at
// most what that allows, also where the model gave none (0). Where nothing is known of the client the model's score, 1 to 99,
// is fitted into the middle, so that the order stays.
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

// Names returns the names of all findings, which are those that can be switched off.
func Names() (names []string) {
	for _, r := range rules[NoFinding+1:] {
		names = append(names, r.name)
	}
	return names
}

// Rules are the findings that are looked for. The zero value looks for all.
type Rules struct{ off uint16 }

// New returns the rules without those that are named.
func New(off []string) (Rules, error) {
	var r Rules
	for _, name := range off {
		i := slices.Index(Names(), name)
		if i < 0 {
			return Rules{}, fmt.Errorf("heuristics: switching %q off: there is no such finding (use %s)", name, strings.Join(Names(), ", "))
		}
		r.off |= 1 << (i + 1)
	}
	return r, nil
}

func (r Rules) has(f Finding) bool { return r.off>>f&1 == 0 }
