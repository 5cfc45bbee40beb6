package worlds

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// botKind is a kind of bot: its name, its number of requests, and its constructor.
type botKind struct {
	name      string
	low, high int // requests
	masks     [6]int
	tools     []libraryKind
	hide      float64 // chance of each way of hiding
	begin     func(w *World, b *bot)
}

// everyPace returns a pause between requests of any length, from milliseconds to a minute.
func everyPace(d *dice, low, high time.Duration) pace {
	ms := d.logUniform(int(low/time.Millisecond)+1, int(high/time.Millisecond))
	p := pace{low: time.Duration(ms) * time.Millisecond}
	p.high = p.low + time.Duration(d.share(0, 1.5)*float64(p.low))
	if d.chance(0.25) {
		p.human = true
	}
	if d.chance(0.1) {
		p.burst = d.from(5, 60)
	}
	return p
}

// botKinds lists all kinds; their names are Bots.
var botKinds []botKind

func init() { // the functions refer to the list
	botKinds = []botKind{
		{"crawler", 6, 2500, [6]int{1, 0, 0, 0, 0, 0}, crawlers, 0, beginCrawler},
		{"scraper", 8, 3000, [6]int{2, 4, 4, 3, 0, 0}, libraries, 0.3, beginScraper},
		{"enumerator", 20, 3000, [6]int{2, 4, 3, 2, 0, 0}, libraries, 0.3, beginEnumerator},
		{"price-scraper", 8, 600, [6]int{1, 2, 3, 3, 4, 1}, libraries, 0.35, beginPriceScraper},
		{"searcher", 10, 2000, [6]int{1, 3, 3, 2, 0, 0}, libraries, 0.35, beginSearcher},
		{"scanner", 25, 4000, [6]int{3, 5, 3, 1, 0, 0}, scannerTools, 0.25, beginScanner},
		{"prober", 1, 120, [6]int{2, 6, 3, 1, 0, 0}, libraries, 0.2, beginProber},
		{"injector", 20, 3000, [6]int{3, 5, 3, 1, 0, 0}, scannerTools, 0.25, beginInjector},
		{"stuffer", 15, 4000, [6]int{1, 4, 4, 4, 0, 0}, libraries, 0.4, beginStuffer},
		{"caller", 10, 3000, [6]int{2, 4, 4, 3, 0, 0}, libraries, 0.3, beginCaller},
		{"integration", 10, 3000, [6]int{1, 0, 0, 0, 0, 0}, libraries, 0, beginIntegration},
		{"load-tool", 200, 20000, [6]int{4, 3, 1, 0, 0, 0}, loadTools, 0.1, beginLoadTool},
		{"flooder", 100, 20000, [6]int{0, 4, 4, 3, 0, 0}, libraries, 0.4, beginFlooder},
		{"cache-buster", 50, 8000, [6]int{0, 4, 4, 3, 0, 0}, libraries, 0.4, beginBuster},
		{"monitor", 10, 1500, [6]int{1, 0, 0, 0, 0, 0}, monitorTools, 0, beginMonitor},
		{"feed-reader", 2, 60, [6]int{1, 0, 0, 0, 0, 0}, feedReaders, 0, beginFeedReader},
		{"previewer", 1, 8, [6]int{1, 0, 0, 0, 0, 0}, previewers, 0, beginPreviewer},
		{"spammer", 6, 800, [6]int{1, 4, 4, 3, 2, 0}, libraries, 0.35, beginSpammer},
		{"form-repeater", 15, 1500, [6]int{1, 4, 4, 3, 0, 0}, libraries, 0.35, beginFormRepeater},
		{"automation", 12, 500, [6]int{0, 0, 0, 0, 1, 0}, libraries, 0.2, beginAutomation},
		{"automation", 12, 500, [6]int{0, 0, 0, 0, 1, 0}, libraries, 0.2, beginAutomation},
		{"headless", 6, 500, [6]int{0, 0, 0, 0, 0, 1}, libraries, 0.2, beginAutomation},
		{"tool", 1, 12, [6]int{1, 0, 0, 0, 0, 0}, libraries, 0, beginTool},
		{"impersonator", 1, 300, [6]int{0, 0, 3, 6, 0, 0}, libraries, 0.3, beginScraper},
	}
	for i, k := range botKinds {
		if k.name == "integration" {
			integrations = i
		}
		if len(Bots) == 0 || Bots[len(Bots)-1] != k.name {
			Bots = append(Bots, k.name)
		}
	}
}

