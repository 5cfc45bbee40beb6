package wire

import "github.com/headgate/headgate/featurestore/traffic"

// sum is an FNV-1a hash that grows byte by byte, so that a text may come in pieces. It need not
// resist attacks: a client that finds two requests with the same key confuses only its own
// requests.
type sum uint64

const (
	emptySum sum = 0xcbf29ce484222325
	prime    sum = 0x100000001b3
)

func (s sum) byte(c byte) sum { return (s ^ sum(c)) * prime }

func (s sum) uint32(v uint32) sum {
	return s.byte(byte(v >> 24)).byte(byte(v >> 16)).byte(byte(v >> 8)).byte(byte(v))
}

func newSum[T string | []byte](text T) sum {
	s := emptySum
	for i := range len(text) {
		s = s.byte(text[i])
	}
	return s
}

// requestKey combines the sums of a request's method and target.
func requestKey(method, target sum) uint64 { return uint64(method*prime ^ target) }

// wirePrint returns the print of a program: of its TLS, of how it set up HTTP/2, and of the facts
// that are the same for all of its requests.
func wirePrint(tls uint32, prelude sum, f traffic.WireFacts) uint32 {
	s := emptySum.uint32(tls).uint32(uint32(prelude)).uint32(uint32(prelude >> 32)).
		byte(byte(f.AgentAccept)).byte(byte(f.EncodingLanguage)).byte(byte(f.LanguageAccept)).byte(f.Pseudo)
	if f.Pseudo != 0 {
		s = s.byte(flag(f.HeadersPriority))
	} else {
		s = s.byte(byte(f.Case)).byte(flag(f.HostFirst)).byte(byte(min(f.Connection, traffic.ConnectionLast)))
	}
	s ^= s >> 32
	return max(1, uint32(s*prime>>16))
}

func flag(yes bool) byte {
	if yes {
		return 1
	}
	return 0
}
