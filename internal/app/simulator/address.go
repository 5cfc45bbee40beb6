package simulator

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
)

// addresses is the plan of client addresses:
//
//	198.18.x.1 - 198.18.x.199     people at home
//	198.18.x.200 - 198.18.x.254   bots, so in the same networks as people
//	198.19.n.0/24                 swarm n, if n is even
//	100.64.x.y                    carriers, several people on each
//	2001:db8:0-bfff::/48          people
//	2001:db8:c000-efff::/48       bots
//	2001:db8:f000+n::/48          swarm n, if n is odd
//
// So a person and a bot never have the same address, though they may have the same network.
type addresses struct {
	carriers []netip.Addr
	nextBot  int // number of the next bot address
}

func newAddresses(rng *rand.Rand, scale float64) addresses {
	a := addresses{carriers: make([]netip.Addr, max(2, int(math.Round(4*scale)))), nextBot: rng.IntN(botAddresses)}
	for i := range a.carriers {
		a.carriers[i] = netip.AddrFrom4([4]byte{100, byte(64 + rng.IntN(64)), byte(rng.IntN(256)), byte(1 + rng.IntN(254))})
	}
	return a
}

func (w *world) personAddr() netip.Addr {
	if w.chance(0.35) {
		return w.addr6(uint16(w.IntN(0xc000)))
	}
	return netip.AddrFrom4([4]byte{198, 18, byte(w.IntN(256)), byte(1 + w.IntN(199))})
}

func (w *world) carrierAddr() netip.Addr { return pick(w, w.addresses.carriers) }

// botAddresses is the number of IPv4 addresses of bots.
const botAddresses = 256 * 55

// botAddr returns a new address for each bot: an IPv4 address is reused only after all others were
// used.
func (w *world) botAddr() netip.Addr {
	if w.chance(0.15) {
		return w.addr6(uint16(0xc000 + w.IntN(0x3000)))
	}
	w.addresses.nextBot++
	const prime = 4093 // no divisor of botAddresses, so the walk meets each address once
	n := w.addresses.nextBot * prime % botAddresses
	return netip.AddrFrom4([4]byte{198, 18, byte(n % 256), byte(200 + n/256)})
}

// swarmAddr returns, for member 0 to 11 of a swarm, the next of the member's 20 addresses.
func (w *world) swarmAddr(swarm, member int) netip.Addr {
	if swarm%2 == 1 {
		return w.addr6(0xf000 + uint16(swarm%0x1000))
	}
	return netip.AddrFrom4([4]byte{198, 19, byte(swarm / 2), byte(10 + 20*member + w.IntN(20))})
}

// addr6 returns a random address of 2001:db8:site::/48.
func (w *world) addr6(site uint16) netip.Addr {
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint16(b[4:], site)
	binary.BigEndian.PutUint16(b[6:], uint16(w.Uint32()))
	binary.BigEndian.PutUint64(b[8:], w.Uint64())
	return netip.AddrFrom16(b)
}