// integrations is the index of the kind that uses an API as intended.
var integrations int

// Bots lists the kinds of bots, as named in a row's truth.
var Bots []string

// newBot returns the next bot, which makes at most most requests, and its number of requests.
func (w *World) newBot(at time.Duration, most int) (*bot, int) {
	d := w.dice
	k := &botKinds[w.order[w.programs%len(w.order)]]
	w.programs++
	s := pick(d, w.sites)
	if s.kind == "rest" && d.chance(0.35) {
		k = &botKinds[integrations]
	}
	b := &bot{left: min(d.logUniform(k.low, k.high), max(most, k.low))}
	b.site, b.images = s, true
	m := mask(d.weighted(k.masks[:]))
	b.program = w.masked(m, k.tools)
	b.language = pick(d, languages)
	b.addr = w.botAddr()
	b.hide(w, k)
	b.assets = m >= driven || b.hides.assets > 0.6
	for range d.from(2, 24) {
		if b.hides.agents == realAgents {
			b.programs = append(b.programs, w.masked(m, k.tools))
		}
	}
	b.pace = everyPace(d, 5*time.Millisecond, 30*time.Second)
	k.begin(w, b)
	b.total = b.left
	b.fit(w, at)
	disguise := m.String()
	if more := b.hides.String(); more != "" {
		disguise += "+" + more
	}
	b.truth = w.newTruth(true, k.name, b.program.name, disguise, b.site)
	n := b.left * (1 + b.again/2)
	if m == driven || m == windowless || b.hides.assets > 0 {
		n *= 1 + len(b.site.shared)/2
	}
	return b, n
}

// fit keeps the end of the episode from cutting a bot off before it has done anything typical.
func (b *bot) fit(w *World, at time.Duration) {
	longest := (w.duration - at) / time.Duration(min(b.left, 15)+1)
	if longest > 0 && b.pace.high > longest && b.pace.burst == 0 {
		b.pace.low, b.pace.high = min(b.pace.low, longest/2), longest
	}
}

// botAddr returns an address in a network of machines or of people; sometimes it is also a person's
// address.
func (w *World) botAddr() netip.Addr {
	d := w.dice
	switch lived := w.homes[d.n(len(w.homes))]; {
	case len(w.offices) > 0 && d.chance(0.04):
		return w.offices[d.rank(len(w.offices))].addr
	case lived.IsValid() && d.chance(0.25):
		return d.neighbour(lived)
	case d.chance(0.25):
		return d.randomV6()
	}
	return d.randomV4()
}

// hide draws what a bot does to avoid detection.
func (b *bot) hide(w *World, k *botKind) {
	d, h := w.dice, &b.hides
	h.each = 1
	if k.hide == 0 {
		return
	}
	if d.chance(1.6 * k.hide) {
		h.referer = []referers{constantReferer, sameSiteReferer, chainedReferer, searchReferer}[d.n(4)]
		h.forged = pick(d, append(searchEngines, networks...))
		if d.chance(0.3) {
			h.forged = "https://" + d.word() + ".example/"
		}
	}
	if d.chance(k.hide / 2) {
		h.agents = pick(d, []agents{realAgents, realAgents, madeUpAgents})
	}
	if d.chance(k.hide) {
		h.reach = reach(1 + d.n(3))
		if h.reach == inPrefix || h.reach == inNetwork && d.chance(0.4) {
			b.addr = d.randomV6()
		}
		h.each = d.logUniform(1, 30)
		for range d.logUniform(20, 800) {
			if h.reach == swarming {
				h.resident = append(h.resident, w.homeAddr())
			}
		}
	}
	if d.chance(0.6 * k.hide) {
		h.assets = d.share(0.1, 1)
	}
	h.keeps = d.chance(0.5)
	b.noCookies = !h.keeps
	b.cookie = w.newCookie()
}

