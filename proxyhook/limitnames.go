package proxyhook

import "github.com/headgate/headgate/internal/host/hostlimits"

// Ending is how the wait for an origin ended. See [Filter.Observe].
type Ending uint8

const (
	// Answered: with the first byte of an answer. It is slow if that took longer than the policy's
	// latency.
	Answered = Ending(hostlimits.Answered)
	// Failed: with an error, such as a refused or a reset connection. It is slow, however soon it
	// came.
	Failed = Ending(hostlimits.Failed)
	// Abandoned: with a client that left. It is slow if it was longer than the policy's latency,
	// and also from an eighth of that on if the origin has answered nothing else for the latency:
	// then it hangs. Otherwise it does not count, since clients that leave early must not lower the
	// threshold of an origin that answers.
	Abandoned = Ending(hostlimits.Abandoned)
)

// The parts of a key of limits. See [Config].
const (
	KeyTenant = hostlimits.KeyTenant
	KeyOrigin = hostlimits.KeyOrigin
	KeyHost   = hostlimits.KeyHost
)
