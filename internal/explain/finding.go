package explain

import (
	"fmt"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

// findingWords describes each finding in words.
var findingWords = map[heuristics.Finding]string{
	heuristics.Injection:       "there is an attack in the path, the query or the header",
	heuristics.DamningPath:     "no person asks for this path",
	heuristics.Malformed:       "no browser sends such a request",
	heuristics.Headless:        "the user agent declares a browser that a program drives",
	heuristics.DeclaredTool:    "the user agent declares a library or a command-line program, or nothing that a person uses",
	heuristics.DeclaredCrawler: "the user agent declares a crawler, monitor, link preview or scanner",
	heuristics.NoAgent:         "there is no user agent",
	heuristics.ForgedAgent:     "the user agent claims a browser, and another program sent the request",
	heuristics.FirstFetch:      "the client loads its first page, and this seems to belong to the page",
	heuristics.UnknownClient:   "nothing is known of the client yet",
}

// contradictionWords describes in words what contradicts a user agent.
var contradictionWords = map[heuristics.Contradictions]string{
	heuristics.OfLibrary:    "the TLS hello is that of a library for programs",
	heuristics.OddHello:     "the browser sends no such TLS hello",
	heuristics.OddSetup:     "the browser does not speak HTTP like this",
	heuristics.OtherBrowser: "the connection is another browser's",
	heuristics.NoFetch:      "it has no Sec-Fetch fields",
	heuristics.OddFetch:     "its Sec-Fetch fields contradict each other",
	heuristics.OddFetchUser: "its Sec-Fetch-User is not as the browser sends it",
	heuristics.NoHints:      "it has no Sec-CH-UA",
	heuristics.OddHints:     "its Sec-CH-UA is not of that browser and version",
	heuristics.OddOrder:     "its header fields come in an order that the browser does not have",
	heuristics.NoPriority:   "it has no Priority",
	heuristics.OddUpgrade:   "its Upgrade-Insecure-Requests is not as the browser sends it",
	heuristics.OddAccept:    "its Accept does not ask for a page",
	heuristics.NoBrotli:     "it does not take Brotli",
	heuristics.NoZstandard:  "it does not take Zstandard",
}

// Finding describes in words the finding that bounds the score of ev. It returns "" for NoFinding.
func Finding(f heuristics.Finding, ev *traffic.Event) string {
	words := findingWords[f]
	if f != heuristics.ForgedAgent {
		return words
	}
	var found []string
	for c := range heuristics.ContradictionsOf(ev).All {
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