// pageAim returns an aim that requests pages.
func pageAim(next func(w *World, b *bot) *page) aim {
	return func(w *World, b *bot) errand { return errand{load: forPage, page: next(w, b)} }
}

// walk returns all pages of the site once, then again.
func walk(w *World, s *site, kinds ...pageKind) func(w *World, b *bot) *page {
	var all []*page
	for _, k := range kinds {
		all = append(all, s.pages[k]...)
	}
	if len(all) == 0 {
		all = s.pages[home]
	}
	at, step := w.dice.n(len(all)), pick(w.dice, []int{1, 1, 7, 31})
	return func(*World, *bot) *page {
		at += step
		return all[at%len(all)]
	}
}

func beginCrawler(w *World, b *bot) {
	d, s := w.dice, b.site
	b.pace = everyPace(d, 150*time.Millisecond, 90*time.Second)
	b.noCookies = true
	next := walk(w, s, home, listing, item, info)
	reads := d.chance(0.75)
	b.aim = func(w *World, b *bot) errand {
		switch {
		case b.done == 0 && reads, w.dice.chance(0.01):
			return errand{target: "/robots.txt", load: forCall, status: pick(w.dice, []int{200, 200, 404})}
		case w.dice.chance(0.02):
			return errand{target: pick(w.dice, []string{"/sitemap.xml", "/sitemap_index.xml", "/llms.txt"}), load: forCall, status: pick(w.dice, []int{200, 404})}
		case w.dice.chance(0.05) && len(s.shared) > 0:
			return errand{target: pick(w.dice, s.shared).target, load: forScript, status: 200}
		}
		return errand{load: forPage, page: next(w, b)}
	}
	if d.chance(0.2) {
		b.hides.reach, b.hides.each = inNetwork, d.from(1, 20)
	}
}

func beginScraper(w *World, b *bot) {
	b.pace = everyPace(w.dice, 20*time.Millisecond, 20*time.Second)
	b.aim = pageAim(walk(w, b.site, home, listing, item))
}

func beginPriceScraper(w *World, b *bot) {
	b.pace = everyPace(w.dice, 300*time.Millisecond, 30*time.Second)
	b.aim = pageAim(walk(w, b.site, item))
	if w.dice.chance(0.5) {
		b.hides.assets, b.assets = 1, true
	}
}

// beginEnumerator counts through the numbers of pages, some of which do not exist.
func beginEnumerator(w *World, b *bot) {
	d := w.dice
	pattern := pick(d, listItems(b.site)).target
	number, found := d.logUniform(10, 500_000), d.share(0.2, 1)
	b.pace = everyPace(d, 10*time.Millisecond, 8*time.Second)
	b.aim = func(w *World, b *bot) errand {
		number++
		status := 404
		if w.dice.chance(found) {
			status = 200
		}
		return errand{target: renumbered(pattern, number), load: forPage, status: status}
	}
}

func listItems(s *site) []*page {
	if len(s.pages[item]) == 0 {
		return s.pages[home]
	}
	return s.pages[item]
}

// renumbered returns a target with its last number replaced, or with one at its end.
func renumbered(target string, number int) string {
	end := strings.LastIndexAny(target, digits)
	if end < 0 {
		return target + "?id=" + fmt.Sprint(number)
	}
	begin := end
	for begin > 0 && strings.IndexByte(digits, target[begin-1]) >= 0 {
		begin--
	}
	return target[:begin] + fmt.Sprint(number) + target[end+1:]
}

