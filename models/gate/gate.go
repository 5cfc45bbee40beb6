// Package gate judges a model by scripted situations that an operator would notice first, such as
// people who are refused and attacks that pass. It plays each situation through the features,
// heuristics and the model as a proxy with an idle daemon serves them, in virtual time. Training
// uses nothing of this package: its sites, user agents and paths are different.
package gate

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/headgate/headgate/scorer"
)

// flagBelow is the score below which a request counts as flagged: a filter's default.
const flagBelow = 30

// Result is the result of one situation.
type Result struct {
	Name   string `json:"name"`   // of the situation
	Wanted string `json:"wanted"` // in words
	Value  string `json:"value"`  // in words
	Met    bool   `json:"met"`

	// Misses describes the first requests or clients that were judged wrongly, with their scores.
	Misses []string `json:"misses,omitempty"`
}

// maxMisses bounds Result.Misses.
const maxMisses = 8

// situation is one row of the table.
type situation struct {
	name, wanted string
	judge        func(*theatre) outcome
}

// outcome is the measured result of a situation.
type outcome struct {
	value  string
	met    bool
	misses []string
}

// Situations returns the names of all situations, in the order of the table.
func Situations() (names []string) {
	for _, s := range situations() {
		names = append(names, s.name)
	}
	return names
}

// Run plays the named situations with a model. Each starts with a daemon without any history.
// Progress, if not nil, is called with the name of each situation before it is played.
func Run(model *scorer.Model, names []string, progress func(name string)) ([]Result, error) {
	var results []Result
	for _, s := range situations() {
		if !slices.Contains(names, s.name) {
			continue
		}
		if progress != nil {
			progress(s.name)
		}
		t := &theatre{model: model}
		o := s.judge(t)
		if t.err != nil {
			return nil, fmt.Errorf("gate: %s: %w", s.name, t.err)
		}
		results = append(results, Result{s.name, s.wanted, o.value, o.met, o.misses[:min(len(o.misses), maxMisses)]})
	}
	return results, nil
}

// situations returns all situations, in the order of the table.
func situations() []situation {
	return []situation{
		{"people's first requests, 8 kinds of sites", "none below 40", peopleFirst},
		{"damning first requests, browser's user agent", "all flagged", damning},
		{"people by visit: PHP, assets elsewhere, no referer", "<= 1 % flagged", visitsWithoutReferers},
		{"people by visit: 50 behind one address", "<= 1 % flagged", visitsBehindOneAddress},
		{"people by visit: shop, forum, webmail, app", "<= 1 % flagged", visits},
		{"scanners with browser user agents, after 20 requests", ">= 95 % flagged", scanners},
		{"the same with forged referer and assets", ">= 90 % flagged", scannersInDisguise},
		{"failed logins, 600 a minute from one address", ">= 95 % flagged", loginsOfOneAddress},
		{"failed logins, a fresh IPv6 address of one /64 each", ">= 95 % flagged", loginsOfFreshAddresses},
		{"a new user agent with each request, after 20", ">= 95 % flagged", agentRotation},
		{"addresses of one /24 in turn, after 20", ">= 95 % flagged", networkRotation},
		{"swarm: 300 addresses, 10 requests each", ">= 85 % flagged", swarm},
		{"real browsers by automation, after 10 requests", ">= 60 % flagged", automation},
		{"declared crawlers, tools, libraries, first request", ">= 98 % flagged", declared},
		{"first single direct request of an unknown client", "40 to 60", direct},
		{"a page's own first fetch and XHR", "all > 50", pageFetches},
		{"scanners and load tools, 200 ms after their 10th request", "all flagged", firstSecond},
		{"impersonators, first request where the wire is seen", ">= 80 % flagged", impersonators},
		{"one request 10 s, 10 min and 1 h after a flood", "< 10, < 30, < 60", memory},
		{"people while 20,000 events poison their agent or network", "<= 1 % flagged", poisoned},
		{"a flood's own requests while it uses the most popular agent", ">= 95 % flagged", whitewashed},
	}
}

// Met returns the number of results that are as wanted.
func Met(results []Result) (n int) {
	for _, r := range results {
		if r.Met {
			n++
		}
	}
	return n
}

// Write prints the results as a Markdown table that is also readable as plain text.
func Write(w io.Writer, results []Result) error {
	out := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintln(out, "| situation\t| wanted\t| value\t| met\t|")
	fmt.Fprintln(out, "|---\t|---\t|---\t|---\t|")
	for _, r := range results {
		met := "no"
		if r.Met {
			met = "yes"
		}
		fmt.Fprintf(out, "| %s\t| %s\t| %s\t| %s\t|\n", r.Name, r.Wanted, r.Value, met)
	}
	return out.Flush()
}
