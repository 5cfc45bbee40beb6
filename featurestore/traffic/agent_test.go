package traffic_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

// The fields of agentCase are in the order of the facts, without the oddities.
type agentCase struct {
	crawler, tool, headless float32
	browser, browserVersion float32
	os, osVersion, mobile   float32
}

func TestParseAgent(t *testing.T) {
	const webkit = "AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]agentCase{
		"":      {0, 0, 0, traffic.BrowserNone, nan, traffic.OSNone, nan, 0},
		"x":     {0, 1, 0, traffic.BrowserNone, nan, traffic.OSNone, nan, 0},
		firefox: {0, 0, 0, traffic.BrowserFirefox, 128, traffic.OSLinux, nan, 0},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/131.0.0.0 Safari/537.36": {
			0, 0, 0, traffic.BrowserChrome, 131, traffic.OSWindows, 10, 0},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0": {
			0, 0, 0, traffic.BrowserEdge, 131, traffic.OSWindows, 10, 0},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0": {
			0, 0, 0, traffic.BrowserOpera, 115, traffic.OSWindows, 10, 0},
		"Mozilla/5.0 (Linux; Android 10; K) " + webkit + "Chrome/131.0.0.0 Mobile Safari/537.36": {
			0, 0, 0, traffic.BrowserChrome, 131, traffic.OSAndroid, 10, 1},
		"Mozilla/5.0 (Linux; Android 10; K) " + webkit + "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36": {
			0, 0, 0, traffic.BrowserSamsung, 27, traffic.OSAndroid, 10, 1},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webkit + "Chrome/131.0.0.0 Safari/537.36": {
			0, 0, 0, traffic.BrowserChrome, 131, traffic.OSChromeOS, nan, 0},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": {
			0, 0, 0, traffic.BrowserSafari, 17, traffic.OSIOS, 17, 1},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15": {
			0, 0, 0, traffic.BrowserSafari, 18, traffic.OSMacOS, 10, 0},
		"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko": {0, 0, 0, traffic.BrowserExplorer, 11, traffic.OSWindows, 10, 0},
		"Mozilla/5.0 (Linux; Android 6.0; CUBOT MAX) " + webkit + "Chrome/72.0.3626.121 Mobile Safari/537.36": {
			0, 0, 0, traffic.BrowserChrome, 72, traffic.OSAndroid, 6, 1},
		"Mozilla/5.0 (X11; Linux x86_64) " + webkit + "HeadlessChrome/120.0.6099.71 Safari/537.36": {
			0, 0, 1, traffic.BrowserChrome, 120, traffic.OSLinux, nan, 0},
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": {1, 0, 0, traffic.BrowserNone, 2, traffic.OSNone, nan, 0},
		"Mozilla/5.0":                                                {0, 1, 0, traffic.BrowserNone, nan, traffic.OSNone, nan, 0},
		"Mozilla/5.0 (compatible; Example/2.0)":                      {0, 1, 0, traffic.BrowserNone, 2, traffic.OSNone, nan, 0},
		"ExampleTask (somebody@example.de)":                          {1, 0, 0, traffic.BrowserNone, nan, traffic.OSNone, nan, 0},
		"Example.com/26.7 (Android 14; Pixel 8)":                     {0, 0, 0, traffic.BrowserNone, 26, traffic.OSAndroid, 14, 1},
		"Example.com/26.7":                                           {1, 0, 0, traffic.BrowserNone, 26, traffic.OSNone, nan, 0},
		"okhttp/4.12.0":                                              {0, 1, 0, traffic.BrowserNone, 4, traffic.OSNone, nan, 0},
		"Example/7.1 okhttp/4.12.0":                                  {0, 0, 0, traffic.BrowserNone, 7, traffic.OSNone, nan, 0},
		"Dart/3.1 (dart:io)":                                         {0, 1, 0, traffic.BrowserNone, 3, traffic.OSNone, nan, 0},
		"Example/7 CFNetwork/1399 Darwin/22.1.0":                     {0, 0, 0, traffic.BrowserNone, 7, traffic.OSNone, nan, 0},
		"Example/7.1 (iPhone; iOS 17.0; Scale/3.00)":                 {0, 0, 0, traffic.BrowserNone, 7, traffic.OSIOS, nan, 1},
		"Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/UQ1A.24)": {0, 0, 0, traffic.BrowserNone, 2, traffic.OSAndroid, 14, 1},
		"Lynx/2.8.9rel.1 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.6.5":   {0, 0, 0, traffic.BrowserNone, 2, traffic.OSNone, nan, 0},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/131.0.0.0 Safari/537.36 YaBrowser/24.1": {
			0, 0, 0, traffic.BrowserOther, 24, traffic.OSWindows, 10, 0},
		"curl/8.5.0":               {0, 1, 0, traffic.BrowserNone, 8, traffic.OSNone, nan, 0},
		"python-requests/2.31.0":   {0, 1, 0, traffic.BrowserNone, 2, traffic.OSNone, nan, 0},
		"Go-http-client/1.1":       {0, 1, 0, traffic.BrowserNone, 1, traffic.OSNone, nan, 0},
		"x/99999999999999999999.1": {0, 1, 0, traffic.BrowserNone, nan, traffic.OSNone, nan, 0},
	} {
		f := traffic.ParseAgent(agent)
		got := agentCase{f[traffic.AgentCrawler], f[traffic.AgentTool], f[traffic.AgentHeadless], f[traffic.AgentBrowser],
			f[traffic.AgentBrowserVersion], f[traffic.AgentOS], f[traffic.AgentOSVersion], f[traffic.AgentMobile]}
		if !sameFact(got.browserVersion, want.browserVersion) || !sameFact(got.osVersion, want.osVersion) {
			t.Errorf("%q: versions %v and %v, want %v and %v", agent, got.browserVersion, got.osVersion, want.browserVersion, want.osVersion)
		}
		got.browserVersion, got.osVersion, want.browserVersion, want.osVersion = 0, 0, 0, 0
		if got != want {
			t.Errorf("%q: %+v, want %+v", agent, got, want)
		}
	}
}