func beginSearcher(w *World, b *bot) {
	b.pace = everyPace(w.dice, 30*time.Millisecond, 15*time.Second)
	b.aim = pageAim(func(w *World, b *bot) *page { return b.site.searched(w.dice) })
}

// What scanners guess from.
var (
	guesses = strings.Fields("administrator panel backups staging beta assets inc includes lib src bin cgi scripts members webmail dump database conf settings wwwroot public hidden root temp cache export import " +
		"report reports stats metrics health debug trace swagger graphiql jenkins git adminer shell cmd site web www new demo archive media uploads downloads mysql pma ftp ssh mail test1 webdav cpanel " +
		"weblogic struts solr nagios zabbix grafana kibana actuators jmx invoker remote proxy service services rest soap xml rpc ajax forms search register reset password wp blog joomla drupal magento typo3")
	guessedEndings = []string{"", "", "/", ".php", ".aspx", ".jsp", ".zip", ".tar.gz", ".bak", ".old", ".txt", ".xml", "~", ".swp", ".cgi", ".html", ".json", ".inc", "1", "_old"}
	exploits       = []string{"/.env.local", "/.env.dev", "/app/.env", "/.git/index", "/.git/logs/HEAD", "/.hg/hgrc", "/.svn/all-wcprops", "/.DS_Store", "/.vscode/launch.json", "/wp-login.php", "/wp-admin/install.php", "/blog/wp-includes/wlwmanifest.xml",
		"/xmlrpc.php?rsd", "/phpmyadmin4/", "/pma/scripts/setup.php", "/vendor/phpunit/src/Util/PHP/eval-stdin.php", "/cgi-bin/test-cgi", "/cgi-bin/php?-d+allow_url_include%3don", "/HNAP1", "/GponForm/diag_Form?images/", "/actuator/gateway/routes",
		"/solr/admin/cores", "/console/login/LoginForm.jsp", "/manager/text/list", "/invoker/readonly", "/struts2-showcase/index.action", "/_ignition/execute-solution", "/telescope/requests", "/debug/pprof/", "/api/jsonws/invoke", "/owa/auth/x.js",
		"/ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.application", "/remote/fgt_lang?lang=/../../../..//////////dev/cmdb/sslvpn_websession", "/dana-na/../dana/html5acc/guacamole/../../../../etc/hosts", "/sdk", "/evox/about", "/nmaplowercheck",
		"/index.php?s=index/think%5Capp/invokefunction", "/?XDEBUG_SESSION_START=phpstorm", "/config/database.yml", "/web.config.bak", "/sftp-config.json", "/id_rsa", "/backup.tar.gz", "/wallet.dat", "/dump.sql.gz", "/server-info", "/druid/index.html",
		"/geoserver/web/", "/login.cgi?cli=aa%20aa%27;wget", "/shell?cd+/tmp;rm+-rf+*;wget", "/tmUnblock.cgi", "/admin/config.php?display=auth", "/nacos/v1/auth/users", "/jenkins/script", "/hudson", "/autodiscover/autodiscover.xml"}
	payloads = []string{"%27%20OR%20%271%27%3D%271", "1%20OR%201%3D1--", "1%20ORDER%20BY%2010", "-1%20UNION%20ALL%20SELECT%20NULL,NULL--", "..%5C..%5Cwindows%5Cwin.ini", "....//....//....//etc/hosts", "%3Cimg%20src%3Dx%20onerror%3Dprompt(1)%3E", "%24%7B7*7%7D", "%7C%20whoami", "file%3A%2F%2F%2Fetc%2Fhosts",
		"http%3A%2F%2Fcollab.example%2Fx", "-1%27", "9999999999", "%25n%25n%25n", "a%0d%0aSet-Cookie%3Ax%3D1", "sleep(9)%23", "%22%3E%3Cb%3E", "%C0%AE%C0%AE/", "{{9*9}}", "waitfor%20delay%20%270:0:5%27"}
)

