package worlds

import (
	"fmt"
	"strings"
	"time"
)

// releases are the newest versions at the time of an episode.
type releases struct{ chrome, firefox, safari, ios int }

// heldOut reports whether package gate has a version: a model must not learn these.
func heldOut(engine engine, version int) bool {
	return engine == chromium && (version >= 144 && version <= 146 || version == 130) || engine == gecko && (version == 146 || version == 147)
}

// firstDay is the earliest time of an episode; the latest is span later.
var firstDay = time.Date(2023, 9, 1, 0, 0, 0, 0, time.UTC)

const span = 3 * 365 * 24 * time.Hour

// releasesAt returns the newest versions at a time: one of Chrome and of Firefox every four weeks,
// one of Safari a year.
func releasesAt(at time.Time) releases {
	weeks := int(at.Sub(firstDay) / (7 * 24 * time.Hour))
	safari := 17 + weeks/52
	if safari > 18 { // Apple counts years since then
		safari += 7
	}
	return releases{chrome: 116 + weeks/4, firefox: 117 + weeks/4, safari: safari, ios: safari}
}

// lag draws how many versions a person is behind: most are up to date, some are years behind.
func (d *dice) lag() int {
	switch x := d.n(1000); {
	case x < 620:
		return 0
	case x < 820:
		return 1
	case x < 910:
		return 2 + d.n(3)
	case x < 975:
		return 5 + d.n(14)
	}
	return 19 + d.n(25)
}

// population is the browsers of an episode's people, weighted by use.
type population struct {
	desktop, mobile []*program
	odd             []*program // rare browsers of people
	apps            []*program // web views
	now             releases
	secret          uint64
	extensions      [3]int // TLS extensions of the engines beyond the minimum of their releases
}

const perPopulation = 96

func newPopulation(d *dice, at time.Time, secret uint64) *population {
	p := &population{now: releasesAt(at), secret: secret, extensions: [3]int{d.n(2), d.n(3), d.n(2)}}
	for range perPopulation {
		p.desktop = append(p.desktop, p.newDesktop(d))
		p.mobile = append(p.mobile, p.newMobile(d))
	}
	for range 12 {
		p.odd = append(p.odd, p.newOdd(d))
		p.apps = append(p.apps, p.newWebView(d))
	}
	return p
}

// browser draws a person's browser.
func (p *population) browser(d *dice, mobile float64) *program {
	switch {
	case d.chance(0.025):
		return pick(d, p.odd)
	case !d.chance(mobile):
		return pick(d, p.desktop)
	case d.chance(0.07):
		return pick(d, p.apps)
	}
	return pick(d, p.mobile)
}

func (p *population) version(d *dice, engine engine, lag int) int {
	newest := p.now.chrome
	if engine == gecko {
		newest = p.now.firefox
	}
	v := newest - lag
	for heldOut(engine, v) {
		v--
	}
	return max(v, 80)
}

const chromeFormat = "Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0%s Safari/537.36%s"

func (p *population) newDesktop(d *dice) *program {
	switch d.weighted([]int{46, 9, 4, 2, 16, 5, 12, 4, 2}) {
	case 0:
		return p.chrome(d, "chrome-windows", "Windows NT 10.0; Win64; x64", "Windows", "Google Chrome", "", false)
	case 1:
		return p.chrome(d, "chrome-mac", "Macintosh; Intel Mac OS X 10_15_7", "macOS", "Google Chrome", "", false)
	case 2:
		return p.chrome(d, "chrome-linux", "X11; Linux x86_64", "Linux", "Google Chrome", "", false)
	case 3:
		return p.chrome(d, "chrome-os", "X11; CrOS x86_64 14541.0.0", "Chrome OS", "Google Chrome", "", false)
	case 4:
		return p.chrome(d, "edge", "Windows NT 10.0; Win64; x64", "Windows", "Microsoft Edge", " Edg/%d.0.0.0", false)
	case 5:
		return p.chrome(d, "opera", "Windows NT 10.0; Win64; x64", "Windows", "Opera", " OPR/%d.0.0.0", false)
	case 6:
		return p.safari(d, "safari-mac", "Macintosh; Intel Mac OS X 10_15_7", false)
	case 7:
		return p.firefox(d, "firefox-windows", "Windows NT 10.0; Win64; x64")
	}
	return p.firefox(d, "firefox-linux", pick(d, []string{"X11; Linux x86_64", "X11; Ubuntu; Linux x86_64", "Macintosh; Intel Mac OS X 10.15"}))
}