func sameFact(a, b float32) bool { return a == b || a != a && b != b }

// What no browser sends is counted; what browsers send is not.
func TestAgentOddities(t *testing.T) {
	const windows, webkit = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) ", "AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]float32{
		"":           0,
		firefox:      0,
		"curl/8.5.0": 0,
		windows + webkit + "Chrome/131.0.0.0 Safari/537.36":                                                              0,
		windows + webkit + "Chrome/58.0.3029.110 Safari/537.36":                                                          0,
		windows + webkit + "Chrome/58.0.3029.110 Safari/537.3":                                                           1, // cut by a copying mistake that travels from program to program
		windows + webkit + "Chrome/117.0.5938.132 Safari/537.36":                                                         1,
		windows + "AppleWebKit/595.35 (KHTML, like Gecko) Chrome/54.0.114 Safari/537.36":                                 1,
		windows + "AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36":                                                    1,
		windows + "AppleWebKit/537.36 (KHTML":                                                                            2,
		"Mozilla/6.0 (Windows NT 6.0; en-US; rv:128.0) Gecko/20100101 Firefox/128.0":                                     1,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/115.0":                               0,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:109.0) Gecko/20100101 Firefox/120.0":                               1,
		"Mozilla/5.0 (Windows NT 10.0; WOW64; rv:x) Gecko/20100101 Firefox/50.0":                                         1,
		"Mozilla/5.0 (Windows NT 10.0; Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15": 1,
		"\"" + firefox + "\"":    2,
		"a\x00b":                 1,
		" a":                     1,
		"a  b":                   1,
		"Mozilla/5.0 (X":         1,
		strings.Repeat("(", 300): 0, // who knows how it went on
	} {
		if got := traffic.ParseAgent(agent)[traffic.AgentOddities]; got != want {
			t.Errorf("%q: %v oddities, want %v", agent, got, want)
		}
	}
}

// However long a user agent is, only its first bytes are read.
func TestAgentIsBounded(t *testing.T) {
	long := firefox + strings.Repeat(" x/1", 1<<18)
	if a, b := traffic.ParseAgent(long), traffic.ParseAgent(long[:traffic.MaxUserAgent]); a != b && a[traffic.AgentOSVersion] == b[traffic.AgentOSVersion] {
		t.Errorf("%v, and of its beginning %v", a, b)
	}
}

