package heuristics

import (
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
)

// claim is the browser that a user agent claims.
type claim struct {
	engine  traffic.Engine // EngineNone: not a browser that is checked
	version int            // of the engine
	mobile  bool
}

// The oldest versions that are checked, about those that got TLS 1.3. An older one is seldom a
// browser, but may be an old device.
const (
	leastChromium = 70
	leastGecko    = 63
	leastWebKit   = 14
)

// The versions since which browsers send these fields, by the release notes of Chrome, Firefox and
// Safari and caniuse.com, plus up to three where a change reached some people first.
const (
	fetchChromium    = 80
	fetchGecko       = 90
	fetchWebKit      = 17
	hintsChromium    = 91
	priorityChromium = 126
	priorityGecko    = 130
	zstdChromium     = 125
	zstdGecko        = 128
	never            = 1 << 30
)

// isOfApps reports whether apps send this user agent, too. On telephones and Apple's systems they
// do, with the system's TLS and their own header fields.
func (c *claim) isOfApps() bool { return c.mobile || c.engine == traffic.EngineWebKit }

// since reports whether the claim is of one of these versions or a later one.
func (c *claim) since(chromium, gecko int) bool {
	return c.engine == traffic.EngineChromium && c.version >= chromium ||
		c.engine == traffic.EngineGecko && c.version >= gecko
}

// parseClaim returns the claim of a user agent that is, in every byte, that of a browser whose wire
// is known: Chrome, Edge, Opera and the like, Firefox, Safari. One that names anything else (an
// app, a web view, a television, another browser, a device with Android) may be of a program with
// its own network stack, and claims nothing.
func parseClaim(agent string) claim {
	rest, ok := strings.CutPrefix(agent, "Mozilla/5.0 (")
	if !ok {
		return claim{}
	}
	system, rest, ok := strings.Cut(rest, ") ")
	if !ok {
		return claim{}
	}
	c := claim{mobile: strings.Contains(rest, "Mobile") || strings.HasPrefix(system, "Android")}
	least := 0
	if after, ok := strings.CutPrefix(rest, "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/"); ok &&
		isChromium(system) {
		c.engine, c.version, least = traffic.EngineChromium, chromiumVersion(after), leastChromium
	} else if after, ok := strings.CutPrefix(rest,
		"AppleWebKit/605.1.15 (KHTML, like Gecko) Version/"); ok && isWebKit(system) {
		c.engine, c.version, least = traffic.EngineWebKit, webkitVersion(after), leastWebKit
	} else if strings.HasPrefix(rest, "Gecko/") && isGecko(system) {
		c.engine, c.version, least = traffic.EngineGecko, geckoVersion(rest), leastGecko
	}
	if c.version < least || c.version == 0 {
		return claim{}
	}
	return c
}

func isDesktop(system string) bool {
	return strings.HasPrefix(system, "Windows NT ") ||
		strings.HasPrefix(system, "Macintosh; Intel Mac OS X ") ||
		strings.HasPrefix(system, "X11; Linux x86_64") ||
		strings.HasPrefix(system, "X11; Ubuntu; Linux x86_64")
}

// isChromium reports whether Chrome runs on a system. Since version 110 it names every Android "K".
func isChromium(system string) bool {
	return isDesktop(system) || strings.HasPrefix(system, "X11; CrOS ") ||
		system == "Linux; Android 10; K"
}

func isGecko(system string) bool {
	return strings.Contains(system, "; rv:") &&
		(isDesktop(system) || strings.HasPrefix(system, "Android "))
}

func isWebKit(system string) bool {
	return strings.HasPrefix(system, "Macintosh; Intel Mac OS X ") ||
		strings.HasPrefix(system, "iPhone; CPU iPhone OS ") ||
		strings.HasPrefix(system, "iPad; CPU OS ")
}

// mostVersion is higher than any version of these browsers.
const mostVersion = 999

// number returns the major version at the beginning of text, 0 if no browser has it, and the rest
// behind the whole version.
func number(text string) (major int, rest string) {
	at := 0
	for ; at < len(text) && '0' <= text[at] && text[at] <= '9' && major <= mostVersion; at++ {
		major = 10*major + int(text[at]-'0')
	}
	if major > mostVersion {
		major = 0
	}
	for at < len(text) && ('0' <= text[at] && text[at] <= '9' || text[at] == '.') {
		at++
	}
	return major, text[at:]
}

// chromiumVersion returns the version at the beginning of text, 0 if an unusual rest follows.
func chromiumVersion(text string) int {
	major, rest := number(text)
	rest = strings.TrimPrefix(rest, " Mobile")
	rest, ok := strings.CutPrefix(rest, " Safari/537.36")
	if !ok {
		return 0
	}
	for _, product := range [...]string{" Edg/", " EdgA/", " OPR/"} {
		if after, ok := strings.CutPrefix(rest, product); ok {
			_, rest = number(after)
			break
		}
	}
	return whole(major, rest)
}

func webkitVersion(text string) int {
	major, rest := number(text)
	if rest == " Safari/605.1.15" || rest == " Mobile/15E148 Safari/604.1" {
		return major
	}
	return 0
}

func geckoVersion(text string) int {
	_, after, ok := strings.Cut(text, " Firefox/")
	if !ok {
		return 0
	}
	major, rest := number(after)
	return whole(major, rest)
}

// whole returns major if the rest is empty, else 0.
func whole(major int, rest string) int {
	if rest != "" {
		return 0
	}
	return major
}