func (p *population) newMobile(d *dice) *program {
	switch d.weighted([]int{44, 38, 9, 5, 4}) {
	case 0:
		return p.chrome(d, "chrome-android", "Linux; Android 10; K", "Android", "Google Chrome", "", true)
	case 1:
		return p.safari(d, "safari-iphone", p.phone(d), true)
	case 2:
		return p.samsung(d)
	case 3:
		b := p.safari(d, "chrome-iphone", p.phone(d), true)
		b.agent = fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/%d.0.%d.%d Mobile/15E148 Safari/604.1",
			p.phone(d), p.version(d, chromium, d.lag()), d.from(5000, 7400), d.from(40, 190))
		return b
	}
	b := p.firefox(d, "firefox-android", fmt.Sprintf("Android %d; Mobile", d.from(11, 15)))
	b.mobile = true
	return b
}

// phone returns the system of an iPhone. In late releases Safari reports 18.6 for ever, which is
// held out: see heldOut.
func (p *population) phone(d *dice) string {
	major := min(p.now.ios, 18) - min(d.lag()/2, 3)
	return fmt.Sprintf("iPhone; CPU iPhone OS %d_%d like Mac OS X", major, d.n(6))
}

func (p *population) chrome(d *dice, name, system, platform, brand, suffix string, mobile bool) *program {
	v := p.version(d, chromium, d.lag())
	b := &program{name: name, engine: chromium, version: v, platform: `"` + platform + `"`, mobile: mobile, hints: clientHints(brand, v, v)}
	word := ""
	if mobile {
		word = " Mobile"
	}
	if suffix != "" {
		product := v
		if brand == "Opera" {
			product = v - 16
			b.hints = clientHints(brand, v, product)
		}
		suffix = fmt.Sprintf(suffix, product)
	}
	b.agent = fmt.Sprintf(chromeFormat, system, v, word, suffix)
	p.dressChromium(b)
	return b
}

// dressChromium sets the fingerprints; the number of extensions grew with the versions.
func (p *population) dressChromium(b *program) {
	extensions := 16 + p.extensions[chromium]
	if b.version >= 150 {
		extensions++
	}
	b.dress(fmt.Sprint("chromium", b.version/10), tlsShape{"13", 15, extensions, "h2"}, chromiumSetup, p.secret)
}

// clientHints returns Sec-CH-UA: three brands whose order, and the made-up one, depend on the
// version.
func clientHints(brand string, version, product int) string {
	unknown := []string{`"Not A(Brand";v="24"`, `"Not/A)Brand";v="8"`, `"Not;A=Brand";v="99"`, `"Not_A Brand";v="99"`}[version%4]
	parts := []string{fmt.Sprintf(`"Chromium";v="%d"`, version), fmt.Sprintf(`"%s";v="%d"`, brand, product), unknown}
	order := [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}[version%6]
	return strings.Join([]string{parts[order[0]], parts[order[1]], parts[order[2]]}, ", ")
}

func (p *population) samsung(d *dice) *program {
	n := min(max(22+(p.now.chrome-116)/6-d.lag()/3, 19), 40)
	if n == 28 {
		n = 27
	}
	v := 111 + 4*(n-22)
	for heldOut(chromium, v) {
		v--
	}
	b := &program{name: "samsung", engine: chromium, version: v, platform: `"Android"`, mobile: true, hints: clientHints("Samsung Internet", v, n)}
	b.agent = fmt.Sprintf("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/%d.0 Chrome/%d.0.0.0 Mobile Safari/537.36", n, v)
	p.dressChromium(b)
	return b
}

