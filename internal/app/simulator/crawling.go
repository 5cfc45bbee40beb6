package simulator

import (
	"fmt"
	"net/http"
	"time"
)

// repeat is the routine of a bot that makes one request after the other for some minutes, with a
// pause of low to high.
func repeat(w *world, now, low, high time.Duration, next func(at time.Duration) Request) routine {
	return routine{
		until: now + w.between(8*time.Minute, 30*time.Minute),
		pause: func() time.Duration { return w.between(low, high) },
		burst: func(at time.Duration, dst []Request) []Request { return append(dst, next(at)) },
	}
}

// beginCrawler follows the rules: robots.txt first, then pages and now and then an image, with
// seconds in between.
func beginCrawler(w *world, slot int, now time.Duration, _ bool) routine {
	v := newTool(w, crawlerAgents[slot%len(crawlerAgents)])
	asked := 0
	return repeat(w, now, 1200*time.Millisecond, 2100*time.Millisecond, func(at time.Duration) Request {
		asked++
		target := fmt.Sprintf("/articles/%d", 1+w.IntN(articles))
		switch {
		case asked == 1:
			target = "/robots.txt"
		case asked == 2:
			target = "/sitemap.xml"
		case w.chance(0.1):
			target = pick(w, images(target)).target
		case w.chance(0.4):
			target = fmt.Sprintf("/products/%d", 1+w.IntN(products))
		}
		return v.request(at, http.MethodGet, WWW, target)
	})
}

// beginScraper walks numbers. Half of the scrapers copy all headers of a browser, and half of those
// keep the cookie of the first answer; one in four walks the API.
func beginScraper(w *world, slot int, now time.Duration, _ bool) routine {
	v := newBot(w, slot%2 == 0)
	v.refusesAll = slot%4 != 1
	host, path := WWW, "/products/%d"
	if slot%4 == 3 {
		host, path = API, "/v1/products/%d"
	}
	number := 1 + w.IntN(products)
	return repeat(w, now, 150*time.Millisecond, 420*time.Millisecond, func(at time.Duration) Request {
		number = number%products + 1
		r := v.navigate(at, http.MethodGet, host, fmt.Sprintf(path, number), "")
		v.acceptCookie(w)
		return r
	})
}

// swarm is the shared state of a distributed scraper's members.
type swarm struct {
	browser  browser
	language string
	bare     bool
	number   int // the last article that a member requested
}

// swarmSize is the number of members of a swarm.
const swarmSize = 12

// beginSwarm begins one member. A member that ends returns with another address of the same
// network.
func beginSwarm(w *world, slot int, now time.Duration, _ bool) routine {
	number, member := slot/swarmSize, slot%swarmSize
	for len(w.swarms) <= number {
		w.swarms = append(w.swarms, &swarm{browser: pick(w, desktopBrowsers), language: pick(w, languages),
			bare: w.chance(0.5), number: w.IntN(articles)})
	}
	common := w.swarms[number]
	v := &visitor{addr: w.swarmAddr(number, member), browser: common.browser, language: common.language,
		bare: common.bare, refusesAll: true}
	return repeat(w, now, 900*time.Millisecond, 2300*time.Millisecond, func(at time.Duration) Request {
		common.number = common.number%articles + 1
		return v.navigate(at, http.MethodGet, WWW, fmt.Sprintf("/articles/%d", common.number), "")
	})
}

// beginHammerer searches for random words, deep into the pages of results. Two in three look
// exactly like a browser, with a referer of the home page.
func beginHammerer(w *world, slot int, now time.Duration, _ bool) routine {
	v := newBot(w, slot%3 == 0)
	v.refusesAll = slot%3 != 1
	from := ""
	if slot%3 != 0 {
		from = "https://" + WWW + "/"
	}
	return repeat(w, now, 80*time.Millisecond, 250*time.Millisecond, func(at time.Duration) Request {
		r := v.navigate(at, http.MethodGet, Search, searchPage(w, 1+w.IntN(40)), from)
		v.acceptCookie(w)
		return r
	})
}
