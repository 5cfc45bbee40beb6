package gate

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// arrival is the first request of an unknown client.
type arrival struct {
	host, target, referer string
	what                  load
}

var firstRequests = []arrival{
	{"verein-sonnenhang.test", "/index.php", "", page},
	{"verein-sonnenhang.test", "/galerie.php?album=17&bild=203", "https://www.google.com/", page},
	{"www.gemeinde-auental.test", "/index.php/rathaus/formulare", "", page},
	{"www.gemeinde-auental.test", "/download.php?datei=satzung.pdf", "https://duckduckgo.com/", page},
	{"intern.autohaus.test", "/default.asp", "", page},
	{"intern.autohaus.test", "/Fahrzeuge/Liste.aspx?marke=7", "https://www.bing.com/", page},
	{"webmail.stadtwerk.test", "/owa/auth/logon.aspx?replaceCurrent=1&url=https%3a%2f%2fwebmail.stadtwerk.test%2fowa", "", page},
	{"kunden.versicherer.test", "/Login.aspx?ReturnUrl=%2fMeineDaten%2fdefault.aspx", "", page},
	{"kunden.versicherer.test", "/portal/start.jsp;jsessionid=5C21E0D4A5B7", "", page},
	{"forum.bootsbau.test", "/viewtopic.php?f=12&t=48231&start=45", "https://www.google.com/", page},
	{"forum.bootsbau.test", "/showthread.php?t=99127&page=3", "https://www.google.com/", page},
	{"forum.bootsbau.test", "/index.php?topic=4711.0", "", page},
	{"diskussion.imker.test", "/t/varroabehandlung-im-herbst/28834/17", "https://www.ecosia.org/", page},
	{"diskussion.imker.test", "/c/anfaenger/6?page=2", "", page},
	{"www.lampenladen.test", "/leuchten/pendel?farbe=messing&preis=50-150&sort=neu", "https://www.google.com/", page},
	{"www.lampenladen.test", "/artikel/tischleuchte-pilz-90321.html", "https://www.idealo.de/", page},
	{"www.lampenladen.test", "/checkout/cart/", "", page},
	{"www.lampenladen.test", "/catalog/product/view/id/90321/s/pilz/category/12/", "", page},
	{"www.buchhandel-nord.test", "/p/9783161484100?variant=hardcover", "https://www.instagram.com/", page},
	{"www.buchhandel-nord.test", "/search?q=kochbuch+vegetarisch&page=2", "", page},
	{"www.kreisbibliothek.test", "/suche?begriff=steuer+2025&filter%5Btyp%5D=buch&filter%5Bjahr%5D=2025", "", page},
	{"www.kreisbibliothek.test", "/recherche/treffer.php?q=%C3%9Cbungen+Mathematik&s=2", "https://www.google.com/", page},
	{"maps.wanderverein.test", "/?s=h%C3%BCtte+mit+hund", "", page},
	{"maps.wanderverein.test", "/search?query=rundweg%20see&bbox=11.2,47.3,11.9,47.8", "", page},
	{"aktion.zahnbuerste.test", "/start?utm_source=newsletter&utm_medium=email&utm_campaign=fruehling-2026&utm_content=button-a", "", page},
	{"aktion.zahnbuerste.test", "/angebot?fbclid=IwY2xjawKx8fZleHRuA2FlbQIxMABicmlkETFhcXV4bk5hZjZ0c1RRRnZ5AR5pPzq0", "https://l.facebook.com/", page},
	{"aktion.zahnbuerste.test", "/?gclid=EAIaIQobChMI7rCg3p_ZiwMVzpRQBh0c7gOQEAAYASAAEgJvD_D_BwE&gad_source=1", "https://www.google.com/", page},
	{"aktion.zahnbuerste.test", "/gewinnspiel?mc_cid=8d41a0b2c3&mc_eid=7a9f0e1d2c", "", page},
	{"aktion.zahnbuerste.test", "/l/?li_fat_id=4c7b9e02-8d1f-4c2b-9f0e-2a6b7c8d9e0f", "https://www.linkedin.com/", page},
	{"api.fahrtenbuch.test", "/v3/trips?limit=50&offset=0&sort=-started", "https://app.fahrtenbuch.test/", call},
	{"api.fahrtenbuch.test", "/v3/session", "https://app.fahrtenbuch.test/", call},
	{"api.fahrtenbuch.test", "/graphql?operationName=Dashboard&variables=%7B%22days%22%3A30%7D", "https://app.fahrtenbuch.test/", call},
	{"api.wetterstation.test", "/geojson/stations.json?country=AT", "https://www.bergwetter.test/", call},
	{"api.wetterstation.test", "/api/forecast?lat=47.26&lon=11.39&hourly=1", "https://www.bergwetter.test/", call},
	{"blog.nadel-und-faden.test", "/2026/02/14/quilt-fuer-anfaenger/", "https://www.pinterest.com/", page},
	{"blog.nadel-und-faden.test", "/feed/", "", page},
	{"wiki.modelleisenbahn.test", "/index.php?title=Spur_N&oldid=48211", "", page},
	{"wiki.modelleisenbahn.test", "/wiki/Spezial:Suche?search=weiche", "https://wiki.modelleisenbahn.test/", page},
	{"www.zeitung-mittelland.test", "/wirtschaft/article48213077/Neue-Linie-ab-Mai.html", "https://news.google.com/", page},
	{"www.zeitung-mittelland.test", "/", "", page},
}