func (p *population) firefox(d *dice, name, system string) *program {
	v := p.version(d, gecko, d.lag())
	if d.chance(0.12) { // the release with long support
		v = min(v, 115+13*((v-115)/13))
	}
	for heldOut(gecko, v) {
		v--
	}
	b := &program{name: name, engine: gecko, version: v, agent: fmt.Sprintf("Mozilla/5.0 (%s; rv:%d.0) Gecko/20100101 Firefox/%d.0", system, v, v)}
	if strings.HasPrefix(system, "Android") {
		b.agent = fmt.Sprintf("Mozilla/5.0 (%s; rv:%d.0) Gecko/%d.0 Firefox/%d.0", system, v, v, v)
	}
	setup := geckoSetup
	if v < 130 {
		setup = setup.older()
	}
	b.dress(fmt.Sprint("gecko", v/10), tlsShape{"13", 17, 14 + v/130 + p.extensions[gecko], "h2"}, setup, p.secret)
	return b
}

func (p *population) safari(d *dice, name, system string, mobile bool) *program {
	major := p.now.safari
	if d.lag() > 1 {
		major = max(15, min(major, 18)-1-d.n(2))
	}
	minor := d.n(6)
	b := &program{name: name, engine: webkit, version: major, mobile: mobile}
	end := "Safari/605.1.15"
	if mobile {
		end = "Mobile/15E148 Safari/604.1"
	}
	b.agent = fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%d.%d %s", system, major, minor, end)
	b.dress(fmt.Sprint("webkit", min(major, 18)), tlsShape{"13", 20, 12 + major/18 + p.extensions[webkit], "h2"}, webkitSetup, p.secret)
	return b
}

// newWebView returns a browser inside an app. Its user agent names the app.
func (p *population) newWebView(d *dice) *program {
	if d.chance(0.5) {
		system := p.phone(d)
		b := p.safari(d, "app-iphone", system, true)
		b.agent = fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 %s", system, pick(d, []string{
			"[FBAN/FBIOS;FBAV/498.0.0.54.78;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBLC/en_US]", "Instagram 361.0.0.35.82 (iPhone14,7; iOS 18_1; scale=3.00; 1170x2532)",
			"GSA/342.0.693598186 Safari/604.1", "Snapchat/13.18.0.45 (like Safari/8619.2.8.10.9, panda)"}))
		return b
	}
	v := p.version(d, chromium, d.lag())
	b := &program{name: "app-android", engine: chromium, version: v, platform: `"Android"`, mobile: true, hints: clientHints("Android WebView", v, v)}
	model := pick(d, []string{"SM-A546B", "SM-G991B", "Pixel 7", "M2101K6G", "CPH2411", "moto g54"})
	app := pick(d, []string{" [FB_IAB/FB4A;FBAV/487.0.0.61.71;]", " Instagram 356.0.0.41.101 Android", " Pinterest/Android", ""})
	b.agent = fmt.Sprintf("Mozilla/5.0 (Linux; Android %d; %s Build/TP1A.220624.014; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/%d.0.%d.%d Mobile Safari/537.36%s",
		d.from(11, 15), model, v, d.from(5000, 7400), d.from(30, 200), app)
	b.inApp = pick(d, []string{"com.facebook.katana", "com.instagram.android", "com.pinterest", ""})
	p.dressChromium(b)
	return b
}

