package heuristics_test

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

// sent is a request as a test tells it: header fields in their order, and what its connection was
// like.
type sent struct {
	ja4    string
	setup  *traffic.WireFacts // of HTTP/2; nil: HTTP/1.1
	method string             // empty: GET
	fields string             // "Name: value" on a line each; a name alone has the value x
	blind  bool               // nobody saw the order of the fields
}

// The engines' HTTP/2 as they set it up: Chrome 156, Firefox 153, Safari 17, Safari 26.
var (
	chromiumSetup = &traffic.WireFacts{Pseudo: traffic.PseudoOrder("masp"), HeadersPriority: true, Window: 7, ConnectionWindow: 8,
		Settings: traffic.SettingTable | traffic.SettingPush | traffic.SettingWindow | traffic.SettingHeaders}
	geckoSetup = &traffic.WireFacts{Pseudo: traffic.PseudoOrder("mpas"), HeadersPriority: true, Window: 2, ConnectionWindow: 8,
		Settings: traffic.SettingTable | traffic.SettingPush | traffic.SettingWindow | traffic.SettingFrame}
	oldSafariSetup = &traffic.WireFacts{Pseudo: traffic.PseudoOrder("mspa"), HeadersPriority: true, Window: 7, ConnectionWindow: 8,
		Settings: traffic.SettingPush | traffic.SettingStreams | traffic.SettingWindow}
	safariSetup = &traffic.WireFacts{Pseudo: traffic.PseudoOrder("msap"), Window: 6, ConnectionWindow: 8,
		Settings: traffic.SettingPush | traffic.SettingStreams | traffic.SettingWindow}
	curlSetup = &traffic.WireFacts{Pseudo: traffic.PseudoOrder("mpsa"), Window: 10, ConnectionWindow: 9,
		Settings: traffic.SettingPush | traffic.SettingStreams | traffic.SettingWindow}
	okhttpSetup = &traffic.WireFacts{Pseudo: traffic.PseudoOrder("mpas"), Window: 9, ConnectionWindow: 8, Settings: traffic.SettingWindow}
)

// Hellos as they were seen.
const (
	chromiumHello = "t13d1516h2_8daaf6152771_d8a2da3f94cd"
	geckoHello    = "t13d1617h2_86a278354501_3cbfd9057e0d"
	safariHello   = "t13d2014h2_a09f3c656075_e42f34c56612"
	opensslHello  = "t13d311200_e8f1e7e78f70_d339722ba4af"
)

const (
	chromeAgent  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
	androidAgent = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Mobile Safari/537.36"
	firefoxAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0"
	safariAgent  = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15"
	iphoneAgent  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
)

const pageAccept = "\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// Pages as the browsers ask for them after an address was typed.
const (
	chromePage = "Sec-CH-UA: \"Chromium\";v=\"145\"\nSec-CH-UA-Mobile: ?0\nSec-CH-UA-Platform: \"Windows\"\nUpgrade-Insecure-Requests\nUser-Agent: " + chromeAgent +
		pageAccept + "\nSec-Fetch-Site: none\nSec-Fetch-Mode: navigate\nSec-Fetch-User: ?1\nSec-Fetch-Dest: document\nAccept-Encoding: gzip, deflate, br, zstd\nAccept-Language\nPriority"
	firefoxPage = "User-Agent: " + firefoxAgent + pageAccept + "\nAccept-Language\nAccept-Encoding: gzip, deflate, br, zstd\nUpgrade-Insecure-Requests\n" +
		"Sec-Fetch-Dest: document\nSec-Fetch-Mode: navigate\nSec-Fetch-Site: none\nSec-Fetch-User: ?1\nPriority\nTE"
	safariPage = "Sec-Fetch-Dest: document\nUser-Agent: " + safariAgent + pageAccept + "\nSec-Fetch-Site: none\nSec-Fetch-Mode: navigate\nAccept-Language\nPriority\n" +
		"Accept-Encoding: gzip, deflate, br"
	oldSafariPage = "Accept: text/html\nSec-Fetch-Site: none\nAccept-Encoding: gzip, deflate, br\nSec-Fetch-Mode: navigate\nUser-Agent: " + safariAgent +
		"\nAccept-Language\nSec-Fetch-Dest: document"
)