// beginScanner guesses names of files and folders, as fast as it can or slowly.
func beginScanner(w *World, b *bot) {
	d := w.dice
	b.pace = everyPace(d, 2*time.Millisecond, 20*time.Second)
	b.pace.parallel = d.chance(0.4) && b.pace.low < 200*time.Millisecond
	b.again = d.steps(0.3, 2)
	folder := pick(d, []string{"", "", "", "/" + d.word(), "/" + pick(d, guesses)})
	misses := pick(d, []int{404, 404, 404, 404, 403, 302, 200}) // some sites answer everything
	b.aim = func(w *World, b *bot) errand {
		d := w.dice
		name := pick(d, guesses)
		if d.chance(0.25) {
			name = d.word()
		}
		status := misses
		if d.chance(0.04) {
			status = pick(d, []int{200, 301, 401, 403, 500})
		}
		method := ""
		if d.chance(0.03) {
			method = pick(d, []string{"HEAD", "OPTIONS", "POST"})
		}
		return errand{target: folder + "/" + name + pick(d, guessedEndings), method: method, load: forPage, status: status}
	}
}

func beginProber(w *World, b *bot) {
	b.pace = everyPace(w.dice, 20*time.Millisecond, 40*time.Second)
	at := w.dice.n(len(exploits))
	b.aim = func(w *World, b *bot) errand {
		at += 1 + w.dice.n(3)
		return errand{target: exploits[at%len(exploits)], load: forPage, status: pick(w.dice, []int{404, 404, 404, 403, 301, 200})}
	}
}

// beginInjector tries parameters of existing pages.
func beginInjector(w *World, b *bot) {
	d := w.dice
	b.pace = everyPace(d, 10*time.Millisecond, 5*time.Second)
	target := b.site.any(d).target
	b.aim = func(w *World, b *bot) errand {
		d := w.dice
		if d.chance(0.05) {
			target = b.site.any(d).target
		}
		e := errand{target: target, load: forPage, status: pick(d, []int{200, 200, 200, 500, 403, 400, 302})}
		between := "?"
		if strings.Contains(target, "?") {
			between = "&"
		}
		e.target += between + pick(d, []string{"id", "q", "page", "file", "url", "lang", "cat", d.word()}) + "=" + pick(d, payloads)
		if d.chance(0.2) {
			e.target, e.method, e.load = pick(d, b.site.forms), "POST", forForm
		}
		return e
	}
}

// beginStuffer tries passwords. Sites answer failures with 401, 403, a page, or a redirect.
func beginStuffer(w *World, b *bot) {
	d, s := w.dice, b.site
	b.pace = everyPace(d, 15*time.Millisecond, 12*time.Second)
	target := s.login
	if target == "" {
		target = pick(d, []string{"/wp-login.php", "/user/signin", "/xmlrpc.php"})
	}
	b.again = d.steps(0.3, 2)
	form, body := d.chance(0.35), d.chance(0.3)
	b.aim = func(w *World, b *bot) errand {
		d := w.dice
		if form && b.done%2 == 0 {
			return errand{target: target, load: forPage, status: 200}
		}
		e := errand{target: target, method: "POST", load: forForm, status: s.denied, body: body}
		if body {
			e.load = forCall
		}
		switch {
		case s.login == "":
			e.status = 404
		case d.chance(0.004):
			e.status = 302
		case b.done > 40 && d.chance(0.1):
			e.status = pick(d, []int{429, 403, s.denied})
		}
		return e
	}
}

