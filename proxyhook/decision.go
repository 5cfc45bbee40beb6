package proxyhook

import "github.com/headgate/headgate/heuristics"

// Action is what a policy decides to do with a request.
type Action uint8

// The actions, from the mildest to the hardest.
const (
	Allow     Action = iota // forward it
	Tag                     // forward it, flagged as a bot: log only
	Challenge               // make the client prove itself
	Throttle                // refuse for now: 429
	Deny                    // refuse: 403
	numActions
)

var actionNames = [numActions]string{"allow", "tag", "challenge", "throttle", "deny"}

// String returns a constant that is safe in headers and metric labels.
func (a Action) String() string {
	if a < numActions {
		return actionNames[a]
	}
	return "unknown"
}

// Reason is the basis of a decision. There is a fixed number of reasons, so they are safe as metric
// labels.
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

// String returns a constant that is safe in headers and metric labels.
func (r Reason) String() string {
	if r < numReasons {
		return reasonNames[r]
	}
	return "unknown"
}

// Decision is the result of Decide.
type Decision struct {
	Action Action
	Score  uint8 // 1 = certainly a bot .. 99 = certainly human; 0: not scored
	Reason Reason

	// Finding is what was certain before the model was evaluated. It bounds the model's score.
	Finding heuristics.Finding
}
