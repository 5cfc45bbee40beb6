package harness

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Run is one execution of the benchmark: its settings and what has been measured so far. It is for one goroutine.
type Run struct {
	Quick        bool      // smaller sizes and fewer rounds: minutes, not an hour
	RequirePeers bool      // a missing peer is an error
	Log          io.Writer // progress, for people; default: standard error
	OnResult     func(Result)

	Results []Result
	Missing []MissingPeer // in the order in which they were missed
	suite   string
}

// Suite is a group of comparisons.
type Suite struct {
	Name      string
	About     string // one line
	NeedsPeer bool   // says nothing without its peers
	Run       func(*Run) error
}

// MissingPeer is a peer that could not be measured.
type MissingPeer struct {
	Suite  string `json:"suite"`
	Name   string `json:"peer"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"` // the command that installs it
}

func (m MissingPeer) Error() string {
	return fmt.Sprintf("%s: peer %s is missing: %s; %s", m.Suite, m.Name, m.Reason, m.Remedy)
}

// Do runs a suite.
func (r *Run) Do(s Suite) error {
	r.suite = s.Name
	r.logf("%s: %s", s.Name, s.About)
	if err := s.Run(r); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return nil
}

// Size is quick in a quick run and full in a full one.
func (r *Run) Size(quick, full int) int {
	if r.Quick {
		return quick
	}
	return full
}

// Miss records that a peer cannot be measured, and goes on without it unless peers are required.
func (r *Run) Miss(err error) error {
	var missing MissingPeer
	if !errors.As(err, &missing) {
		return err
	}
	missing.Suite = r.suite
	if r.RequirePeers {
		return missing
	}
	for _, m := range r.Missing {
		if m == missing {
			return nil
		}
	}
	r.Missing = append(r.Missing, missing)
	r.logf("%v", missing)
	return nil
}

// emit adds results to the report.
func (r *Run) emit(results []Result) {
	for _, result := range results {
		r.Results = append(r.Results, result)
		if r.OnResult != nil {
			r.OnResult(result)
		}
	}
}

func (r *Run) logf(format string, args ...any) {
	w := r.Log
	if w == nil {
		w = os.Stderr
	}
	fmt.Fprintf(w, "bench: "+format+"\n", args...)
}
