package gate

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// site is a site that people and others visit.
type site struct {
	host      string
	pages     []string // patterns for fill
	assets    []string // empty: on another host, and not seen
	calls     []string // of pages' scripts
	poll      bool     // whether pages poll for news
	noReferer bool     // has a Referrer-Policy of no-referrer
	cookies   bool     // whether the first page sets a cookie
	arrivals  []string // Referers of visits' first pages
}

var arrivals = []string{"", "", "https://www.google.com/", "https://duckduckgo.com/", "https://www.bing.com/", "https://t.co/", "https://mail.example.org/"}

// variants is the number of pages, assets and calls of each pattern.
const variants = 24

// some returns one of a site's targets.
func some(rng *rand.Rand, patterns []string) string {
	n := rng.IntN(len(patterns))
	return fill(random(uint64(n<<16|rng.IntN(1+rng.IntN(variants)))), patterns[n]) // some are more popular
}

// The sites of the situations.
var (
	phpSite = &site{host: "verein-sonnenhang.test", noReferer: true, arrivals: arrivals,
		pages: []string{"/index.php", "/termine.php?jahr=20##", "/galerie.php?album=##&bild=###", "/mitglied.php?id=####", "/kontakt.php"}}
	shopSite = &site{host: "www.lampenladen.test", cookies: true, arrivals: arrivals,
		pages: []string{"/", "/leuchten/pendel?farbe=messing&seite=#", "/artikel/~~~~~~-####.html", "/suche?q=~~~~~", "/warenkorb"},
		assets: []string{"/skin/main.########.css", "/skin/shop.########.js", "/media/cache/###x###/~~~~~~.webp", "/media/cache/###x###/~~~~~~~.webp",
			"/skin/fonts/~~~~.woff2"},
		calls: []string{"/rest/V1/minicart", "/rest/V1/recommendations?sku=#####"}}
	forumSite = &site{host: "forum.bootsbau.test", cookies: true, arrivals: arrivals,
		pages:  []string{"/viewforum.php?f=##", "/viewtopic.php?f=##&t=####", "/viewtopic.php?p=######", "/memberlist.php?mode=viewprofile&u=###", "/search.php?keywords=~~~~~~"},
		assets: []string{"/styles/prosilver/theme/stylesheet.css?assets_version=##", "/styles/prosilver/template/forum_fn.js?v=##", "/images/avatars/gallery/##.gif", "/images/smilies/~~~~.gif"}}
	mailSite = &site{host: "webmail.stadtwerk.test", poll: true, cookies: true, arrivals: []string{"", "", "https://intranet.stadtwerk.test/"},
		pages:  []string{"/owa/default.aspx", "/owa/auth/logon.aspx?url=https%3a%2f%2fwebmail&reason=0", "/owa/?ae=Folder&t=IPF.Note&id=~~~~##", "/owa/?ae=Item&a=Open&t=IPM.Note&id=~~##~~"},
		assets: []string{"/owa/14.3.###.0/themes/resources/~~~~.css", "/owa/14.3.###.0/scripts/premium/~~~~.js", "/owa/14.3.###.0/themes/base/~~~.png"},
		calls:  []string{"/owa/ev.owa?oeh=1&ns=Notify&ev=Poll", "/owa/service.svc?action=FindItem"}}
	appSite = &site{host: "app.fahrtenbuch.test", arrivals: arrivals,
		pages:  []string{"/", "/#/touren", "/login"},
		assets: []string{"/static/js/main.~~##~~##.js", "/static/css/main.~~##~~##.css", "/static/media/logo.~~##~~.svg", "/manifest.webmanifest"},
		calls:  []string{"/api/v3/session", "/api/v3/trips?limit=50&offset=##0", "/api/v3/vehicles", "/api/v3/trips/####"}}
)

// person is a visitor of a site.
type person struct {
	rng     *rand.Rand
	site    *site
	from    netip.Addr
	browser *program
	cast    int
	cookie  string // set by the site
}

// visit appends the requests of one visit that begins at a time, and returns when it ends.
func (p *person) visit(to []*request, at time.Duration) ([]*request, time.Duration) {
	referer := pick(p.rng, p.site.arrivals)
	for n := range 2 + p.rng.IntN(7) {
		target := some(p.rng, p.site.pages)
		to = p.load(to, at, page, target, referer, n > 0)
		to = p.parts(to, at, target, n == 0)
		referer = "https://" + p.site.host + target
		next := at + between(p.rng, 4*time.Second, 50*time.Second)
		for at += 15 * time.Second; p.site.poll && at < next; at += 15 * time.Second {
			to = p.load(to, at, call, p.site.calls[0], referer, true)
		}
		at = next
	}
	return to, at
}

// parts appends the page's assets, fewer once they are cached, and its scripts' calls.
func (p *person) parts(to []*request, at time.Duration, target string, first bool) []*request {
	referer := "https://" + p.site.host + target
	if len(p.site.assets) > 0 {
		n := p.rng.IntN(4)
		if first {
			n = 6 + p.rng.IntN(14)
		}
		for range n {
			asset := some(p.rng, p.site.assets)
			to = p.load(to, at+between(p.rng, 90*time.Millisecond, 900*time.Millisecond), image, asset, referer, true)
		}
	}
	if len(p.site.calls) > 0 {
		for range p.rng.IntN(3) {
			to = p.load(to, at+between(p.rng, 300*time.Millisecond, 1200*time.Millisecond), call, some(p.rng, p.site.calls), referer, true)
		}
	}
	return to
}

func (p *person) load(to []*request, at time.Duration, what load, target, referer string, same bool) []*request {
	if p.site.noReferer {
		referer = ""
	}
	header := p.browser.headers(what, referer, same)
	if p.cookie != "" {
		header = append(header, field{"Cookie", p.cookie})
	}
	if p.site.cookies {
		p.cookie = "sid=1"
	}
	return append(to, &request{at: at, from: p.from, program: p.browser, method: "GET", host: p.site.host, target: target,
		header: header, status: 200, bytes: uint64(800 + p.rng.IntN(60_000)),
		took: between(p.rng, 3*time.Millisecond, 180*time.Millisecond), cast: p.cast})
}

// audience returns the visits of many people to a site, each from an address returned by from,
// which begin within a time.
func audience(rng *rand.Rand, s *site, people int, within time.Duration, from func(i int) netip.Addr) (requests []*request) {
	for i := range people {
		p := &person{rng: rng, site: s, from: from(i), browser: browsers[rng.IntN(len(browsers))], cast: i}
		begin := between(rng, 0, within)
		var end time.Duration
		requests, end = p.visit(requests, begin)
		if rng.IntN(3) == 0 { // some come back
			requests, _ = p.visit(requests, end+between(rng, 5*time.Minute, 40*time.Minute))
		}
	}
	return requests
}

// home returns an address in its own network for each i.
func home(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(78 + i%9), byte(i / 250), byte(i % 250), byte(1 + i*7%250)})
}

// scenery returns an audience that is played and not judged, so that the site is in use.
func scenery(rng *rand.Rand, s *site, people int, within time.Duration) []*request {
	requests := audience(rng, s, people, within, func(i int) netip.Addr { return netip.AddrFrom4([4]byte{91, byte(i / 200), byte(i % 200), 9}) })
	for _, r := range requests {
		r.extra = true
	}
	return requests
}