// peopleFirst wants people's first requests not to be flagged.
func peopleFirst(t *theatre) outcome {
	var requests []*request
	for i, a := range firstRequests {
		requests = append(requests, a.request(home(i), browsers[i%len(browsers)]))
	}
	t.playEach(requests)
	below, lowest := 0, uint8(99)
	var misses []string
	for _, r := range requests {
		lowest = min(lowest, r.score)
		if r.score < 40 {
			below++
			misses = append(misses, r.String())
		}
	}
	return outcome{fmt.Sprintf("%d of %d below 40, lowest %d", below, len(requests), lowest), below == 0, misses}
}

func (a arrival) request(from netip.Addr, browser *program) *request {
	return &request{from: from, program: browser, method: "GET", host: a.host, target: a.target, header: browser.headers(a.what, a.referer, false),
		status: 200, bytes: 20_000, took: 40 * time.Millisecond}
}

// direct wants a single request without a referer not to count as evidence.
func direct(t *theatre) outcome {
	var requests []*request
	for i, target := range []string{"/", "/", "/", "/preise", "/blog/neues-aus-dem-garten", "/impressum", "/anfahrt", "/kontakt"} {
		requests = append(requests, arrival{"www.gaertnerei-linde.test", target, "", page}.request(home(i), browsers[i%len(browsers)]))
	}
	t.playEach(requests)
	return within(requests, 40, 60)
}

// within returns an outcome that wants all scores in a range.
func within(requests []*request, from, to uint8) outcome {
	lowest, highest := uint8(99), uint8(0)
	var misses []string
	for _, r := range requests {
		lowest, highest = min(lowest, r.score), max(highest, r.score)
		if r.score < from || r.score > to {
			misses = append(misses, r.String())
		}
	}
	return outcome{fmt.Sprintf("%d to %d", lowest, highest), len(misses) == 0, misses}
}

// pageFetches wants requests of a page's scripts right after the page to count as the page's.
func pageFetches(t *theatre) outcome {
	rng := random(1)
	var judged []*request
	for i, browser := range browsers {
		for _, s := range []*site{appSite, mailSite, shopSite} {
			p := &person{rng: rng, site: s, from: home(i), browser: browser}
			target := fill(rng, s.pages[0])
			requests := p.load(nil, 0, page, target, "", false)
			for k, pattern := range s.calls {
				requests = p.load(requests, time.Duration(160+170*k)*time.Millisecond, call, fill(rng, pattern), "https://"+s.host+target, true)
				judged = append(judged, requests[len(requests)-1])
			}
			for k, pattern := range s.assets {
				requests = p.load(requests, time.Duration(90+20*k)*time.Millisecond, script, fill(rng, pattern), "https://"+s.host+target, true)
			}
			t.play(requests)
		}
	}
	return within(judged, 51, 99)
}

