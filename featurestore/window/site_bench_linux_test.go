package window_test

import (
	"math/rand/v2"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// site is the traffic of a large installation over IPv4: clients that are all equally likely to
// come next, each with a session, three of them to a network, three in ten with a second user
// agent. Of 10,000 user agents, 1,000 TLS fingerprints, 1,000 hosts and 20,000 paths few are
// popular. There is no IPv6 network.
type site struct {
	rng     *rand.Rand
	clients int
	popular [1 << 16]uint16 // ranks of a Zipf distribution, drawn beforehand
	o       traffic.Observation
}

const siteAgents = 10_000

func newSite(clients int) *site {
	s := &site{rng: rand.New(rand.NewPCG(41, 41)), clients: clients}
	zipf := rand.NewZipf(s.rng, 1.1, 4, 20_000-1)
	for i := range s.popular {
		s.popular[i] = uint16(zipf.Uint64())
	}
	s.o.Time = noon
	s.o.Measures[traffic.MeasureRequests], s.o.Measures[traffic.MeasureBytes] = 1, 1000
	s.o.Measures[traffic.MeasurePages], s.o.Measures[traffic.MeasureOriginSeconds] = 1, 0.02
	return s
}

// visit makes the observation of a client's request, with its second user agent where that is asked
// for and there is one.
func (s *site) visit(client int, second bool, random uint64) *traffic.Observation {
	pair := uint64(client)
	if second && client%10 < 3 {
		pair += uint64(s.clients)
	}
	agent := uint64(s.popular[pair*0x9e3779b97f4a7c15>>48]) % siteAgents
	host, path := uint64(s.popular[random&0xffff])%1000, uint64(s.popular[random>>16&0xffff])
	const net, ua, ja4, hosts, paths, session, pairs, programs = 1 << 40, 2 << 40, 3 << 40, 4 << 40, 5 << 40, 6 << 40, 7 << 40, 8 << 40
	s.o.Keys = traffic.Keys{
		traffic.DimIP: siteKey(uint64(client)), traffic.DimNet: siteKey(net + uint64(client/3)), traffic.DimUserAgent: siteKey(ua + agent),
		traffic.DimWire: siteKey(ja4 + agent%1000), traffic.DimProgramWire: siteKey(programs + agent%3000), traffic.DimHost: siteKey(hosts + host), traffic.DimSession: siteKey(session + uint64(client)),
		traffic.DimIPAgent: siteKey(pairs + pair),
	}
	k := &s.o.Keys
	s.o.Objects = [traffic.NumObjects]uint64{
		traffic.ObjectAgents: k[traffic.DimUserAgent], traffic.ObjectPaths: siteKey(paths + path), traffic.ObjectHosts: k[traffic.DimHost], traffic.ObjectAddresses: k[traffic.DimIP],
		traffic.ObjectNetworks: k[traffic.DimNet], traffic.ObjectWires: k[traffic.DimWire], traffic.ObjectPrograms: siteKey(agent % 300), traffic.ObjectSessions: k[traffic.DimSession],
	}
	s.o.Time += 1500
	return &s.o
}

func siteKey(number uint64) uint64 { return (number + 1) * 0xbf58476d1ce4e5b9 }

func (s *site) next() *traffic.Observation {
	random := s.rng.Uint64()
	client := int(random >> 32 * uint64(s.clients) >> 32)
	return s.visit(client, random&1 != 0, random>>1)
}

// fill returns an Aggregator that has seen all clients with all of their user agents.
func (s *site) fill(b *testing.B) *window.Aggregator {
	a := newAggregator(b, window.Config{MaxKeys: 15 * s.clients / 10, Promote: 1})
	for client := range s.clients {
		a.Add(s.visit(client, false, s.rng.Uint64()))
		if client%10 < 3 {
			a.Add(s.visit(client, true, s.rng.Uint64()))
		}
	}
	return a
}