// beginCaller calls the API as if it were the site's page, or without pretending.
func beginCaller(w *World, b *bot) {
	d, s := w.dice, b.site
	b.pace = everyPace(d, 10*time.Millisecond, 10*time.Second)
	pattern := "/" + d.word() + ".json"
	if len(s.fetches) > 0 {
		pattern = pick(d, s.fetches)
	}
	number := d.logUniform(1, 90_000)
	if b.hides.referer == chainedReferer {
		b.hides.referer = sameSiteReferer
	}
	b.aim = func(w *World, b *bot) errand {
		number++
		e := errand{target: pattern, host: s.calls, load: forCall, status: pick(w.dice, []int{200, 200, 200, 200, 404, 401}), body: s.json}
		if w.dice.chance(0.8) {
			e.target = renumbered(pattern, number)
		}
		if w.dice.chance(0.1) {
			e.method = "POST"
		}
		return e
	}
}

// beginIntegration uses the API as intended: for a partner, a shop's stock, a weather station.
func beginIntegration(w *World, b *bot) {
	d, s := w.dice, b.site
	b.pace = everyPace(d, 200*time.Millisecond, 5*time.Minute)
	b.pace.human = false
	targets := []string{"/" + d.word() + ".json"}
	if len(s.fetches) > 0 {
		targets = []string{pick(d, s.fetches), pick(d, s.fetches), pick(d, s.fetches)}
	}
	method := pick(d, []string{"GET", "GET", "POST", "PUT"})
	if d.chance(0.7) {
		b.program.fields = append(b.program.fields, Field{"authorization", "Bearer " + d.letters(alphanumeric, 32)})
	}
	b.aim = func(w *World, b *bot) errand {
		return errand{target: targets[b.done%len(targets)], host: s.calls, load: forCall, method: method, body: true, status: pick(w.dice, []int{200, 200, 200, 200, 200, 204, 304, 404})}
	}
}

func beginLoadTool(w *World, b *bot) {
	d := w.dice
	b.pace = everyPace(d, time.Millisecond, 60*time.Millisecond)
	b.pace.parallel, b.pace.human = d.chance(0.6), false
	targets := []string{b.site.any(d).target}
	for range d.n(4) {
		targets = append(targets, b.site.any(d).target)
	}
	b.aim = func(w *World, b *bot) errand {
		return errand{target: targets[b.done%len(targets)], load: forPage, status: pick(w.dice, []int{200, 200, 200, 200, 200, 200, 200, 200, 200, 503})}
	}
	b.again = d.steps(0.3, 2)
}

// beginFlooder requests expensive pages, leaves, and comes back.
func beginFlooder(w *World, b *bot) {
	d := w.dice
	b.pace = everyPace(d, 2*time.Millisecond, 150*time.Millisecond)
	b.again = d.steps(0.7, 5)
	b.aim = func(w *World, b *bot) errand {
		if b.left < 8 && b.again < 4 {
			return errand{load: forPage, page: b.site.page(w.dice)}
		}
		return errand{target: b.site.searched(w.dice).target, load: forPage, status: pick(w.dice, []int{200, 200, 200, 503, 429})}
	}
}

func beginBuster(w *World, b *bot) {
	d := w.dice
	b.pace = everyPace(d, 3*time.Millisecond, 800*time.Millisecond)
	target := b.site.any(d).target
	b.again = d.steps(0.3, 2)
	b.aim = func(w *World, b *bot) errand {
		between := "?"
		if strings.Contains(target, "?") {
			between = "&"
		}
		return errand{target: target + between + d.letters(alphanumeric, 5) + "=" + d.letters(alphanumeric, 9), load: forPage, status: 200}
	}
}

