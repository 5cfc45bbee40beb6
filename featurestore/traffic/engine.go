package traffic

import "strings"

// Engine is the part of a browser that decides how it speaks TLS and HTTP: all browsers made of
// Chromium have the same.
type Engine uint8

// The engines.
const (
	EngineNone     Engine = iota // no user agent, or none that names a program
	EngineChromium               // Chrome/, whatever else is named
	EngineGecko                  // Firefox/
	EngineWebKit                 // Version/ with Safari/
	EngineOther                  // anything else: the first product named
)

// ParseEngine returns the engine that a user agent names, and its major version; 0: none. It
// allocates nothing.
func ParseEngine(agent string) (Engine, int) {
	engine, version := EngineNone, 0
	for from := 0; ; {
		slash := strings.IndexByte(agent[from:], '/')
		if slash < 0 {
			return engine, version
		}
		slash += from
		name := agent[from:slash]
		from = slash + 1
		switch {
		case strings.HasSuffix(name, "Chrome"):
			return EngineChromium, leadingNumber(agent[from:])
		case strings.HasSuffix(name, " Firefox"):
			return EngineGecko, leadingNumber(agent[from:])
		case strings.HasSuffix(name, " Version"):
			engine, version = EngineWebKit, leadingNumber(agent[from:])
		case engine == EngineNone:
			engine, version = EngineOther, leadingNumber(agent[from:])
		}
	}
}

// leadingNumber returns the number that s begins with, or 0 if s does not begin with a digit or the
// number is beyond [maxVersion].
func leadingNumber[T string | []byte](s T) int {
	n := 0
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			break
		}
		if n = 10*n + int(digit); n > maxVersion {
			return 0
		}
	}
	return n
}