// A request path reads the user agent of every request, also of a client that sends another one
// with each.
func TestAgentAllocatesNothing(t *testing.T) {
	agents := manyAgents(1000)
	next := 0
	if n := testing.AllocsPerRun(len(agents)-1, func() {
		traffic.ParseAgent(agents[next])
		next++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func manyAgents(n int) (agents []string) {
	for i := range n {
		agents = append(agents, fmt.Sprintf("Mozilla/5.0 (Windows NT %d.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 1+i%13, 1+i))
	}
	return agents
}

// However many goroutines read however many user agents at once, each gets its own facts.
func TestAgentsReadAtOnce(t *testing.T) {
	agents := manyAgents(9000)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range agents {
				i = (i*(2*g+1) + g) % len(agents)
				f := traffic.ParseAgent(agents[i])
				if f[traffic.AgentBrowserVersion] != float32(1+i) || f[traffic.AgentOSVersion] != float32(1+i%13) {
					t.Errorf("%q: %v", agents[i], f)
					return
				}
			}
		})
	}
	all.Wait()
}

// The nouns find most of those that lists of declared crawlers name, and hardly any browser.
func TestDeclaredCrawlers(t *testing.T) {
	const labels = "../../../shared/data/labels/"
	if _, err := os.Stat(labels); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no lists of crawlers: put crawler-user-agents.json (monperrus/crawler-user-agents) and isbot-browsers.yml " +
			"(the fixture browsers.yml of omrilotan/isbot) into ../shared/data/labels beside the project")
	}
	crawlers, browsers := crawlerList(t, labels+"crawler-user-agents.json"), browserList(t, labels+"isbot-browsers.yml")
	found, wrong := declared(crawlers), declared(browsers)
	t.Logf("%d of %d crawlers and tools told, %d of %d browsers taken for one", found, len(crawlers), wrong, len(browsers))
	if len(crawlers) < 1000 || len(browsers) < 300 || 100*found < 98*len(crawlers) || 100*wrong > 3*len(browsers) {
		t.Error("want 98 % and at most 3 %, most of which are crawlers and scanners in the list of browsers")
	}
}

func declared(agents []string) (n int) {
	for _, a := range agents {
		if f := traffic.ParseAgent(a); f[traffic.AgentCrawler]+f[traffic.AgentTool]+f[traffic.AgentHeadless] > 0 {
			n++
		}
	}
	return n
}

func crawlerList(t *testing.T, name string) (agents []string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var entries []struct{ Instances []string }
	if err := json.Unmarshal(text, &entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		agents = append(agents, e.Instances...)
	}
	return agents
}

// browserList reads the items of a YAML file of lists, each of them one plain line.
func browserList(t *testing.T, name string) (agents []string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if agent, ok := strings.CutPrefix(lines.Text(), "  - "); ok {
			agents = append(agents, strings.Trim(agent, `"'`))
		}
	}
	return agents
}

// FuzzParseAgent takes any string: every fact is NaN, or a number of the stated range.
func FuzzParseAgent(f *testing.F) {
	for _, seed := range []string{"", firefox, "curl/8.5.0", strings.Repeat("(a;", 90), strings.Repeat("http://", 40), "iPhone OS _._.__",
		"Mozilla/5.0 (X11; CrOS x86_64 1) Chrome/-1.2", "\xff\xfe(;)[/]:", "Instagram ٣", "CrOS x86_64"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, agent string) {
		facts := traffic.ParseAgent(agent)
		for fact, limit := range map[traffic.AgentFact]float32{traffic.AgentCrawler: 1, traffic.AgentTool: 1, traffic.AgentHeadless: 1,
			traffic.AgentBrowser: 9, traffic.AgentOS: 7, traffic.AgentMobile: 1, traffic.AgentOddities: 8,
			traffic.AgentBrowserVersion: 9999, traffic.AgentOSVersion: 9999} {
			v := float64(facts[fact])
			isVersion := fact == traffic.AgentBrowserVersion || fact == traffic.AgentOSVersion
			if math.IsNaN(v) != (isVersion && math.IsNaN(v)) || v < 0 || v > float64(limit) {
				t.Errorf("fact %d of %q is %v", fact, agent, v)
			}
		}
		if again := traffic.ParseAgent(agent); math.Float32bits(again[0]) != math.Float32bits(facts[0]) || again[3] != facts[3] {
			t.Errorf("%q: %v, then %v", agent, facts, again)
		}
	})
}

func BenchmarkParseAgent(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		agents := manyAgents(1 << 16) // many more than are kept
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			traffic.ParseAgent(agents[i%len(agents)])
		}
	})
	for name, agent := range map[string]string{
		"browser": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
		"hostile": strings.Repeat("(a;", 400_000),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				traffic.ParseAgent(agent)
			}
		})
	}
}