func beginMonitor(w *World, b *bot) {
	d := w.dice
	period := pick(d, []time.Duration{2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, time.Minute, 5 * time.Minute})
	b.pace = pace{low: period, high: period + d.between(time.Millisecond, 200*time.Millisecond)}
	b.noCookies = true
	target, method := pick(d, b.site.pages[home]).target, pick(d, []string{"GET", "GET", "HEAD"})
	if d.chance(0.3) {
		target = pick(d, []string{"/healthz", "/status", "/ping", "/server-alive.txt", "/readyz"})
	}
	b.aim = func(w *World, b *bot) errand {
		status := 200
		if w.dice.chance(0.01) {
			status = 503
		}
		return errand{target: target, method: method, load: forCall, status: status}
	}
}

func beginFeedReader(w *World, b *bot) {
	d := w.dice
	period := d.between(2*time.Minute, 70*time.Minute)
	b.pace = pace{low: period, high: period + 20*time.Second}
	b.noCookies = true
	b.aim = func(w *World, b *bot) errand {
		return errand{target: b.site.feed, load: forCall, status: pick(w.dice, []int{200, 304, 304, 304})}
	}
}

func beginPreviewer(w *World, b *bot) {
	p := b.site.page(w.dice)
	b.pace = pace{low: 100 * time.Millisecond, high: 900 * time.Millisecond}
	b.noCookies = true
	b.aim = func(w *World, b *bot) errand {
		if b.done%3 == 1 && len(p.images) > 0 {
			return errand{target: p.images[0], load: forImage, status: 200}
		}
		if b.done%3 == 2 {
			p = b.site.page(w.dice)
		}
		return errand{target: p.target, load: forPage, status: 200}
	}
}

// beginSpammer posts comments, below another page each time.
func beginSpammer(w *World, b *bot) {
	d := w.dice
	b.pace = everyPace(d, 100*time.Millisecond, 60*time.Second)
	reads := d.chance(0.6)
	b.aim = func(w *World, b *bot) errand {
		if reads && b.done%2 == 0 {
			return errand{load: forPage, page: b.site.page(w.dice)}
		}
		return errand{target: pick(w.dice, b.site.forms), method: "POST", load: forForm, status: pick(w.dice, []int{302, 200, 200, 403, 422})}
	}
}

// beginFormRepeater sends one form over and over: votes, vouchers, baskets.
func beginFormRepeater(w *World, b *bot) {
	d := w.dice
	b.pace = everyPace(d, 20*time.Millisecond, 20*time.Second)
	target, status, body := pick(d, b.site.forms), pick(d, []int{200, 200, 302, 303, 409}), d.chance(0.4)
	b.aim = func(w *World, b *bot) errand {
		e := errand{target: target, method: "POST", load: forForm, status: status, body: body}
		if body {
			e.load = forCall
		}
		return e
	}
}

// beginAutomation drives a browser: it loads complete pages. Its path is typical: straight on,
// at an even pace, never back.
func beginAutomation(w *World, b *bot) {
	d := w.dice
	b.pace = everyPace(d, 400*time.Millisecond, 15*time.Second)
	b.images = d.chance(0.8)
	if d.chance(0.75) {
		b.hides.referer = chainedReferer
	}
	next := walk(w, b.site, home, listing, item, info)
	style := d.n(4)
	b.noCookies = false
	fresh := d.chance(0.3) // a new profile for each page
	b.aim = pageAim(func(w *World, b *bot) *page {
		if fresh {
			b.cached, b.answered, b.moved, b.seen = false, false, false, [4]uint64{}
		}
		switch style {
		case 0:
			return b.site.any(w.dice)
		case 1:
			return b.site.page(w.dice)
		case 2:
			return b.site.searched(w.dice)
		}
		return next(w, b)
	})
}

// beginTool is a person who tries something from a command line.
func beginTool(w *World, b *bot) {
	b.pace = everyPace(w.dice, 50*time.Millisecond, 20*time.Second)
	b.aim = func(w *World, b *bot) errand {
		if w.dice.chance(0.2) {
			return errand{target: b.site.any(w.dice).target, method: "HEAD", load: forPage, status: 200}
		}
		return errand{load: forPage, page: b.site.page(w.dice)}
	}
}
