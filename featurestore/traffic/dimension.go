package traffic

import (
	"encoding/binary"
	"strings"

	"github.com/dgryski/go-metro"
)

// Dimension is what inter-request features are grouped by.
type Dimension uint8

// The dimensions. Their numbers are not part of any format: files name them.
const (
	DimIP        Dimension = iota // client address
	DimNet                        // client network: IPv4 /24, IPv6 /48
	DimNet64                      // client's own network: IPv6 /64; IPv4 has none
	DimUserAgent                  // User-Agent string
	DimWire                       // what the client's program looks like on the wire
	// program and major version that the user agent names, and what it looks like on the wire
	DimProgramWire
	DimHost    // requested host
	DimSession // session cookie
	DimIPAgent // client address and user agent together
	NumDimensions
)

var dimensionNames = [NumDimensions]string{"ip", "net", "net64", "ua", "wire", "program_wire",
	"host", "session", "ip_ua"}

// String returns the name in files and flags.
func (d Dimension) String() string {
	if d < NumDimensions {
		return dimensionNames[d]
	}
	return "request"
}

// DimensionByName is the inverse of String.
func DimensionByName(name string) (Dimension, bool) {
	for d, n := range dimensionNames {
		if n == name {
			return Dimension(d), true
		}
	}
	return 0, false
}

// Keys are a request's keys, one of each dimension; 0 if the request does not have what the
// dimension groups by.
type Keys [NumDimensions]uint64

// NewKeys returns the keys of ev: 64-bit MetroHash with the installation's seed over the
// dimension's canonical bytes. Each dimension has its own first byte or seed, so that equal bytes
// in two dimensions do not have related keys:
//
//	ip       'i', the 16 bytes of the address
//	net      'n', 3 bytes (IPv4) or 6 bytes (IPv6) of it
//	net64    'm', 8 bytes of it, IPv6 only
//	ua       the user agent, then, where it was cut, the hash of the whole
//	wire     'w', the 4 bytes of the wire's print; where that is unknown, the JA4 fingerprint
//	program_wire  'v', the 8 bytes of the program's hash, see hashProgram, the 8 bytes of the wire key
//	host     the host
//	session  's', the 8 bytes of the session hash
//	ip_ua    'p', the 16 bytes of the address, the 8 bytes of the ua key (0 for none); no key where it is unknown
//
// Integers are little endian; JA4, host and ua use seed+1, seed+2 and seed+3. A hash of 0 becomes
// 1.
func NewKeys(ev *Event, seed uint64) Keys { return allDimensions.Keys(ev, seed) }

// Dimensions is a set of dimensions.
type Dimensions uint16

const allDimensions Dimensions = 1<<NumDimensions - 1

// Add adds d to the set.
func (s *Dimensions) Add(d Dimension) { *s |= 1 << d }

func (s Dimensions) has(d Dimension) bool { return s>>d&1 != 0 }

// NewKeys returns those of the keys of ev that are of the set's dimensions, as [NewKeys] does. The
// others are 0.
func (s Dimensions) Keys(ev *Event, seed uint64) Keys {
	keys, _ := s.keysAndProgram(ev, seed)
	return keys
}

// keysOf also returns the hash of the program on its wire, where one of the keys is made of it.
func (s Dimensions) keysAndProgram(ev *Event, seed uint64) (k Keys, program uint64) {
	if s.has(DimUserAgent) || s.has(DimIPAgent) || s.has(DimProgramWire) {
		k[DimUserAgent] = agentKey(ev, seed)
	}
	if ev.Client != ([16]byte{}) {
		k[DimIP], k[DimIPAgent] = addressKeys(&ev.Client, k[DimUserAgent], seed)
		k[DimNet], k[DimNet64] = networkKeys(&ev.Client, seed)
	}
	if ev.Facts.Has(FactAgentUnknown) {
		k[DimIPAgent] = 0 // with none sent, the pair would be one
	}
	if s.has(DimWire) || s.has(DimProgramWire) {
		k[DimWire] = wireKey(ev, seed)
	}
	if s.has(DimProgramWire) {
		program = programOnWire(ev, k[DimUserAgent], seed)
		k[DimProgramWire] = pairKey(program, k[DimWire], seed)
	}
	if s.has(DimHost) && ev.Host != "" {
		k[DimHost] = nonZero(metro.Hash64Str(ev.Host, seed+2))
	}
	if s.has(DimSession) && ev.Session != 0 {
		k[DimSession] = sessionKey(ev.Session, seed)
	}
	for d := range k {
		if !s.has(Dimension(d)) {
			k[d] = 0
		}
	}
	return k, program
}