// byVisit returns an outcome that wants at most a percentage of people's visits flagged. A visit
// counts as flagged if any of its requests is.
func byVisit(requests []*request, percent float64) outcome {
	const pause = 4 * time.Minute // longer than between two pages, shorter than between two visits
	type visit struct {
		last    time.Duration
		flagged bool
	}
	var visits []*visit
	latest := make(map[int]*visit)
	var misses []string
	for _, r := range requests {
		if r.extra {
			continue
		}
		v := latest[r.cast]
		if v == nil || r.at-v.last > pause {
			v = &visit{}
			latest[r.cast] = v
			visits = append(visits, v)
		}
		v.last = r.at
		if r.flagged() && !v.flagged {
			v.flagged = true
			misses = append(misses, r.String())
		}
	}
	flagged := 100 * float64(len(misses)) / float64(max(len(visits), 1))
	return outcome{fmt.Sprintf("%.1f %% of %d visits", flagged, len(visits)), flagged <= percent && len(visits) > 0, misses}
}

// visitsWithoutReferers plays visits to a site of PHP pages with assets on another host and a
// policy of no referrers.
func visitsWithoutReferers(t *theatre) outcome {
	rng := random(2)
	requests := audience(rng, phpSite, 400, time.Hour, home)
	t.play(requests)
	return byVisit(requests, 1)
}

// visitsBehindOneAddress plays the visits of an office of fifty people.
func visitsBehindOneAddress(t *theatre) outcome {
	rng := random(3)
	office := netip.MustParseAddr("193.22.4.17")
	var requests []*request
	for n, s := range []*site{shopSite, forumSite} {
		crowd := audience(rng, s, 50, 30*time.Minute, func(int) netip.Addr { return office })
		for _, r := range crowd {
			r.cast += 100 * n
		}
		requests = append(requests, crowd...)
	}
	t.play(append(requests, scenery(rng, shopSite, 60, time.Hour)...))
	return byVisit(sorted(requests), 1)
}

// visits plays people's visits to sites of other kinds.
func visits(t *theatre) outcome {
	rng := random(4)
	var requests []*request
	for n, s := range []*site{shopSite, forumSite, mailSite, appSite} {
		crowd := audience(rng, s, 120, time.Hour, func(i int) netip.Addr { return home(200*n + i) })
		for _, r := range crowd {
			r.cast += 200 * n
		}
		requests = append(requests, crowd...)
	}
	t.play(requests)
	return byVisit(requests, 1)
}

// sorted returns the requests in the order of their times.
func sorted(requests []*request) []*request {
	slices.SortStableFunc(requests, func(a, b *request) int { return cmp.Compare(a.at, b.at) })
	return requests
}

// poisoned wants people's scores not to suffer from others, who send 20,000 requests with the
// people's user agent, from their network, and from 5,000 addresses.
func poisoned(t *theatre) outcome {
	rng := random(5)
	neighbours := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{80, 1, 2, byte(100 + i)}) }
	requests := audience(rng, shopSite, 60, 20*time.Minute, neighbours)
	for i := range 20_000 {
		from := netip.AddrFrom4([4]byte{80, 1, 2, byte(1 + i%20)}) // the same /24
		if i%2 == 1 {
			from = netip.AddrFrom4([4]byte{45, byte(i / 2 % 5000 / 250), byte(i / 2 % 250), 3})
		}
		requests = append(requests, &request{at: time.Duration(i) * 60 * time.Millisecond, from: from, program: browsers[0], method: "GET", host: shopSite.host,
			target: fill(rng, "/~~~~~~~~.php?x=##"), header: browsers[0].headers(page, "", false), status: 404, bytes: 300, took: 2 * time.Millisecond, extra: true})
	}
	t.play(requests)
	return byVisit(requests, 1)
}
