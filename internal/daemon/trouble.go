package daemon

import (
	"strings"
	"time"
)

// troubleKind is a kind of trouble. Its name is a label of headgate_trouble, so that there are few.
type troubleKind int

const (
	freshness troubleKind = iota
	owning
	publishing
	scanning
	limitKeeping
	policyReading
	checkpointing
	numTroubles
)

// troubleKinds says of each kind what it is called, what the daemon does when it meets it, and whether proxies are
// without what the daemon is for while it lasts: then the daemon is not ready. The others are reported and leave it
// ready, since taking a proxy out of service for them would cost more than they do.
var troubleKinds = [numTroubles]struct {
	name    string
	doing   string // completes to "<doing> <path>"
	unready bool
}{
	freshness:     {"stale", "publishing to", true},
	owning:        {"directory", "owning", true},
	publishing:    {"publication", "publishing to", false},
	scanning:      {"rings", "scanning", false},
	limitKeeping:  {"limits", "keeping", false},
	policyReading: {"policy", "reading", false},
	checkpointing: {"checkpoint", "writing", false},
}

// String returns the kind's name.
func (k troubleKind) String() string { return troubleKinds[k].name }

// Trouble is something that is wrong now.
type Trouble struct {
	Kind    string    // one of few
	Unready bool      // the daemon is not ready while it lasts
	Since   time.Time // when it began
	Text    string    // one line
}

// troubles are the states of all kinds.
type troubles [numTroubles]troubleState

// troubleState is what an activity met at its last attempt.
type troubleState struct {
	text     string // empty: it went well
	since    time.Time
	logged   string // the text that was logged last
	loggedAt time.Time
}

// relogAfter bounds how often a trouble that lasts and whose text changes is logged.
const relogAfter = 10 * time.Second

// troubleNews is what the log is to say of an attempt.
type troubleNews int

const (
	noNews troubleNews = iota
	troubleHere
	troubleOver
)

// set notes how an attempt went, and returns what is new about it and for how long the trouble has lasted.
func (t *troubles) set(k troubleKind, text string, now time.Time) (news troubleNews, lasted time.Duration) {
	s := &t[k]
	before := s.text
	s.text = text
	switch {
	case before == "" && text == "":
		return noNews, 0
	case text == "":
		return troubleOver, now.Sub(s.since)
	case before == "":
		s.since = now
	case text == s.logged || now.Sub(s.loggedAt) < relogAfter:
		return noNews, 0
	}
	s.logged, s.loggedAt = text, now
	return troubleHere, now.Sub(s.since)
}

// list returns what is wrong now, what makes the daemon unready first.
func (t *troubles) list() (all []Trouble) {
	for k, s := range t {
		if s.text != "" {
			all = append(all, Trouble{troubleKinds[k].name, troubleKinds[k].unready, s.since, s.text})
		}
	}
	return all
}

// joined returns the texts of troubles on one line.
func joined(all []Trouble) string {
	var texts []string
	for _, t := range all {
		texts = append(texts, t.Text)
	}
	return strings.Join(texts, "; ")
}

// report notes how an activity on a path went. Trouble is logged when it begins and when it ends, not at each attempt.
func (d *Daemon) report(k troubleKind, path string, err error) {
	text := ""
	if err != nil {
		text = troubleKinds[k].doing + " " + path + ": " + strings.ReplaceAll(withRemedy(err).Error(), "\n", "; ")
	}
	d.mutex.Lock()
	news, lasted := d.troubles.set(k, text, time.Now())
	d.stats.Troubles = d.troubles.list()
	d.stats.Trouble = joined(d.stats.Troubles)
	d.mutex.Unlock()
	switch news {
	case troubleHere:
		d.config.Log.Error("headgate: trouble "+troubleKinds[k].doing, "path", path, "kind", k, "error", withRemedy(err))
	case troubleOver:
		d.config.Log.Info("headgate: no more trouble "+troubleKinds[k].doing, "path", path, "kind", k, "after", lasted.Round(time.Millisecond))
	}
}
