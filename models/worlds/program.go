package worlds

import (
	"fmt"

	"github.com/headgate/headgate/featurestore/traffic"
)

// engine decides which header fields a program sends, and in which order.
type engine int

const (
	chromium engine = iota
	gecko
	webkit
	textual // browsers without pictures and scripts
	ancient // browsers of before Sec-Fetch
	library // programs: few fields, always the same
)

// program is what requests are sent with. It does not change once it is made; a client in disguise
// has a copy.
type program struct {
	name     string
	engine   engine
	agent    string
	version  int    // of the engine
	hints    string // Sec-CH-UA; empty: none sent
	platform string // Sec-CH-UA-Platform
	mobile   bool
	inApp    string // X-Requested-With of an Android web view

	fields []Field // of a library: all that it sends by itself, in its order; the values of User-Agent and Host are filled in
	hostAt int     // place of Host among the fields of HTTP/1

	http2   bool
	ja4     string
	resumed string // JA4 when it resumes a session
	setup   traffic.WireFacts
	print   uint32
}

// tlsShape is what of a TLS client hello is in a JA4.
type tlsShape struct {
	version             string // "13" or "12"
	ciphers, extensions int
	alpn                string
}

// dress gives a program its fingerprints. Numbers are those of its TLS stack; hashes are the
// episode's, since what they are says nothing by itself, only who else has them.
func (p *program) dress(stack string, shape tlsShape, setup traffic.WireFacts, secret uint64) {
	ciphers := mix(hash(stack) ^ secret)
	extensions := mix(ciphers + uint64(shape.extensions))
	const mask = 1<<48 - 1
	p.ja4 = fmt.Sprintf("t%sd%02d%02d%s_%012x_%012x", shape.version, shape.ciphers, shape.extensions, shape.alpn, ciphers&mask, extensions&mask)
	p.resumed = p.ja4
	if shape.version == "13" {
		p.resumed = fmt.Sprintf("t%sd%02d%02d%s_%012x_%012x", shape.version, shape.ciphers, shape.extensions+1, shape.alpn, ciphers&mask, mix(extensions)&mask)
	}
	p.setup, p.http2 = setup, shape.alpn == "h2"
	p.print = max(1, uint32(mix(hash(stack+shape.alpn)^secret)>>32))
}

// HTTP/2 as engines and libraries set it up: settings, windows, order of the pseudo-header fields.
var (
	chromiumSetup = http2Setup("masp", traffic.SettingTable|traffic.SettingPush|traffic.SettingWindow|traffic.SettingHeaders, 6291456, 15663105, true)
	geckoSetup    = http2Setup("mpas", traffic.SettingTable|traffic.SettingPush|traffic.SettingWindow|traffic.SettingFrame, 131072, 12517377, false)
	webkitSetup   = http2Setup("msap", traffic.SettingPush|traffic.SettingStreams|traffic.SettingWindow, 2097152, 10420225, false)
	curlSetup     = http2Setup("mpsa", traffic.SettingPush|traffic.SettingStreams|traffic.SettingWindow, 33554432, 33488897, false)
	goSetup       = http2Setup("amps", traffic.SettingPush|traffic.SettingWindow|traffic.SettingFrame|traffic.SettingHeaders, 4194304, 1073741824, false)
	pythonSetup   = http2Setup("masp", traffic.SettingTable|traffic.SettingPush|traffic.SettingWindow|traffic.SettingFrame|traffic.SettingStreams|traffic.SettingHeaders, 65535, 16777216, false)
	nodeSetup     = http2Setup("mpas", traffic.SettingPush|traffic.SettingWindow, 33554432, 4128769, false)
	javaSetup     = http2Setup("amps", traffic.SettingTable|traffic.SettingPush|traffic.SettingStreams|traffic.SettingWindow|traffic.SettingFrame|traffic.SettingHeaders, 16777216, 33488897, false)
	okhttpSetup   = http2Setup("mpas", traffic.SettingWindow, 16777216, 16711681, false)
	rustSetup     = http2Setup("msap", traffic.SettingPush|traffic.SettingWindow|traffic.SettingFrame, 2097152, 5177345, false)
	appleSetup    = http2Setup("mspa", traffic.SettingStreams|traffic.SettingWindow, 4194304, 10485760, false)
)

