package daemon

import "strings"

// activity is what the daemon does again and again and what can go wrong.
type activity int

const (
	scanning activity = iota
	publishing
	checkpointing
	limitKeeping
	numActivities
)

var activityNames = [numActivities]string{"scanning", "publishing to", "writing", "keeping"}

// String completes to "<activity> <path>".
func (a activity) String() string { return activityNames[a] }

// troubles are what each activity met at its last attempt; empty: it went well.
type troubles [numActivities]string

// set notes how an attempt went and tells whether that is news.
func (t *troubles) set(a activity, path string, err error) bool {
	what := ""
	if err != nil {
		what = a.String() + " " + path + ": " + err.Error()
	}
	changed := t[a] != what
	t[a] = what
	return changed
}

// String gives all troubles on one line, empty where there are none.
func (t *troubles) String() string {
	var all []string
	for _, what := range t {
		if what != "" {
			all = append(all, what)
		}
	}
	return strings.Join(all, "; ")
}
