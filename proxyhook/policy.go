package proxyhook

import "github.com/headgate/headgate/featurestore/traffic"

// Policy turns a score into an action. Judge runs on the request path: it must be safe for
// concurrent use, must not block, and should not allocate. A panic in it is caught, counted under
// PolicyFailed, and the request is allowed. ev is complete except for what is known only when the
// request has ended, and must not be changed. An unknown Action counts as Allow.
type Policy interface {
	Judge(ev *traffic.Event, score uint8) Action
}

// DefaultFlagBelow is the score below which a request is flagged if no policy is configured.
const DefaultFlagBelow = 30

// Thresholds is the usual policy: it returns the hardest action whose threshold is above the score.
// A threshold of 0 is never reached, so the zero value allows everything.
type Thresholds struct {
	TagBelow       uint8
	ChallengeBelow uint8
	ThrottleBelow  uint8
	DenyBelow      uint8

	// Hosts holds the thresholds of single hosts (lower case, without port). They replace the
	// general ones as a whole.
	Hosts map[string]Thresholds
}

// Judge implements [Policy].
func (t Thresholds) Judge(ev *traffic.Event, score uint8) Action {
	if own, ok := t.Hosts[ev.Host]; ok {
		return own.judge(score)
	}
	return t.judge(score)
}

func (t *Thresholds) judge(score uint8) Action {
	switch {
	case score < t.DenyBelow:
		return Deny
	case score < t.ThrottleBelow:
		return Throttle
	case score < t.ChallengeBelow:
		return Challenge
	case score < t.TagBelow:
		return Tag
	}
	return Allow
}
