package simulator

import "time"

// Kind is a kind of behaviour, with its truth.
type Kind struct {
	Name  string
	Bot   bool
	About string // one line for people
}

// Kinds lists all kinds, people first. The caller owns the slice.
func Kinds() []Kind {
	kinds := make([]Kind, len(roles))
	for i, r := range roles {
		kinds[i] = r.Kind
	}
	return kinds
}

// role is a kind with its share of the traffic.
type role struct {
	Kind

	// Bots: their number at DefaultRate. A bot that ends is replaced.
	count int

	// People: the share of all requests, and the measured average of requests per session; these
	// determine how many arrive per second and how many are present at the start. TestRateAndShares
	// checks the figures.
	share    float64
	requests float64
	stay     time.Duration

	// begin returns the routine of a new actor. slot numbers the actors of the role; the
	// replacement of a bot has the same slot. A resumed actor is in the middle of its session at
	// the start of the simulation.
	begin func(w *world, slot int, now time.Duration, resumed bool) routine
}

var roles = []role{
	{Kind: Kind{"reader", false, "reads pages with their assets and thinks in between; some block cookies, some have odd browsers"},
		share: 0.14, requests: 38.2, stay: 33 * time.Second, begin: beginReader},
	{Kind: Kind{"shopper", false, "searches, looks at products, fills a cart, logs in and pays"},
		share: 0.07, requests: 46.7, stay: 40 * time.Second, begin: beginShopper},
	{Kind: Kind{"mobile", false, "reads on a phone behind a carrier's address that several people share"},
		share: 0.065, requests: 26.4, stay: 22 * time.Second, begin: beginMobile},
	{Kind: Kind{"app", false, "has a single-page application open that polls the API every few seconds"},
		share: 0.055, requests: 95.6, stay: 180 * time.Second, begin: beginApp},
	{Kind: Kind{"returning", false, "comes back with a warm cache and revalidates it"},
		share: 0.05, requests: 29, stay: 25 * time.Second, begin: beginReturning},

	{Kind: Kind{"crawler", true, "declares itself, reads robots.txt and follows links at a steady, slow pace"},
		count: 5, begin: beginCrawler},
	{Kind: Kind{"prober", true, "asks for files that leak secrets and for old vulnerabilities"},
		count: 3, begin: beginProber},
	{Kind: Kind{"scraper", true, "walks product numbers fast with a browser's user agent, pages only"},
		count: 4, begin: beginScraper},
	{Kind: Kind{"stuffer", true, "tries stolen passwords under changing user agents"},
		count: 4, begin: beginStuffer},
	{Kind: Kind{"swarm", true, "scrapes slowly from each of many addresses of one network"},
		count: 24, begin: beginSwarm},
	{Kind: Kind{"hammerer", true, "drives the slow search host into overload"},
		count: 12, begin: beginHammerer},
	{Kind: Kind{"monitor", true, "asks for the same address at a fixed period"},
		count: 4, begin: beginMonitor},
	{Kind: Kind{"headless", true, "loads pages with scripts in a real browser engine, by the clock and without cookies"},
		count: 3, begin: beginHeadless},
}
