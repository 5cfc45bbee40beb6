package daemon

import (
	"strings"
	"time"
)

// troubleKind is a kind of trouble. Its name is a label of headgate_trouble, so there are few.
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

// troubleKinds has, for each kind, its name, what the daemon does when it occurs, and whether the
// daemon is unready while it lasts, since proxies lack what they need. The other kinds are only
// reported: taking a proxy out of service would cost more than they do.
var troubleKinds = [numTroubles]struct {
	name    string
	doing   string // followed by the path
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

// Trouble is a current problem.
type Trouble struct {
	Kind    string    // one of few
	Unready bool      // whether it makes the daemon unready
	Since   time.Time // when it began
	Text    string    // one line
}

// troubles holds the state of each kind.
type troubles [numTroubles]troubleState

// troubleState is the result of an activity's last attempt.
type troubleState struct {
	text     string // empty: it succeeded
	since    time.Time
	logged   string // the last text that was logged
	loggedAt time.Time
}

// relogAfter bounds how often lasting trouble with a changing text is logged.
const relogAfter = 10 * time.Second

// troubleNews is what to log about an attempt.
type troubleNews int

const (
	noNews troubleNews = iota
	troubleHere
	troubleOver
)

// set records the result of an attempt, and returns what is new about it and how long the trouble
// has lasted.
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

// list returns the current troubles, those that make the daemon unready first.
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

// report records the result of an activity on a path. Trouble is logged when it begins and when it
// ends, not at each attempt.
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
