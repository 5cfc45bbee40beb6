package heuristics

import "github.com/headgate/headgate/featurestore/traffic"

// hello is the parsed JA4 of a TLS client.
type hello struct {
	ja4                 string // empty: unknown
	ciphers, extensions int
}

// lengthJA4 is the length of t13d1516h2_8daaf6152771_e5627efa2ab1.
const lengthJA4 = 36

// parseHello parses a JA4. One of QUIC, or an invalid one, is unknown.
func parseHello(ja4 string) hello {
	if len(ja4) != lengthJA4 || ja4[0] != 't' || ja4[10] != '_' || ja4[23] != '_' {
		return hello{}
	}
	ciphers, ok1 := twoDigits(ja4[4:6])
	extensions, ok2 := twoDigits(ja4[6:8])
	if !ok1 || !ok2 {
		return hello{}
	}
	return hello{ja4, ciphers, extensions}
}

func twoDigits(text string) (int, bool) {
	tens, ones := text[0]-'0', text[1]-'0'
	return int(tens)*10 + int(ones), tens <= 9 && ones <= 9
}

// shapes are the bounds of the hellos of an engine: of Chrome 98 to 150, Firefox 91 to 153 and Tor,
// Safari 15 to 26 and the web views of iOS. Unlike hashes, counts do not depend on the machine. The
// bounds leave room: there are fewer extensions without a server's name, more when a session is
// resumed.
var shapes = [...]struct{ leastCiphers, mostCiphers, leastExtensions int }{
	traffic.EngineChromium: {14, 17, 12},
	traffic.EngineGecko:    {14, 18, 11},
	traffic.EngineWebKit:   {12, 28, 11},
}

// fits reports whether an engine may have sent the hello for a fetch, for which it offers HTTP/2
// first.
func (h hello) fits(engine traffic.Engine) bool { return h.ja4[8:10] == "h2" && h.maySend(engine) }

// maySend reports whether an engine may have sent the hello for any purpose: for a WebSocket it
// offers only HTTP/1.1. Engines speak TLS 1.3.
func (h hello) maySend(engine traffic.Engine) bool {
	s := &shapes[engine]
	return h.ja4[1:3] == "13" && s.leastCiphers <= h.ciphers && h.ciphers <= s.mostCiphers &&
		s.leastExtensions <= h.extensions && !h.isGo()
}

// engine returns an engine that may have sent the hello, EngineNone if no engine may.
func (h hello) engine() traffic.Engine {
	for engine := traffic.EngineChromium; engine <= traffic.EngineWebKit; engine++ {
		if h.fits(engine) {
			return engine
		}
	}
	return traffic.EngineNone
}

// isGo reports whether the extensions and signature algorithms are those of Go's crypto/tls, whose
// cipher suites iOS has too.
func (h hello) isGo() bool {
	switch h.ja4[24:] {
	case "ab7e3b40a677", "f50d94e863eb", "e7c285222651", "97f8aa674fd9":
		return true
	}
	return false
}

// isLibrary reports whether the hello is of a library that mostly scripts use. Products that
// inspect people's TLS use OpenSSL, Schannel, Go and Java, which are not here: see
// Contradictions.Forged.
func (h hello) isLibrary() bool {
	if h.ja4[8:10] == "h3" { // TCP does not carry it: a hello of QUIC was copied
		return true
	}
	switch h.ja4[11:23] { // the cipher suites
	case "85036bcba153", // Python's ssl
		"c7886603b240",                 // Python's ssl as urllib3 1.26 sets it up
		"a33745022dd6", "b262b3658495", // Node 20, 24
		"61a7ad8aa9b6", // rustls
		"723694b0fccc": // GnuTLS
		return true
	}
	return false
}
