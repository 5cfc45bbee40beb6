package explain

import (
	"fmt"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

// findingWords describes each finding in words.
var findingWords = map[heuristics.Finding]string{
	heuristics.FindingInjection:       "there is an attack in the path, the query or the header",
	heuristics.FindingDamningPath:     "no person asks for this path",
	heuristics.FindingMalformed:       "no browser sends such a request",
	heuristics.FindingHeadless:        "the user agent declares a browser that a program drives",
	heuristics.FindingDeclaredTool:    "the user agent declares a library or a command-line program, or nothing that a person uses",
	heuristics.FindingDeclaredCrawler: "the user agent declares a crawler, monitor, link preview or scanner",
	heuristics.FindingNoAgent:         "there is no user agent",
	heuristics.FindingForgedAgent:     "the user agent claims a browser, and another program sent the request",
	heuristics.FindingFirstFetch:      "the client loads its first page, and this seems to belong to the page",
	heuristics.FindingUnknownClient:   "nothing is known of the client yet",
}

// contradictionWords describes in words what contradicts a user agent.
var contradictionWords = map[heuristics.Contradictions]string{
	heuristics.ContradictionLibrary:      "the TLS hello is that of a library for programs",
	heuristics.ContradictionOddHello:     "the browser sends no such TLS hello",
	heuristics.ContradictionOddSetup:     "the browser does not speak HTTP like this",
	heuristics.ContradictionOtherBrowser: "the connection is another browser's",
	heuristics.ContradictionNoFetch:      "it has no Sec-Fetch fields",
	heuristics.ContradictionOddFetch:     "its Sec-Fetch fields contradict each other",
	heuristics.ContradictionOddFetchUser: "its Sec-Fetch-User is not as the browser sends it",
	heuristics.ContradictionNoHints:      "it has no Sec-CH-UA",
	heuristics.ContradictionOddHints:     "its Sec-CH-UA is not of that browser and version",
	heuristics.ContradictionOddOrder:     "its header fields come in an order that the browser does not have",
	heuristics.ContradictionNoPriority:   "it has no Priority",
	heuristics.ContradictionOddUpgrade:   "its Upgrade-Insecure-Requests is not as the browser sends it",
	heuristics.ContradictionOddAccept:    "its Accept does not ask for a page",
	heuristics.ContradictionNoBrotli:     "it does not take Brotli",
	heuristics.ContradictionNoZstandard:  "it does not take Zstandard",
}

// Finding describes in words the finding that bounds the score of ev. It returns "" for NoFinding.
func Finding(f heuristics.Finding, ev *traffic.Event) string {
	words := findingWords[f]
	if f != heuristics.FindingForgedAgent {
		return words
	}
	var found []string
	for c := range heuristics.FindContradictions(ev).All {
		found = append(found, contradictionWords[c])
	}
	return words + ": " + strings.Join(found, ", ")
}

// Bounds describes in words the scores that a finding allows.
func Bounds(f heuristics.Finding) string {
	const lowest, highest = 1, 99
	low, high := f.Bound(lowest), f.Bound(highest)
	if low == lowest {
		return fmt.Sprintf("at most %d", high)
	}
	return fmt.Sprintf("%d to %d", low, high)
}
