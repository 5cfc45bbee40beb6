package traffic

import (
	"strings"

	"github.com/mileusna/useragent"
)

// AgentFact is something that a user agent says of itself. It is the same for every request that sends it.
type AgentFact uint8

// The facts of a user agent.
const (
	AgentCrawler        AgentFact = iota // 1: declares itself a crawler, monitor, preview or scanner, or has a contact address
	AgentTool                            // 1: a library or command-line program
	AgentHeadless                        // 1: an automated or windowless browser
	AgentBrowser                         // family: see the Browser codes
	AgentBrowserVersion                  // major version; NaN: none told
	AgentOS                              // family: see the OS codes
	AgentOSVersion                       // major version; NaN: none told
	AgentMobile                          // 1: a telephone or tablet
	AgentOddities                        // number of things that no browser's user agent has
	NumAgentFacts
)

// The browser families, as AgentBrowser gives them. Their numbers do not change, since models know them.
const (
	NoBrowser    = 0 // no browser, or none that says so
	Chrome       = 1
	Safari       = 2
	Firefox      = 3
	Edge         = 4
	Opera        = 5
	Samsung      = 6
	Explorer     = 7
	InApp        = 8 // the browser inside of a social network's app
	OtherBrowser = 9 // anything else with a rendering engine
)

// The operating system families, as AgentOS gives them. Their numbers do not change either.
const (
	NoOS     = 0
	Windows  = 1
	MacOS    = 2
	Linux    = 3
	Android  = 4
	IOS      = 5
	ChromeOS = 6
	OtherOS  = 7
)

// AgentFacts are all facts of one user agent, by AgentFact.
type AgentFacts [NumAgentFacts]float32

// FactsOfAgent reads a user agent. It looks at the first [MaxUserAgent] bytes only, so that its work is bounded
// whatever a client sends: some microseconds for a browser's, some tens for the worst. It allocates, and is not for the
// request path: package window calls it once for each user agent that it keeps a row of, and the request path reads
// the columns of that row. What it tells is what the client claims; anybody can claim anything.
func FactsOfAgent(agent string) AgentFacts {
	if agent == "" {
		return AgentFacts{AgentBrowserVersion: nan, AgentOSVersion: nan}
	}
	agent = clip(agent, MaxUserAgent)
	lower := strings.ToLower(agent)
	parsed := useragent.Parse(agent)
	var f AgentFacts
	f[AgentCrawler] = one(crawlerWords.in(lower))
	f[AgentTool] = one(toolWords.in(lower))
	f[AgentHeadless] = one(headlessWords.in(lower))
	family, major := browserOf(&parsed, lower)
	f[AgentBrowser] = float32(family)
	f[AgentBrowserVersion] = version(major)
	f[AgentOS] = float32(osOf(&parsed))
	f[AgentOSVersion] = version(parsed.OSVersionNo.Major)
	f[AgentMobile] = one(parsed.Mobile || parsed.Tablet)
	f[AgentOddities] = float32(oddities(agent, &parsed))
	return f
}

// maxVersion is more than any program's major version. What is beyond is made up, and of no use as a number.
const maxVersion = 9999

func version(major int) float32 {
	if major <= 0 || major > maxVersion {
		return nan
	}
	return float32(major)
}

var browserCodes = map[string]int{
	useragent.Chrome: Chrome, useragent.HeadlessChrome: Chrome,
	useragent.Safari: Safari, useragent.MobileSafari: Safari,
	useragent.Firefox: Firefox, useragent.Edge: Edge,
	useragent.Opera: Opera, useragent.OperaMini: Opera, useragent.OperaTouch: Opera,
	useragent.SamsungBrowser: Samsung, useragent.InternetExplorer: Explorer,
	useragent.FacebookApp: InApp, useragent.InstagramApp: InApp, useragent.TiktokApp: InApp,
}

func browserOf(parsed *useragent.UserAgent, lower string) (family, major int) {
	major = parsed.VersionNo.Major
	if code, ok := browserCodes[parsed.Name]; ok {
		return code, major
	}
	switch {
	case strings.Contains(lower, "trident/7.0"): // Internet Explorer 11 does not name itself
		return Explorer, 11
	case strings.Contains(lower, "applewebkit/"), strings.Contains(lower, "gecko/"), strings.Contains(lower, "presto/"):
		return OtherBrowser, major
	}
	return NoBrowser, major
}

var osCodes = map[string]int{
	"": NoOS, useragent.Windows: Windows, useragent.MacOS: MacOS, useragent.Linux: Linux, useragent.Android: Android,
	useragent.IOS: IOS, useragent.ChromeOS: ChromeOS,
}

func osOf(parsed *useragent.UserAgent) int {
	if code, ok := osCodes[parsed.OS]; ok {
		return code
	}
	return OtherOS
}