// without returns fields without some, and with others in their place: "Name: value" for a value,
// "-Name" to leave one out.
func with(fields string, changes ...string) string {
	for _, change := range changes {
		name, _, _ := strings.Cut(strings.TrimPrefix(change, "-"), ":")
		var kept []string
		for _, line := range strings.Split(fields, "\n") {
			switch got, _, _ := strings.Cut(line, ":"); {
			case got != name:
				kept = append(kept, line)
			case change[0] != '-':
				kept = append(kept, change)
			}
		}
		fields = strings.Join(kept, "\n")
	}
	return fields
}

// http1 returns the fields of a page as a browser sends them by HTTP/1.1.
func http1(fields string) string {
	return "Host: www.example.org\nConnection: keep-alive\n" + with(fields, "-Priority", "-TE")
}

// event makes the event of the request as a proxy does.
func (s *sent) event() *traffic.Event {
	at, values := map[string]int{}, map[string]string{}
	for i, line := range strings.Split(s.fields, "\n") {
		name, value, _ := strings.Cut(line, ": ")
		if value == "" {
			value = "x"
		}
		at[name], values[name] = i+1, value
	}
	ev := event("GET", "/", values["User-Agent"], values["Referer"])
	ev.JA4, ev.Version = s.ja4, 11
	if s.method != "" {
		ev.Method = s.method
	}
	for name, fact := range map[string]traffic.Facts{"Accept-Language": traffic.FactAcceptLanguage, "Accept-Encoding": traffic.FactAcceptEncoding,
		"Sec-Fetch-Mode": traffic.FactSecFetch, "Via": traffic.FactPassedOn} {
		if at[name] > 0 {
			ev.Facts |= fact
		}
	}
	claims := traffic.Claims{UserAgent: values["User-Agent"], Hints: values["Sec-CH-UA"], HintsPlatform: values["Sec-CH-UA-Platform"],
		HintsMobile: values["Sec-CH-UA-Mobile"], FetchSite: values["Sec-Fetch-Site"], FetchMode: values["Sec-Fetch-Mode"], FetchDest: values["Sec-Fetch-Dest"],
		FetchUser: values["Sec-Fetch-User"], Accept: values["Accept"], AcceptEncoding: values["Accept-Encoding"], Priority: at["Priority"] > 0,
		Upgrade: at["Upgrade-Insecure-Requests"] > 0}
	ev.Facts |= claims.Facts(ev.Facts)
	order := func(first, second string) traffic.FieldOrder {
		switch a, b := at[first], at[second]; {
		case a == 0 || b == 0:
			return traffic.OrderMissing
		case a > b:
			return traffic.OrderReversed
		}
		return traffic.OrderAsNamed
	}
	var wire traffic.WireFacts
	if s.setup != nil {
		ev.Version, wire = 20, *s.setup
	} else {
		wire.HostFirst = at["Host"] == 1
		if at["Connection"] > 0 {
			wire.Connection = traffic.ConnectionElsewhere
		}
	}
	wire.AgentAccept, wire.EncodingLanguage = order("User-Agent", "Accept"), order("Accept-Encoding", "Accept-Language")
	if wire.Seen = !s.blind; wire.Seen {
		ev.Wire = traffic.MakeWire(wire, 1)
	}
	return ev
}

