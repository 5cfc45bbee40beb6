package traffic

import (
	"bytes"
	"strings"
)

// oddities returns how many kinds of what no browser sends are in the user agent. Programs that
// make up a user agent often get one of these wrong.
func (r *reading) oddities(agent string) int {
	family, major := r.browser()
	n := 0
	for _, odd := range [...]bool{
		r.odd,
		len(agent) < maxUserAgent && r.open != 0,
		r.has(markBlanks) || hasEdge(agent),
		(r.has(markWebKit) || r.has(markGecko)) &&
			!(r.has(markMozilla) && int(r.ends[markMozilla]) == len("Mozilla/5.0 (")),
		r.has(markWebKit) && !r.has(markLikeGecko),
		r.runsOnTwo(),
		family == browserChrome && r.oddChrome(agent),
		family == browserFirefox && r.oddFirefox(agent, major),
	} {
		n += truth(odd)
	}
	return n
}

// hasEdge reports whether an agent begins or ends with a blank or a quotation mark.
func hasEdge(agent string) bool {
	const edges = " \"'"
	return strings.IndexByte(edges, agent[0]) >= 0 ||
		strings.IndexByte(edges, agent[len(agent)-1]) >= 0
}

// runsOnTwo reports a user agent that runs on two operating systems at once.
func (r *reading) runsOnTwo() bool {
	return truth(r.has(markWindows))+truth(r.has(markMacintosh))+truth(r.has(markAndroid))+
		truth(r.has(markIPhone) && bytes.Contains(r.text, []byte("iPhone;"))) > 1
}

// oddChrome reports a Chrome whose engine is another one's, or whose version has more digits than
// Chrome sends. Since version 110 on all systems Chrome says 110.0.0.0
// (https://www.chromium.org/updates/ua-reduction/); web views inside of apps do not follow.
func (r *reading) oddChrome(agent string) bool {
	if !r.has(markChrome) || r.has(markHeadlessChrome) {
		return false
	}
	major := r.number(markChrome)
	if major >= 30 && !(r.has(markWebKit537) && r.has(markSafari537)) {
		return true
	}
	version, _, _ := strings.Cut(agent[r.ends[markChrome]:], " ")
	return major >= 110 && !r.has(markWebView) && !strings.Contains(version, ".0.0.0")
}

// oddFirefox reports a Firefox whose revision is not its version. It stood still at 109 for the
// versions 110 to 119 (https://bugzilla.mozilla.org/show_bug.cgi?id=1805967).
func (r *reading) oddFirefox(agent string, major int) bool {
	_, after, ok := strings.Cut(agent, "; rv:")
	if !ok || major < 5 {
		return false
	}
	revision := leadingNumber(r.text[len(agent)-len(after):])
	frozen := revision == 109 && major >= 110 && major < 120
	return revision != major && !frozen
}
