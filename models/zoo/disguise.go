package main

import (
	"math/rand/v2"
	"net/url"
	"strings"
)

// How a program pretends to be another.
const (
	plain     = "plain"    // it does not
	asAgent   = "agent"    // a browser's User-Agent
	asHeaders = "headers"  // all of a browser's header fields, copied
	asReferer = "referer"  // one forged Referer for every request, and a browser's User-Agent
	asAssets  = "assets"   // fetches what pages need, with a browser's header fields
	asPaced   = "paced"    // waits as people do, with a browser's header fields
	asAll     = "all"      // all of these, with referers that follow the links
	headless  = "headless" // a browser without a window
	headed    = "headed"   // a browser with one
)

// browser is what a real browser sends, for those who copy it.
type browser struct {
	agent    string
	hints    [][2]string // Sec-CH-UA and the like
	accept   string      // for a page
	language string
	firefox  bool
}

// browsers are current ones on current systems. Some who copy are behind, as in life.
var browsers = []browser{
	chrome("Windows NT 10.0; Win64; x64", "Windows", "156", "en-US,en;q=0.9"),
	chrome("Windows NT 10.0; Win64; x64", "Windows", "141", "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7"),
	chrome("Macintosh; Intel Mac OS X 10_15_7", "macOS", "155", "en-GB,en-US;q=0.9,en;q=0.8"),
	chrome("X11; Linux x86_64", "Linux", "120", "en-US,en;q=0.9"),
	firefox("Windows NT 10.0; Win64; x64", "155"),
	firefox("X11; Linux x86_64", "128"),
	{agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
		accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", language: "en-GB,en;q=0.9"},
}

func chrome(system, platform, version, language string) browser {
	return browser{
		agent: "Mozilla/5.0 (" + system + ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" + version + ".0.0.0 Safari/537.36",
		hints: [][2]string{{"sec-ch-ua", `"Chromium";v="` + version + `", "Google Chrome";v="` + version + `", "Not:A-Brand";v="8"`},
			{"sec-ch-ua-mobile", "?0"}, {"sec-ch-ua-platform", `"` + platform + `"`}},
		accept:   "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
		language: language,
	}
}

func firefox(system, version string) browser {
	return browser{agent: "Mozilla/5.0 (" + system + "; rv:" + version + ".0) Gecko/20100101 Firefox/" + version + ".0",
		accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", language: "en-US,en;q=0.5", firefox: true}
}

// header returns what the browser would send with a step.
func (b *browser) header(s *step, referer string) [][2]string {
	h := append([][2]string(nil), b.hints...)
	if s.kind == forPage {
		h = append(h, [2]string{"upgrade-insecure-requests", "1"})
	}
	accept := map[kind]string{forPage: b.accept, forStyle: "text/css,*/*;q=0.1", forScript: "*/*", forImage: "image/avif,image/webp,image/*,*/*;q=0.8",
		forData: "application/json"}[s.kind]
	dest := map[kind]string{forPage: "document", forStyle: "style", forScript: "script", forImage: "image", forData: "empty"}[s.kind]
	mode := map[kind]string{forPage: "navigate", forData: "cors"}[s.kind]
	if mode == "" {
		mode = "no-cors"
	}
	h = append(h, [2]string{"user-agent", b.agent}, [2]string{"accept", accept}, [2]string{"sec-fetch-site", fetchSite(s.URL, referer)},
		[2]string{"sec-fetch-mode", mode})
	if s.kind == forPage {
		h = append(h, [2]string{"sec-fetch-user", "?1"})
	}
	h = append(h, [2]string{"sec-fetch-dest", dest})
	if referer != "" {
		h = append(h, [2]string{"referer", referer})
	}
	return append(h, [2]string{"accept-encoding", "gzip, deflate"}, [2]string{"accept-language", b.language})
}

func fetchSite(target, referer string) string {
	to, err1 := url.Parse(target)
	from, err2 := url.Parse(referer)
	switch {
	case referer == "" || err1 != nil || err2 != nil:
		return "none"
	case to.Host == from.Host:
		return "same-origin"
	}
	return "cross-site"
}

// disguise adds to the steps the header fields of a disguise.
func disguise(steps []step, name string, random *rand.Rand) {
	b := browsers[random.IntN(len(browsers))]
	forged := []string{"https://www.google.com/", "https://duckduckgo.com/", "https://news.ycombinator.com/"}[random.IntN(3)]
	for i := range steps {
		s := &steps[i]
		switch name {
		case plain:
		case asAgent:
			s.Header = [][2]string{{"User-Agent", b.agent}}
		case asReferer:
			s.Header = [][2]string{{"User-Agent", b.agent}, {"Referer", forged}}
		case asAll:
			referer := s.from
			if i == 0 {
				referer = forged
			}
			s.Header = b.header(s, referer)
		case asAssets:
			s.Header = b.header(s, s.from)
		default:
			s.Header = b.header(s, "")
		}
		if s.Body != "" {
			s.Header = append(s.Header, [2]string{"Content-Type", "application/x-www-form-urlencoded"})
		}
	}
}

// userAgent returns the agent that a disguise adds to its steps; empty: the program's own.
func userAgent(steps []step) string {
	for _, s := range steps {
		for _, f := range s.Header {
			if strings.EqualFold(f[0], "user-agent") {
				return f[1]
			}
		}
	}
	return ""
}