// newOdd returns a browser that few people use: years old, without pictures, of a console or a
// television set.
func (p *population) newOdd(d *dice) *program {
	var b *program
	switch d.n(9) {
	case 0:
		b = &program{name: "old-chrome", engine: chromium, version: 109, platform: `"Windows"`, hints: clientHints("Google Chrome", 109, 109)}
		b.agent = fmt.Sprintf(chromeFormat, "Windows NT 6.1; Win64; x64", 109, "", "")
		p.dressChromium(b)
		return b
	case 1:
		b = &program{name: "old-firefox", engine: gecko, version: 115, agent: "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0"}
		b.dress("gecko11", tlsShape{"13", 17, 14 + p.extensions[gecko], "h2"}, geckoSetup.older(), p.secret)
		return b
	case 2:
		b = &program{name: "old-ipad", engine: ancient, agent: "Mozilla/5.0 (iPad; CPU OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1"}
	case 3:
		b = &program{name: "internet-explorer", engine: ancient, agent: "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko"}
	case 4:
		b = &program{name: "television", engine: ancient, agent: "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.79 Safari/537.36 WebAppManager"}
	case 5:
		b = &program{name: "old-android", engine: ancient, agent: "Mozilla/5.0 (Linux; U; Android 4.4.2; en-us; GT-I9505 Build/KOT49H) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30"}
	case 6:
		b = &program{name: "lynx", engine: textual, agent: "Lynx/2.9.2 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.8.9"}
	case 7:
		b = &program{name: "w3m", engine: textual, agent: "w3m/0.5.3+git20230121"}
	default:
		b = &program{name: "palemoon", engine: gecko, version: 102, agent: fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Goanna/6.%d Firefox/128.0 PaleMoon/33.%d.0", d.from(4, 8), d.from(0, 8))}
		b.dress("goanna", tlsShape{"13", 16, 13, "h2"}, geckoSetup.older(), p.secret)
		return b
	}
	alpn, version := "h2", "12"
	if b.engine == textual {
		alpn, version = "00", "13"
	}
	b.dress(b.name, tlsShape{version, 18 + d.n(12), 10 + d.n(3), alpn}, webkitSetup, p.secret)
	return b
}

// madeUp returns a user agent that looks like a browser's but does not exist.
func (d *dice) madeUp() string {
	system := pick(d, []string{"Windows NT 10.0; Win64; x64", "Windows NT 6.%d; WOW64", "Macintosh; Intel Mac OS X 10_%d_3", "X11; Linux i686", "X11; Ubuntu; Linux x86_64"})
	if strings.Contains(system, "%") {
		system = fmt.Sprintf(system, d.from(1, 13))
	}
	switch d.n(3) {
	case 0:
		return fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/537.36", system, d.from(40, 109), d.from(1500, 5500), d.from(10, 190))
	case 1:
		return fmt.Sprintf("Mozilla/5.0 (%s; rv:%d.%d) Gecko/20100101 Firefox/%d.%d", system, d.from(30, 120), d.n(5), d.from(30, 120), d.n(5))
	}
	return fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/%d.%d (KHTML, like Gecko) Version/%d.%d.%d Safari/%d.%d", system, d.from(530, 605), d.from(1, 40), d.from(5, 13), d.n(3), d.n(9), d.from(530, 605), d.from(1, 40))
}

// languages is Accept-Language in the form of each engine, for the same languages.
var languages = [][3]string{ // chromium, gecko, webkit
	{"en-US,en;q=0.9", "en-US,en;q=0.5", "en-US,en;q=0.9"},
	{"en-US,en;q=0.9", "en-US,en;q=0.5", "en-US,en;q=0.9"},
	{"en-CA,en;q=0.9,fr;q=0.8", "en-CA,en-US;q=0.7,en;q=0.3", "en-CA,en;q=0.9"},
	{"de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "de,en-US;q=0.7,en;q=0.3", "de-DE,de;q=0.9"},
	{"sv-SE,sv;q=0.9,en-US;q=0.8,en;q=0.7", "sv-SE,sv;q=0.8,en-US;q=0.5,en;q=0.3", "sv-SE,sv;q=0.9"},
	{"ja,en-US;q=0.9,en;q=0.8", "ja,en-US;q=0.7,en;q=0.3", "ja-JP,ja;q=0.9"},
	{"zh-CN,zh;q=0.9", "zh-CN,zh;q=0.8,zh-TW;q=0.7,zh-HK;q=0.5,en-US;q=0.3,en;q=0.2", "zh-CN,zh-Hans;q=0.9"},
	{"tr-TR,tr;q=0.9,en-US;q=0.8,en;q=0.7", "tr-TR,tr;q=0.8,en-US;q=0.5,en;q=0.3", "tr-TR,tr;q=0.9"},
	{"cs-CZ,cs;q=0.9", "cs,sk;q=0.8,en-US;q=0.5,en;q=0.3", "cs-CZ,cs;q=0.9"},
}
