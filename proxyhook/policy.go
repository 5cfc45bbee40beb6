package proxyhook

import "github.com/headgate/headgate/featurestore/traffic"

// Policy turns a score into an action. Judge runs on the request path: it must be safe for concurrent use, must not
// block, and should not allocate. A panic in it is caught, counted under PolicyFailed, and the request allowed. ev is
// complete but for what is known only when the request has ended, and must not be changed. An Action that is none of
// the constants counts as Allow.
type Policy interface {
	Judge(ev *traffic.Event, score uint8) Action
}

// DefaultFlagBelow is the score below which a request is flagged as a bot's where no policy is configured.
const DefaultFlagBelow = 30

// Thresholds is the usual policy: the hardest action whose threshold the score lies below. A threshold of 0 is never
// reached, so the zero value allows everything.
type Thresholds struct {
	TagBelow       uint8
	ChallengeBelow uint8
	ThrottleBelow  uint8
	DenyBelow      uint8

	// Hosts has thresholds of their own for some hosts (lower case, without port). Theirs are used whole, not merged.
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
