package traffic

import "hash/maphash"

// AgentFact is something that a user agent says of itself. It is the same for every request that
// sends it.
type AgentFact uint8

// The facts of a user agent.
const (
	// 1: declares itself a crawler, monitor, preview or scanner, or has a contact address
	AgentCrawler AgentFact = iota
	// 1: a library or command-line program, or it names neither a browser, an app nor a device
	AgentTool
	AgentHeadless       // 1: an automated or windowless browser
	AgentBrowser        // family of the browser, as a code
	AgentBrowserVersion // major version; NaN: not named
	AgentOS             // family of the operating system, as a code
	AgentOSVersion      // major version; NaN: not named
	AgentMobile         // 1: a telephone or tablet
	AgentOddities       // number of things that no browser's user agent has
	NumAgentFacts
)

// The browser families, the values of AgentBrowser. Their numbers do not change, since models know
// them.
const (
	browserNone     = 0 // no browser, or none that says so
	browserChrome   = 1
	browserSafari   = 2
	browserFirefox  = 3
	browserEdge     = 4
	browserOpera    = 5
	browserSamsung  = 6
	browserExplorer = 7
	browserInApp    = 8 // the browser inside of a social network's app
	browserOther    = 9 // anything else with a rendering engine
)

// The operating system families, the values of AgentOS. Their numbers do not change either.
const (
	osNone     = 0
	osWindows  = 1
	osMacOS    = 2
	osLinux    = 3
	osAndroid  = 4
	osIOS      = 5
	osChromeOS = 6
	osOther    = 7
)

// AgentFacts are all facts of one user agent, by AgentFact.
type AgentFacts [NumAgentFacts]float32

// ParseAgent returns the facts of a user agent, from its first 256 bytes, so that its cost is
// bounded. It allocates nothing; results of recent user agents are cached. A user agent is only a
// claim: any client can send any.
func ParseAgent(agent string) AgentFacts {
	if agent == "" {
		return AgentFacts{AgentBrowserVersion: nan, AgentOSVersion: nan}
	}
	agent = clip(agent, maxUserAgent)
	hash := maphash.String(agentSeed, agent)
	packed := packedFacts(factsMemo.get(hash))
	if packed == 0 {
		packed = packAgent(agent)
		factsMemo.put(hash, uint64(packed))
	}
	return packed.facts()
}

// packAgent reads what is not empty and at most maxUserAgent long.
func packAgent(agent string) packedFacts {
	var buffer [maxUserAgent]byte
	r := reading{text: buffer[:copy(buffer[:], agent)]}
	r.read()
	p := factsRead
	p.set(AgentCrawler, truth(r.has(markCrawler)))
	p.set(AgentTool, truth(r.has(markTool) || r.isProgram() && !r.has(markCrawler) &&
		!r.has(markHeadless)))
	p.set(AgentHeadless, truth(r.has(markHeadless) || r.has(markHeadlessChrome)))
	family, major := r.browser()
	p.set(AgentBrowser, family)
	p.set(AgentBrowserVersion, major)
	system, major := r.system()
	p.set(AgentOS, system)
	p.set(AgentOSVersion, major)
	p.set(AgentMobile, truth(r.isMobile()))
	p.set(AgentOddities, r.oddities(agent))
	return p
}

func truth(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// maxVersion is higher than any program's major version. A higher one is made up.
const maxVersion = 9999

func version(major int) float32 {
	if major <= 0 || major > maxVersion {
		return nan
	}
	return float32(major)
}

// packedFacts are AgentFacts in one word: a field of agentFactBits for each, of which the versions
// need most. They are never 0, since the highest bit is set.
type packedFacts uint64

const factsRead packedFacts = 1 << 63

var agentFactShift = [NumAgentFacts]struct{ from, bits uint8 }{
	AgentCrawler: {0, 1}, AgentTool: {1, 1}, AgentHeadless: {2, 1}, AgentBrowser: {3, 4},
	AgentBrowserVersion: {7, 14}, AgentOS: {21, 3},
	AgentOSVersion: {24, 14}, AgentMobile: {38, 1}, AgentOddities: {39, 4},
}

func (p *packedFacts) set(f AgentFact, n int) {
	*p |= packedFacts(n) << agentFactShift[f].from
}

func (p packedFacts) get(f AgentFact) int {
	s := agentFactShift[f]
	return int(p >> s.from & (1<<s.bits - 1))
}

func (p packedFacts) facts() AgentFacts {
	return AgentFacts{
		AgentCrawler:        float32(p.get(AgentCrawler)),
		AgentTool:           float32(p.get(AgentTool)),
		AgentHeadless:       float32(p.get(AgentHeadless)),
		AgentBrowser:        float32(p.get(AgentBrowser)),
		AgentBrowserVersion: version(p.get(AgentBrowserVersion)),
		AgentOS:             float32(p.get(AgentOS)),
		AgentOSVersion:      version(p.get(AgentOSVersion)),
		AgentMobile:         float32(p.get(AgentMobile)),
		AgentOddities:       float32(p.get(AgentOddities)),
	}
}
