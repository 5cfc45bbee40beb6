package explain

import (
	"fmt"

	"github.com/headgate/headgate/heuristics"
)

// findingWords are what is certain, in words.
var findingWords = map[heuristics.Finding]string{
	heuristics.Injection:       "there is an attack in the path, the query or the header",
	heuristics.DamningPath:     "no person asks for this path",
	heuristics.Malformed:       "no browser sends such a request",
	heuristics.Headless:        "the user agent declares a browser that a program drives",
	heuristics.DeclaredTool:    "the user agent declares a library or a command-line program, or nothing that a person uses",
	heuristics.DeclaredCrawler: "the user agent declares a crawler, monitor, link preview or scanner",
	heuristics.NoAgent:         "there is no user agent",
	heuristics.FirstFetch:      "the client loads its first page, and this seems to belong to the page",
	heuristics.UnknownClient:   "nothing is known of the client yet",
}

// Finding says in words what was certain before the model was asked; empty if nothing was.
func Finding(f heuristics.Finding) string { return findingWords[f] }

// Bounds says in words to what a finding bounds the score.
func Bounds(f heuristics.Finding) string {
	const lowest, highest = 1, 99
	low, high := f.Bound(lowest), f.Bound(highest)
	if low == lowest {
		return fmt.Sprintf("at most %d", high)
	}
	return fmt.Sprintf("%d to %d", low, high)
}