func http2Setup(pseudo string, settings uint8, window, connection uint32, priority bool) traffic.WireFacts {
	return traffic.WireFacts{Pseudo: traffic.PseudoOrder(pseudo), Settings: settings, Window: traffic.WindowClass(window),
		ConnectionWindow: traffic.WindowClass(connection), HeadersPriority: priority}
}

// wireOf returns what the bytes of a request with these fields look like. They are all fields of
// HTTP/2, and of HTTP/1 those after Host.
func wireOf(p *program, version int, fields []Field, hostAt int) traffic.Wire {
	var at [numPlaces]int
	cookieFollowed := false
	f := traffic.WireFacts{Seen: true}
	lower, canonical := false, false
	for i := range fields {
		place := placeOf(fields[i].Name)
		if first := fields[i].Name[0]; first >= 'a' {
			lower = true
		} else {
			canonical = true
		}
		if at[place] == 0 {
			at[place] = i + 1
		}
		if place != cookieAt && place != priorityAt {
			cookieFollowed = true
		} else if place == cookieAt {
			cookieFollowed = false
		}
	}
	f.AgentAccept, f.EncodingLanguage = orderOf(at[agentAt], at[acceptAt]), orderOf(at[encodingAt], at[languageAt])
	f.LanguageAccept, f.HintsAgent = orderOf(at[languageAt], at[acceptAt]), orderOf(at[hintsAt], at[agentAt])
	switch {
	case at[cookieAt] == 0:
	case cookieFollowed:
		f.Cookie = traffic.CookieWithin
	case at[priorityAt] > at[cookieAt]:
		f.Cookie = traffic.CookiePriority
	default:
		f.Cookie = traffic.CookieLast
	}
	if version >= 20 {
		s := p.setup
		f.Pseudo, f.Settings, f.Window, f.ConnectionWindow = s.Pseudo, s.Settings, s.Window, s.ConnectionWindow
		f.PriorityFrames, f.HeadersPriority = s.PriorityFrames, s.HeadersPriority
		return traffic.MakeWire(f, p.print)
	}
	f.HostFirst = hostAt == 0
	switch {
	case lower && canonical:
		f.Case = traffic.BothCases
	case lower:
		f.Case = traffic.LowerCase
	}
	switch connection := at[connectionAt]; {
	case connection == 0:
	case connection < at[agentAt]:
		f.Connection = traffic.ConnectionBeforeAgent
	case connection == len(fields):
		f.Connection = traffic.ConnectionLast
	default:
		f.Connection = traffic.ConnectionElsewhere
	}
	return traffic.MakeWire(f, p.print)
}

// The header fields whose places matter.
const (
	otherAt = iota
	agentAt
	acceptAt
	encodingAt
	languageAt
	hintsAt
	cookieAt
	priorityAt
	connectionAt
	numPlaces
)

func placeOf(name string) int {
	switch name {
	case "User-Agent", "user-agent":
		return agentAt
	case "Accept", "accept":
		return acceptAt
	case "Accept-Encoding", "accept-encoding":
		return encodingAt
	case "Accept-Language", "accept-language":
		return languageAt
	case "sec-ch-ua":
		return hintsAt
	case "Cookie", "cookie":
		return cookieAt
	case "Priority", "priority":
		return priorityAt
	case "Connection", "connection":
		return connectionAt
	}
	return otherAt
}

func orderOf(a, b int) traffic.Order {
	switch {
	case a == 0 || b == 0:
		return traffic.OneMissing
	case a < b:
		return traffic.InOrder
	}
	return traffic.Reversed
}
