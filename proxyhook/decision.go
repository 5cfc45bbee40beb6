package proxyhook

import "github.com/headgate/headgate/heuristics"

// Action is what a policy wants done with a request.
type Action uint8

// The actions, from the mildest to the hardest.
const (
	Allow     Action = iota // let it go on
	Tag                     // let it go on, marked: flagged as a bot, log-only
	Challenge               // have the client prove itself
	Throttle                // refuse for now: 429
	Deny                    // refuse: 403
	numActions
)

var actionNames = [numActions]string{"allow", "tag", "challenge", "throttle", "deny"}

// String gives a constant, fit for a header or a metric label.
func (a Action) String() string {
	if a < numActions {
		return actionNames[a]
	}
	return "unknown"
}

// Reason is why a decision came out as it did. There is a fixed number of them, so that they are safe as metric labels.
type Reason uint8

// The reasons.
const (
	Scored       Reason = iota // the policy judged the score
	NotScored                  // the model could not run: allowed
	FaultCaught                // shared memory was truncated under the reader: allowed
	PolicyFailed               // the policy panicked: allowed
	numReasons
)

var reasonNames = [numReasons]string{"scored", "not_scored", "fault", "policy_failed"}

// String gives a constant, fit for a header or a metric label.
func (r Reason) String() string {
	if r < numReasons {
		return reasonNames[r]
	}
	return "unknown"
}

// Decision is what Decide found.
type Decision struct {
	Action Action
	Score  uint8 // 1 = certainly a bot .. 99 = certainly human; 0: none
	Reason Reason

	// Finding is what was certain before the model was asked. The score is the model's within its bounds.
	Finding heuristics.Finding
}