// Nobody's own browser is another program, whatever he has between him and the site, and whatever
// he has made of it.
func TestPeopleForgeNothing(t *testing.T) {
	chromeFetch := with(chromePage, "-Upgrade-Insecure-Requests", "Accept: */*", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors", "-Sec-Fetch-User", "Sec-Fetch-Dest: empty")
	for name, s := range map[string]sent{
		"Chrome":                        {ja4: chromiumHello, setup: chromiumSetup, fields: chromePage},
		"Chrome that resumes a session": {ja4: "t13d1518h2_8daaf6152771_022b3fe36177", setup: chromiumSetup, fields: chromePage},
		"Chrome by an address":          {ja4: "t13i1515h2_8daaf6152771_d8a2da3f94cd", setup: chromiumSetup, fields: chromePage},
		"Chrome, JA4 alone":             {ja4: chromiumHello, setup: chromiumSetup, fields: chromePage, blind: true},
		"Chrome, a script's call":       {ja4: chromiumHello, setup: chromiumSetup, fields: chromeFetch},
		"Chrome, a call with its Accept first": {ja4: chromiumHello, setup: chromiumSetup,
			fields: "Accept: application/json\n" + with(chromeFetch, "-Accept")},
		"Chrome, a film": {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromeFetch, "Sec-Fetch-Dest: video", "Accept-Encoding: identity;q=1, *;q=0")},
		"Chrome opens a WebSocket": {ja4: "t13d1516h1_8daaf6152771_d8a2da3f94cd",
			fields: "Host: www.example.org\nConnection: Upgrade\nUser-Agent: " + chromeAgent + "\nUpgrade: websocket\nAccept-Encoding: gzip, deflate, br, zstd\nAccept-Language"},
		"Chrome reports an error": {ja4: chromiumHello, setup: chromiumSetup, method: "POST",
			fields: "Content-Type\nUser-Agent: " + chromeAgent + "\nAccept-Encoding: gzip, deflate, br, zstd\nAccept-Language"},
		"Chrome, hints behind a redirect":   {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromePage, "-Sec-CH-UA") + "\nSec-CH-UA: \"Chromium\";v=\"145\""},
		"Chrome by HTTP/1.1":                {ja4: chromiumHello, fields: http1(chromePage)},
		"Chrome on Android":                 {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromePage, "User-Agent: "+androidAgent, "Sec-CH-UA-Mobile: ?1", "Sec-CH-UA-Platform: \"Android\"")},
		"an app with Android's user agent":  {ja4: "t13d1514h2_8daaf6152771_a5b99884f7f5", setup: okhttpSetup, fields: "User-Agent: " + androidAgent + "\nAccept-Encoding: gzip"},
		"a web view":                        {ja4: opensslHello, fields: "User-Agent: Mozilla/5.0 (Linux; Android 14; SM-A546B Build/TP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/145.0.7000.1 Mobile Safari/537.36"},
		"a television":                      {ja4: opensslHello, fields: "User-Agent: Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/108.0.5359.211 Safari/537.36 WebAppManager"},
		"a console":                         {ja4: opensslHello, fields: "User-Agent: Mozilla/5.0 (PlayStation; PlayStation 5/8.20) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.4 Safari/605.1.15"},
		"Qt's browsers":                     {ja4: chromiumHello, setup: chromiumSetup, fields: "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) QtWebEngine/6.5.3 Chrome/108.0.5359.220 Safari/537.36\nAccept: */*"},
		"WebKit on Linux":                   {ja4: "t13d2913h2_723694b0fccc_5671b5df5029", setup: safariSetup, fields: "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15" + pageAccept},
		"Lynx":                              {ja4: "t13d291300_723694b0fccc_2cc26d266019", fields: "Host: www.example.org\nAccept: text/html\nUser-Agent: Lynx/2.9.2 libwww-FM/2.14"},
		"Internet Explorer":                 {ja4: "t12d190800_d83cc789557e_7af1ed941c26", fields: "User-Agent: Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko"},
		"an old Edge":                       {ja4: "t12d190800_d83cc789557e_7af1ed941c26", fields: "User-Agent: Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/64.0.3282.140 Safari/537.36 Edge/18.17763"},
		"Firefox":                           {ja4: geckoHello, setup: geckoSetup, fields: firefoxPage},
		"Firefox, a link of a mail program": {ja4: geckoHello, setup: geckoSetup, fields: with(firefoxPage, "-Sec-Fetch-User")},
		"Firefox by HTTP/1.1":               {ja4: geckoHello, fields: http1(firefoxPage)},
		"Tor Browser":                       {ja4: "t13d1513h2_8daaf6152771_748f4c70de1c", setup: geckoSetup, fields: firefoxPage},
		"Firefox without HTTP/2":            {ja4: "t13d1616h1_86a278354501_3cbfd9057e0d", fields: http1(firefoxPage)},
		"Safari":                            {ja4: safariHello, setup: safariSetup, fields: safariPage},
		"an older Safari":                   {ja4: safariHello, setup: oldSafariSetup, fields: oldSafariPage},
		"an iPhone":                         {ja4: "t13d2013h2_a09f3c656075_7f0f34a4126d", setup: safariSetup, fields: with(safariPage, "User-Agent: "+iphoneAgent)},
		"an iPhone opens a WebSocket": {ja4: "t13d2013h1_a09f3c656075_7f0f34a4126d",
			fields: "Host: www.example.org\nConnection: Upgrade\nUpgrade: websocket\nUser-Agent: " + iphoneAgent + "\nAccept: */*\nAccept-Language\nAccept-Encoding: gzip, deflate"},
		"an app of an iPhone":              {ja4: "t13d1313h2_f57a46bbacb6_7f0f34a4126d", setup: oldSafariSetup, fields: "Accept: */*\nUser-Agent: " + iphoneAgent + "\nAccept-Language\nAccept-Encoding: gzip, deflate, br"},
		"Chrome as another Chrome":         {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromePage, "Sec-CH-UA: \"Chromium\";v=\"120\"", "Sec-CH-UA-Platform: \"macOS\"")},
		"Chrome's tools with an own agent": {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromePage, "-Sec-CH-UA", "-Sec-CH-UA-Mobile", "-Sec-CH-UA-Platform")},
		"Chrome as Firefox":                {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromePage, "User-Agent: "+firefoxAgent)},
		"Chrome as an iPhone":              {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromePage, "User-Agent: "+iphoneAgent)},
		"Firefox as Chrome":                {ja4: geckoHello, setup: geckoSetup, fields: with(firefoxPage, "User-Agent: "+chromeAgent)},
		"Firefox as Chrome, with hints":    {ja4: geckoHello, setup: geckoSetup, fields: with(firefoxPage, "User-Agent: "+chromeAgent) + "\nSec-CH-UA: \"Chromium\";v=\"145\""},
		"Safari as Chrome":                 {ja4: safariHello, setup: safariSetup, fields: with(safariPage, "User-Agent: "+chromeAgent)},
		"Safari as Chrome by HTTP/1.1":     {ja4: safariHello, fields: http1(with(safariPage, "User-Agent: "+androidAgent))},
		"an antivirus program of OpenSSL":  {ja4: opensslHello, fields: with(http1(chromePage), "Accept-Encoding: gzip, deflate")},
		"a company's proxy of Go":          {ja4: "t13d131100_f57a46bbacb6_ab7e3b40a677", fields: with(http1(chromePage), "-Connection", "Accept-Encoding: gzip")},
		"a company's proxy of Schannel":    {ja4: "t12d190800_d83cc789557e_7af1ed941c26", fields: with(http1(firefoxPage), "Accept-Encoding: gzip")},
		"a proxy that passes HTTP/2 on":    {ja4: "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", setup: chromiumSetup, fields: with(chromePage, "Accept-Encoding: gzip")},
		"a proxy that says so":             {ja4: "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", setup: curlSetup, fields: chromePage + "\nVia: 1.1 proxy"},
		"a next Chrome of new hellos":      {ja4: "t13d0314h2_55b375c5d22e_d8a2da3f94cd", setup: chromiumSetup, fields: chromePage},
		"a next Chrome of a new HTTP/2":    {ja4: chromiumHello, setup: curlSetup, fields: chromePage},
		"a next Chrome without old fields": {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromePage, "-Upgrade-Insecure-Requests")},
		"no hello was seen":                {setup: curlSetup, fields: "User-Agent: " + chromeAgent},
		"HTTP/3":                           {ja4: "q13d0312h3_55b375c5d22e_06cda9e17597", fields: "User-Agent: " + chromeAgent},
	} {
		ev := s.event()
		if got := (heuristics.Rules{}).Request(ev); got != heuristics.NoFinding {
			t.Errorf("%s: %v, by %015b", name, got, heuristics.FindContradictions(ev))
		}
	}
}

