package traffic

import "github.com/headgate/headgate/internal/base/siphash"

// Sums hashes what an Event does not have whole: paths and user agents that are cut, and session
// cookies. Clients choose these; with the secret of an installation no client can find two with the
// same hash, and all its proxies compute the same hash. The zero Sums, without a secret, is for
// events of a log.
type Sums struct{ key siphash.Key }

// NewSums returns the Sums of the installation with this seed of the keys' hash.
func NewSums(seed uint64) Sums { return Sums{siphash.Key{Low: seed, High: sumKey}} }

const sumKey = 0x68656164676174 // "headgat", apart from other uses of the seed

// SetPath stores path in e, cut to its bound.
func (s Sums) SetPath(e *Event, path string) { e.Path, e.PathSum = s.cut(path, MaxPath) }

// SetUserAgent stores agent in e, cut to its bound.
func (s Sums) SetUserAgent(e *Event, agent string) {
	e.UserAgent, e.AgentSum = s.cut(agent, maxUserAgent)
}

// SetSession stores the hash of a session cookie in e; an empty cookie is hash 0.
func (s Sums) SetSession(e *Event, cookie string) {
	e.Session = 0
	if cookie != "" {
		e.Session = nonZero(s.key.HashString(cookie))
	}
}

func (s Sums) cut(text string, limit int) (string, uint64) {
	if len(text) <= limit {
		return text, 0
	}
	return text[:limit], s.key.HashString(text)
}
