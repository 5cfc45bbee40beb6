package window

import (
	"math"
	"slices"

	"github.com/headgate/headgate/featurestore/traffic"
)

// intake fills in what an observation is only told apart by among those of other keys: it belongs to the caller's goroutine,
// and does so before the observation is folded anywhere, so that nothing depends on who folds what when. What no feature
// needs is nil.
type intake struct {
	seen    *familiar
	clients *clients
	asked   *asked
	fleet   *fleet
	loads   *loads
	now     int64 // of the latest observation: time that runs backwards counts as no time at all
}

func newIntake(config *Config) (in intake, err error) {
	in.now = math.MinInt64
	if config.needs(traffic.NewAddresses, traffic.NewAgents, traffic.NewClients, traffic.AllClients) {
		in.seen = &familiar{newBlocks("familiar 12h 40", config.MaxKeys/familiarKeys)}
		in.clients = &clients{newBlocks("clients 24h 15", 1)}
	}
	if config.needs(traffic.Unshared, traffic.UsualUnshared) {
		in.asked = &asked{newBlocks("asked 24h 14", config.MaxKeys/askedKeys)}
	}
	if config.needs(traffic.VersionLag) {
		in.fleet = &fleet{newBlocks("fleet 12h 4", families)}
	}
	in.loads, err = newLoads(config)
	return in, err
}

// needs reports whether a feature is made of one of the measures.
func (c *Config) needs(measures ...traffic.Measure) bool {
	return slices.ContainsFunc(c.Features, func(f traffic.Feature) bool {
		return slices.Contains(measures, f.Fold.Measure) || f.Fold.Kind == traffic.Excess && slices.Contains(measures, f.Fold.Usual) ||
			(f.Fold.Kind == traffic.Share || f.Fold.Kind == traffic.Excess || f.Fold.Kind == traffic.Usual) && slices.Contains(measures, f.Fold.Per)
	})
}

// fill sets the measures. A report tells of none.
func (in *intake) fill(o *traffic.Observation) {
	if o.Report {
		return
	}
	m := &o.Measures
	in.now = max(in.now, o.Time)
	if in.seen != nil {
		m[traffic.NewAddresses] = in.isNew(o.Keys[traffic.IP])
		m[traffic.NewAgents] = in.isNew(o.Keys[traffic.IPAgent])
		in.fillClients(o)
	}
	if in.asked != nil {
		m[traffic.Unshared] = 0
		if path := o.Objects[traffic.Paths]; path != 0 && m[traffic.NoHTTP] == 0 && !in.asked.shared(combine(path, o.Keys[traffic.Host], 0), networkOf(o), in.now) {
			m[traffic.Unshared] = 1
		}
	}
	if in.fleet != nil {
		m[traffic.VersionLag] = in.fleet.lag(o, in.now)
	}
	if in.loads != nil {
		in.loads.fill(o)
	}
}

// fillClients sets whether a client is new, and how many there are.
func (in *intake) fillClients(o *traffic.Observation) {
	m := &o.Measures
	m[traffic.NewClients] = 0
	network, agent := networkOf(o), o.Keys[traffic.UserAgent]
	if network != 0 && agent != 0 && in.seen.add(combine(network, agent, o.Keys[traffic.Host]), in.now) && in.clients.count(in.now) {
		m[traffic.NewClients] = 1
	}
	m[traffic.AllClients] = in.clients.sum(in.now)
}

// isNew is 1 for a key that was not seen for hours, and 0 for none.
func (in *intake) isNew(key uint64) float32 {
	if key != 0 && in.seen.add(key, in.now) {
		return 1
	}
	return 0
}

// expire drops the hosts that were idle since before the given time. The rest forgets by itself.
func (in *intake) expire(before int64, config *Config) {
	if in.loads != nil {
		in.loads.shard.expire(before, config.Idle)
	}
}

// kept gives what a checkpoint keeps.
func (in *intake) kept() (parts []keptPart) {
	if in.loads != nil {
		parts = append(parts, keptPart{loadsPart, in.loads.shard.plan, []*shard{&in.loads.shard}})
	}
	for name, b := range in.blocks() {
		parts = append(parts, b.kept(name))
	}
	return parts
}

// blocks gives the memories of hashes by the names of their parts.
func (in *intake) blocks() func(yield func(string, *blocks) bool) {
	return func(yield func(string, *blocks) bool) {
		if in.seen != nil && (!yield("seen", in.seen.blocks) || !yield("clients", in.clients.blocks)) {
			return
		}
		if in.asked != nil && !yield("asked", in.asked.blocks) {
			return
		}
		if in.fleet != nil {
			yield("fleet", in.fleet.blocks)
		}
	}
}

// maxBytes bounds the memory that it takes.
func (in *intake) maxBytes() (n int64) {
	if in.loads != nil {
		n += int64(in.loads.shard.capacity) * int64(in.loads.shard.plan.bytesPerKey())
	}
	for _, b := range in.blocks() {
		n += b.maxBytes()
	}
	return n
}