func sessionKey(session, seed uint64) uint64 {
	var b [9]byte
	b[0] = 's'
	binary.LittleEndian.PutUint64(b[1:], session)
	return nonZero(metro.Hash64(b[:], seed))
}

func addressKeys(client *[16]byte, agent, seed uint64) (ip, both uint64) {
	var b [25]byte
	copy(b[1:], client[:])
	b[0] = 'i'
	ip = nonZero(metro.Hash64(b[:17], seed))
	binary.LittleEndian.PutUint64(b[17:], agent)
	b[0] = 'p'
	return ip, nonZero(metro.Hash64(b[:25], seed))
}

// networkKeys returns the keys of a client's networks. An IPv6 client has at least a /64 to itself
// and can change its address in there with every request; a site has a /48.
func networkKeys(client *[16]byte, seed uint64) (wide, narrow uint64) {
	var b [9]byte
	b[0] = 'n'
	if isIPv4(client) {
		copy(b[1:], client[12:15])
		return nonZero(metro.Hash64(b[:4], seed)), 0
	}
	copy(b[1:], client[:8])
	wide = nonZero(metro.Hash64(b[:7], seed))
	b[0] = 'm'
	return wide, nonZero(metro.Hash64(b[:], seed))
}

func wireKey(ev *Event, seed uint64) uint64 {
	if print := ev.Wire.Print(); print != 0 {
		var b [5]byte
		b[0] = 'w'
		binary.LittleEndian.PutUint32(b[1:], print)
		return nonZero(metro.Hash64(b[:], seed))
	}
	if ev.JA4 == "" {
		return 0
	}
	return nonZero(metro.Hash64Str(ev.JA4, seed+1))
}

func pairKey(program, wire, seed uint64) uint64 {
	if program == 0 {
		return 0
	}
	var b [17]byte
	b[0] = 'v'
	binary.LittleEndian.PutUint64(b[1:], program)
	binary.LittleEndian.PutUint64(b[9:], wire)
	return nonZero(metro.Hash64(b[:], seed))
}

// programOnWire returns the hash of the program that sent ev, whose user agent has the given key, 0
// where its wire is unknown.
func programOnWire(ev *Event, agent, seed uint64) uint64 {
	if ev.Wire.Print() == 0 && ev.JA4 == "" || agent == 0 {
		return 0
	}
	program := engineMemo.get(agent)
	if program == 0 {
		program = hashProgram(ev.UserAgent, seed)
		engineMemo.put(agent, program)
	}
	return program
}

// maxProduct is how much of a product's name counts.
const maxProduct = 32

// hashProgram returns the hash of the program and major version that a user agent names, or 0 for
// an empty agent. It hashes, with seed+4, the name of the first product if the engine is unknown,
// the engine, and two bytes of its version.
func hashProgram(agent string, seed uint64) uint64 {
	if agent == "" {
		return 0
	}
	engine, version := ParseEngine(agent)
	var b [maxProduct + 3]byte
	n := 0
	if engine == EngineNone || engine == EngineOther {
		name, _, _ := strings.Cut(agent, "/")
		n = copy(b[:maxProduct], name)
	}
	b[n] = byte(engine)
	binary.LittleEndian.PutUint16(b[n+1:], uint16(version))
	return nonZero(metro.Hash64(b[:n+3], seed+4))
}

func agentKey(ev *Event, seed uint64) uint64 {
	if ev.UserAgent == "" {
		return 0
	}
	h := metro.Hash64Str(ev.UserAgent, seed+3)
	if ev.AgentSum != 0 {
		var b [16]byte
		binary.LittleEndian.PutUint64(b[:8], h)
		binary.LittleEndian.PutUint64(b[8:], ev.AgentSum)
		h = metro.Hash64(b[:], seed+3)
	}
	return nonZero(h)
}

func isIPv4(client *[16]byte) bool {
	return [12]byte(client[:12]) == [12]byte{10: 0xff, 11: 0xff}
}

func nonZero(h uint64) uint64 {
	if h == 0 {
		return 1
	}
	return h
}
