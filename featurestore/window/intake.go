package window

import (
	"slices"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/base/prefetch"
)

// intake fills in what an observation is only told apart by among those of other keys: it belongs
// to the caller's goroutine, and does so before the observation is folded anywhere, so that nothing
// depends on who folds what when. What no feature needs is nil.
type intake struct {
	seen    *familiar
	clients *clients
	wired   *wired
	asked   *asked
	fleet   *fleet
	loads   *loads
	now     int64 // of the latest observation
}

func newIntake(config *Config) (in *intake, err error) {
	in = &intake{clients: &clients{newBlocks("clients 24h 15", 1)}}
	if config.needs(traffic.MeasureNewAddresses, traffic.MeasureUsualNewAddresses,
		traffic.MeasureNewAgents, traffic.MeasureNewClients, traffic.MeasureAllClients) {
		in.seen = &familiar{newBlocks("familiar 12h 40", config.MaxKeys/familiarKeys)}
	}
	if config.needs(traffic.MeasureNewWireClients, traffic.MeasureProgramClients) {
		in.wired = &wired{
			familiar{newBlocks("familiar 12h 40", config.MaxKeys/familiarKeys)},
			programs{newBlocks("programs 24h 15", config.MaxKeys/programKeys)},
		}
	}
	if config.needs(traffic.MeasureUnshared, traffic.MeasureUsualUnshared) {
		in.asked = &asked{newBlocks("asked 24h 14", config.MaxKeys/askedKeys)}
	}
	if config.needs(traffic.MeasureVersionLag) {
		in.fleet = &fleet{newBlocks("fleet 12h 4", families)}
	}
	in.loads, err = newLoads(config)
	return in, err
}

// needs reports whether a feature is made of one of the measures.
func (c *Config) needs(measures ...traffic.Measure) bool {
	return slices.ContainsFunc(c.Features, func(f traffic.Feature) bool {
		return slices.Contains(measures, f.Fold.Measure) ||
			f.Fold.Kind == traffic.FoldExcess && slices.Contains(measures, f.Fold.Usual) ||
			(f.Fold.Kind == traffic.FoldShare || f.Fold.Kind == traffic.FoldExcess ||
				f.Fold.Kind == traffic.FoldUsual) && slices.Contains(measures, f.Fold.Per)
	})
}

// fillAll fills in observations, in their order. The memory of some is asked for at once, so that
// the waits overlap.
func (in *intake) fillAll(all []traffic.Observation) {
	for len(all) > 0 {
		n := min(len(all), blockSize)
		for i := range all[:n] {
			in.prefetch(&all[i])
		}
		for i := range all[:n] {
			in.fill(&all[i])
		}
		all = all[n:]
	}
}

// prefetch asks for what nearly every observation needs.
func (in *intake) prefetch(o *traffic.Observation) {
	if in.seen != nil && o.Keys[traffic.DimIPAgent] != 0 {
		prefetch.Words(in.seen.blocks.cell(o.Keys[traffic.DimIPAgent]))
	}
	if in.wired != nil && o.Keys[traffic.DimProgramWire] != 0 {
		prefetch.Words(in.wired.seen.blocks.cell(pairHash(o)))
	}
	if in.asked != nil {
		prefetch.Words(in.asked.cell(pathHash(o)))
	}
	if in.loads != nil {
		in.loads.prefetch(o)
	}
}

// pathHash makes one hash of host and path.
func pathHash(o *traffic.Observation) uint64 {
	return combine(o.Objects[traffic.ObjectPaths], o.Keys[traffic.DimHost])
}

// fill sets the measures. A report has none.
func (in *intake) fill(o *traffic.Observation) {
	if o.Report {
		return
	}
	m := &o.Measures
	in.now = in.clients.advance(o.Time)
	if in.seen != nil {
		in.fillNew(o)
	}
	if in.wired != nil {
		in.wired.fill(o, in.now)
	}
	if in.asked != nil {
		m[traffic.MeasureUnshared] = 0
		if o.Objects[traffic.ObjectPaths] != 0 && m[traffic.MeasureNoHTTP] == 0 &&
			!in.asked.shared(pathHash(o), networkKey(o), in.now) {
			m[traffic.MeasureUnshared] = 1
		}
	}
	if in.fleet != nil {
		m[traffic.MeasureVersionLag] = in.fleet.lag(o, in.now)
	}
	if in.loads != nil {
		in.loads.fill(o)
	}
}

// fillNew sets what is new of a client, and how many clients there are. Who is known with the user
// agent is known without it; the address and the network are remembered anew whenever the pair is.
func (in *intake) fillNew(o *traffic.Observation) {
	m, pair, entered := &o.Measures, false, true
	m[traffic.MeasureNewAddresses] = 0
	m[traffic.MeasureNewAgents] = 0
	m[traffic.MeasureNewClients] = 0
	if key := o.Keys[traffic.DimIPAgent]; key != 0 {
		pair, entered = in.seen.add(key, in.now)
	}
	if entered {
		m[traffic.MeasureNewAgents] = toOne(pair)
		m[traffic.MeasureNewAddresses] = toOne(in.isNew(o.Keys[traffic.DimIP]))
		if agent, network := o.Keys[traffic.DimUserAgent], networkKey(o); agent != 0 &&
			network != 0 {
			m[traffic.MeasureNewClients] = toOne(in.isNew(combine(network, agent)) &&
				in.clients.count(in.now))
		}
	}
	m[traffic.MeasureAllClients] = in.clients.sum(in.now)
}

// isNew reports whether a key was not seen for hours, and remembers it.
func (in *intake) isNew(key uint64) bool {
	if key == 0 {
		return false
	}
	isNew, _ := in.seen.add(key, in.now)
	return isNew
}

func toOne(yes bool) float32 {
	if yes {
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

// kept returns what a checkpoint keeps.
func (in *intake) kept() (parts []keptPart) {
	if in.loads != nil {
		parts = append(parts, keptPart{loadsPart, in.loads.shard.plan, []*shard{&in.loads.shard}})
	}
	for name, b := range in.blocks() {
		parts = append(parts, b.kept(name))
	}
	return parts
}

// blocks returns the memories of hashes by the names of their parts.
func (in *intake) blocks() func(yield func(string, *blocks) bool) {
	return func(yield func(string, *blocks) bool) {
		if !yield("clients", in.clients.blocks) ||
			in.seen != nil && !yield("seen", in.seen.blocks) {
			return
		}
		if in.wired != nil && (!yield("wired", in.wired.seen.blocks) ||
			!yield("programs", in.wired.programs.blocks)) {
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