// forgery is a request of Python under Chrome's name.
var forgery = (&sent{ja4: "t13d1812h1_85036bcba153_b26ce05bbdd6", fields: http1(chromePage)}).event()

// Programs under a browser's name, each found by something else.
func TestForgedAgents(t *testing.T) {
	for name, s := range map[string]sent{
		"Python, all fields copied":                            {ja4: "t13d1812h1_85036bcba153_b26ce05bbdd6", fields: http1(chromePage)},
		"curl, all fields copied":                              {ja4: "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", setup: curlSetup, fields: chromePage},
		"HTTP/3 offered by TCP":                                {ja4: "t13d1516h3_8daaf6152771_d8a2da3f94cd", setup: chromiumSetup, fields: chromePage},
		"Ruby, the agent alone":                                {ja4: opensslHello, fields: "Host: www.example.org\nUser-Agent: " + chromeAgent + "\nAccept: */*\nConnection: close"},
		"Ruby, an iPhone's agent":                              {ja4: opensslHello, fields: "Host: www.example.org\nUser-Agent: " + iphoneAgent + "\nAccept: */*\nConnection: close"},
		"Perl, Host in the middle":                             {ja4: opensslHello, fields: with(chromePage, "-Priority") + "\nHost: www.example.org\nConnection: close"},
		"okhttp, a desktop's agent":                            {ja4: "t13d1514h2_8daaf6152771_a5b99884f7f5", setup: okhttpSetup, fields: "User-Agent: " + chromeAgent + "\nAccept: */*"},
		"a fitting connection, no Sec-Fetch and another order": {ja4: chromiumHello, setup: chromiumSetup, fields: "Accept: */*\nAccept-Encoding: gzip, deflate, br\nUser-Agent: " + chromeAgent},
		"a fitting connection, neither upgrade nor click":      {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromePage, "-Upgrade-Insecure-Requests", "-Sec-Fetch-User")},
		"a fitting connection, hints of another version and no Priority": {ja4: chromiumHello, setup: chromiumSetup,
			fields: with(chromePage, "Sec-CH-UA: \"Chromium\";v=\"99\"", "-Priority")},
		"a fitting connection, old encodings":            {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromePage, "Accept-Encoding: gzip, deflate")},
		"Safari's connection, Chrome's page":             {ja4: safariHello, setup: safariSetup, fields: chromePage},
		"Safari's connection and agent, Chrome's fields": {ja4: safariHello, setup: safariSetup, fields: with(chromePage, "User-Agent: "+safariAgent)},
		"Firefox's connection, Chrome's page":            {ja4: geckoHello, setup: geckoSetup, fields: chromePage},
		"passed on, and two fields":                      {ja4: opensslHello, fields: with(http1(chromePage), "-Sec-CH-UA", "-Upgrade-Insecure-Requests") + "\nVia: 1.1 proxy"},
		"navigation that fetches":                        {ja4: chromiumHello, setup: chromiumSetup, fields: with(chromePage, "Accept: */*", "Sec-Fetch-Dest: empty")},
		"JA4 alone":                                      {ja4: "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", setup: curlSetup, blind: true, fields: "User-Agent: " + chromeAgent + "\nAccept: */*"},
		"a Firefox that sends hints":                     {ja4: opensslHello, fields: http1(firefoxPage) + "\nSec-CH-UA: \"Chromium\";v=\"145\""},
	} {
		ev := s.event()
		if got := (heuristics.Rules{}).Request(ev); got != heuristics.FindingForgedAgent {
			t.Errorf("%s: %v, by %015b", name, got, heuristics.FindContradictions(ev))
		}
	}
}

