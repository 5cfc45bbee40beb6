package traffic

import (
	"strconv"
	"strings"

	"github.com/mileusna/useragent"
)

// oddities counts what no browser sends, each kind once. A program that makes up a browser's user agent often gets one
// of these wrong.
func oddities(agent string, parsed *useragent.UserAgent) int {
	engine := strings.Contains(agent, "AppleWebKit/") || strings.Contains(agent, "Gecko/")
	n := 0
	for _, odd := range [...]bool{
		unprintable(agent),
		len(agent) < MaxUserAgent && strings.Count(agent, "(") != strings.Count(agent, ")"),
		strings.Contains(agent, "  ") || strings.Trim(agent, " \"'") != agent,
		engine && !strings.HasPrefix(agent, "Mozilla/5.0 ("),
		strings.Contains(agent, "AppleWebKit/") && !strings.Contains(agent, "(KHTML, like Gecko"),
		twoSystems(agent),
		oddChrome(agent, parsed),
		oddFirefox(agent, parsed),
	} {
		if odd {
			n++
		}
	}
	return n
}

func unprintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return true
		}
	}
	return false
}

// twoSystems tells of a user agent that runs on two operating systems at once.
func twoSystems(agent string) bool {
	n := 0
	for _, system := range [...]string{"Windows NT", "Macintosh", "iPhone;", "Android"} {
		if strings.Contains(agent, system) {
			n++
		}
	}
	return n > 1
}

// oddChrome tells of a Chrome whose engine is another's, or whose version has more figures than Chrome tells. Since
// version 110 on all systems Chrome says 110.0.0.0 (https://www.chromium.org/updates/ua-reduction/); web views inside
// of apps do not follow.
func oddChrome(agent string, parsed *useragent.UserAgent) bool {
	if parsed.Name != useragent.Chrome || !strings.Contains(agent, "Chrome/") {
		return false
	}
	major := parsed.VersionNo.Major
	if major >= 30 && !(strings.Contains(agent, "AppleWebKit/537.36 ") && strings.Contains(agent, "Safari/537.36")) {
		return true
	}
	return major >= 110 && !strings.Contains(agent, "; wv)") && !strings.Contains(parsed.Version, ".0.0.0")
}

// oddFirefox tells of a Firefox whose revision is not its version. It stood still at 109 for the versions 110 to 119
// (https://bugzilla.mozilla.org/show_bug.cgi?id=1805967).
func oddFirefox(agent string, parsed *useragent.UserAgent) bool {
	_, after, ok := strings.Cut(agent, "; rv:")
	if !ok || parsed.Name != useragent.Firefox || parsed.VersionNo.Major < 5 {
		return false
	}
	digits, _, _ := strings.Cut(after, ".")
	revision, err := strconv.Atoi(digits)
	if err != nil {
		return true
	}
	frozen := revision == 109 && parsed.VersionNo.Major >= 110 && parsed.VersionNo.Major < 120
	return revision != parsed.VersionNo.Major && !frozen
}