// Nothing is judged but the agents of browsers whose wire is known, to the last byte.
func TestOnlyKnownBrowsersAreJudged(t *testing.T) {
	for _, agent := range []string{
		chromeAgent + " ", chromeAgent + " Vivaldi/7.0", strings.Replace(chromeAgent, "Chrome/145.0.0.0", "Chrome/", 1), strings.Replace(chromeAgent, "145", "64", 1),
		strings.Replace(chromeAgent, "145", "99999999999999999999", 1), strings.Replace(androidAgent, "Android 10; K", "Android 9; BRAVIA 4K", 1),
		strings.Replace(firefoxAgent, "; rv:147.0", "", 1), firefoxAgent + " PaleMoon/33.0", strings.Replace(firefoxAgent, "147.0", "52.0", 2), strings.Replace(firefoxAgent, "Firefox/147.0", "", 1),
		strings.Replace(safariAgent, "Version/26.0", "Version/12.1", 1), safariAgent + " Ddg/17", "Mozilla/5.0 (", "Mozilla/5.0 ()", "",
	} {
		s := sent{ja4: "t13d1812h1_85036bcba153_b26ce05bbdd6", fields: "User-Agent: " + agent}
		if got := heuristics.FindContradictions(s.event()); got != 0 {
			t.Errorf("%q: %015b", agent, got)
		}
	}
	for _, agent := range []string{
		chromeAgent, androidAgent, firefoxAgent, safariAgent, iphoneAgent, chromeAgent + " Edg/145.0.0.0", chromeAgent + " OPR/129.0.0.0",
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.81 Safari/537.36",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Android 15; Mobile; rv:147.0) Gecko/147.0 Firefox/147.0",
		"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0",
		"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.7 Mobile/15E148 Safari/604.1",
	} {
		s := sent{ja4: "t13d1812h1_85036bcba153_b26ce05bbdd6", fields: "User-Agent: " + agent}
		if got := heuristics.FindContradictions(s.event()); got&heuristics.ContradictionLibrary == 0 {
			t.Errorf("%q: %015b", agent, got)
		}
	}
}

func TestContradictionsAllocateNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { heuristics.FindContradictions(forgery).Forged(forgery) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzContradictions(f *testing.F) {
	f.Add(chromeAgent, chromiumHello, uint64(1), uint32(1), uint8(20))
	f.Add(firefoxAgent, "t13d1812h1_85036bcba153_b26ce05bbdd6", uint64(1)<<31, ^uint32(0), uint8(11))
	f.Add(iphoneAgent, "t??_____________________________????", ^uint64(0), uint32(0), uint8(0))
	f.Fuzz(func(t *testing.T, agent, ja4 string, wire uint64, facts uint32, version uint8) {
		ev := event("GET", "/", agent, "")
		ev.JA4, ev.Wire, ev.Facts, ev.Version = ja4, traffic.Wire(wire), traffic.Facts(facts), version
		found := heuristics.FindContradictions(ev)
		if found != 0 && (ja4 == "" || !strings.HasPrefix(agent, "Mozilla/5.0 (")) {
			t.Errorf("%015b of %q with %q", found, agent, ja4)
		}
		var sum heuristics.Contradictions
		for one := range found.All {
			if one <= sum {
				t.Errorf("%015b comes after %015b", one, sum)
			}
			sum |= one
		}
		if sum != found {
			t.Errorf("all of %015b are %015b", found, sum)
		}
		if found == 0 && found.Forged(ev) {
			t.Error("forged by nothing")
		}
	})
}

func BenchmarkContradictions(b *testing.B) {
	for name, s := range map[string]sent{
		"a person": {ja4: chromiumHello, setup: chromiumSetup, fields: chromePage}, "a forgery": {ja4: "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6", setup: curlSetup, fields: chromePage},
		"an app": {ja4: chromiumHello, setup: chromiumSetup, fields: "User-Agent: Example/7.1 CFNetwork/1399 Darwin/22.1.0"},
	} {
		b.Run(name, func(b *testing.B) {
			ev := s.event()
			b.ReportAllocs()
			for b.Loop() {
				heuristics.FindContradictions(ev).Forged(ev)
			}
		})
	}
}
