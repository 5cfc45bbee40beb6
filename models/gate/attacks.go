package gate

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"
)

// attack is a series of requests of one attacker behind a browser's user agent.
type attack struct {
	rng     *rand.Rand
	site    *site
	program *program
	cast    int
	pause   func() time.Duration
	from    func(i int) netip.Addr
	agent   func(i int) string         // nil: the program's own
	next    func(i int) (m, t string)  // method and target
	referer func(target string) string // nil: no referer
	assets  int                        // of each page
	status  func(i int) int
}

// requests returns the first n pages of the attack from a time on, with the assets.
func (a *attack) requests(n int, at time.Duration) (all []*request) {
	for i := range n {
		program := a.program
		if a.agent != nil {
			program = program.as(a.agent(i))
		}
		method, target := a.next(i)
		referer := ""
		if a.referer != nil {
			referer = a.referer(target)
		}
		all = append(all, &request{at: at, from: a.from(i), program: program, method: method, host: a.site.host, target: target,
			header: program.headers(page, referer, referer != ""), status: a.status(i), bytes: 400, took: between(a.rng, time.Millisecond, 20*time.Millisecond), cast: a.cast})
		for k := range a.assets {
			all = append(all, &request{at: at + time.Duration(30+15*k)*time.Millisecond, from: a.from(i), program: program, method: "GET", host: a.site.host,
				target: some(a.rng, shopSite.assets), header: program.headers(style, "https://"+a.site.host+target, true), status: 200, bytes: 9000,
				took: 3 * time.Millisecond, cast: a.cast, extra: true})
		}
		at += a.pause()
	}
	return all
}

func one(addr string) func(int) netip.Addr {
	a := netip.MustParseAddr(addr)
	return func(int) netip.Addr { return a }
}

func (a *attack) evenly(from, to time.Duration) func() time.Duration {
	return func() time.Duration { return between(a.rng, from, to) }
}

func always(status int) func(int) int { return func(int) int { return status } }

// words are the file and folder names that scanners guess.
var words = []string{"admin", "backup", "old", "test", "dev", "tmp", "config", "data", "upload", "files", "private", "secret", "db", "sql", "log", "logs",
	"install", "setup", "portal", "cms", "user", "users", "api", "v1", "status", "server", "info", "phpinfo", "manager", "console", "login", "auth"}

var endings = []string{"", "/", ".php", ".bak", ".zip", ".txt", ".old", ".asp", ".html", ".json"}

// newScanners returns scanners of four kinds: one that guesses names, one that tries parameters of
// existing pages, one that crawls every link, and a slow one of the first kind.
func newScanners(seed uint64) []*attack {
	rng := random(seed)
	guess := func(int) (string, string) { return "GET", "/" + pick(rng, words) + pick(rng, endings) }
	values := []string{"1'", "1%22", "1%20AND%201=1", "../../etc/passwd", "%3Csvg%3E", "1;id", "{{7*7}}", "%00"}
	probe := func(i int) (string, string) {
		return "GET", fmt.Sprintf("/artikel.php?id=%s&p%d=%d", pick(rng, values), i%7, rng.IntN(1000))
	}
	crawl := func(i int) (string, string) { return "GET", fill(rng, fmt.Sprintf("/artikel/~~~~~-%d.html", 1000+i)) }
	common := attack{rng: rng, site: shopSite}
	scanners := []*attack{}
	for i, kind := range []struct {
		next     func(int) (string, string)
		status   func(int) int
		from, to time.Duration
	}{
		{guess, func(int) int { return pick(rng, []int{404, 404, 404, 404, 403, 301, 200}) }, 15 * time.Millisecond, 60 * time.Millisecond},
		{probe, func(int) int { return pick(rng, []int{200, 200, 500, 403}) }, 80 * time.Millisecond, 350 * time.Millisecond},
		{crawl, always(200), 250 * time.Millisecond, 900 * time.Millisecond},
		{guess, func(int) int { return pick(rng, []int{404, 404, 404, 200}) }, 1500 * time.Millisecond, 4 * time.Second},
	} {
		a := common
		a.program, a.cast, a.next, a.status = browsers[i%3], i, kind.next, kind.status
		a.from = one(fmt.Sprintf("185.220.10%d.4", i))
		a.pause = a.evenly(kind.from, kind.to)
		scanners = append(scanners, &a)
	}
	return scanners
}

func scanners(t *theatre) outcome {
	requests := scenery(random(11), shopSite, 60, 20*time.Minute)
	for _, a := range newScanners(12) {
		requests = append(requests, a.requests(150, 5*time.Minute)...)
	}
	t.play(requests)
	return atLeast(95, requests, afterRequests(20))
}

func scannersInDisguise(t *theatre) outcome {
	requests := scenery(random(13), shopSite, 60, 20*time.Minute)
	for i, a := range newScanners(14) {
		a.assets = 1 + i%3
		a.referer = func(string) string { return "https://" + shopSite.host + "/" }
		requests = append(requests, a.requests(150, 5*time.Minute)...)
	}
	t.play(requests)
	return atLeast(90, requests, afterRequests(20))
}

// logins returns attempts at a login form, 600 a minute.
func logins(from func(int) netip.Addr) []*request {
	rng := random(15)
	a := &attack{rng: rng, site: mailSite, program: browsers[0], from: from, status: always(401),
		next:    func(int) (string, string) { return "POST", "/owa/auth.owa" },
		referer: func(string) string { return "https://" + mailSite.host + "/owa/auth/logon.aspx" }}
	a.pause = a.evenly(60*time.Millisecond, 140*time.Millisecond)
	return a.requests(1200, 5*time.Minute)
}

func loginsOfOneAddress(t *theatre) outcome {
	requests := append(scenery(random(16), mailSite, 60, 20*time.Minute), logins(one("203.0.113.77"))...)
	t.play(requests)
	return atLeast(95, requests, afterRequests(20))
}

func loginsOfFreshAddresses(t *theatre) outcome {
	network := netip.MustParseAddr("2a02:4780:11:7::").As16()
	rng := random(17)
	fresh := func(int) netip.Addr {
		for k := 8; k < 16; k++ {
			network[k] = byte(rng.IntN(256))
		}
		return netip.AddrFrom16(network)
	}
	requests := append(scenery(random(18), mailSite, 60, 20*time.Minute), logins(fresh)...)
	t.play(requests)
	return atLeast(95, requests, afterRequests(20))
}

// madeUp returns a user agent of a browser that does not exist in this form.
func madeUp(rng *rand.Rand) string {
	return fill(rng, fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1%d.0.%d.%d Safari/537.36",
		10+rng.IntN(36), 1000+rng.IntN(6000), rng.IntN(200)))
}

func agentRotation(t *theatre) outcome {
	rng := random(19)
	a := &attack{rng: rng, site: shopSite, program: browsers[0], from: one("45.95.12.8"), agent: func(int) string { return madeUp(rng) },
		next:    func(int) (string, string) { return "GET", fill(rng, "/artikel/~~~~~~-####.html") },
		referer: func(string) string { return "https://" + shopSite.host + "/leuchten" }, status: always(200)}
	a.pause = a.evenly(10*time.Millisecond, 18*time.Millisecond)
	requests := append(scenery(random(20), shopSite, 60, 20*time.Minute), a.requests(400, 5*time.Minute)...)
	t.play(requests)
	return atLeast(95, requests, afterRequests(20))
}

func networkRotation(t *theatre) outcome {
	rng := random(21)
	a := &attack{rng: rng, site: shopSite, program: browsers[0], status: always(200),
		from: func(i int) netip.Addr { return netip.AddrFrom4([4]byte{45, 95, 13, byte(1 + i%250)}) },
		next: func(int) (string, string) { return "GET", fill(rng, "/artikel/~~~~~~-####.html") }}
	a.pause = a.evenly(20*time.Millisecond, 80*time.Millisecond)
	requests := append(scenery(random(22), shopSite, 60, 20*time.Minute), a.requests(600, 5*time.Minute)...)
	t.play(requests)
	return atLeast(95, requests, afterRequests(20))
}

// swarm plays many addresses of as many networks that share a program and a purpose, with ten
// requests each.
func swarm(t *theatre) outcome {
	rng := random(23)
	requests := scenery(random(24), shopSite, 100, 20*time.Minute)
	for i := range 300 {
		addr := netip.AddrFrom4([4]byte{byte(100 + i%50), byte(i), byte(rng.IntN(256)), byte(1 + rng.IntN(250))})
		a := &attack{rng: rng, site: shopSite, program: browsers[i%2*3], from: func(int) netip.Addr { return addr }, cast: 1 + i, status: always(200),
			next: func(int) (string, string) { return "GET", fill(rng, "/suche?q=~~~~~&seite=##") }}
		a.pause = a.evenly(2*time.Second, 8*time.Second)
		requests = append(requests, a.requests(10, 5*time.Minute+between(rng, 0, 2*time.Minute))...)
	}
	t.play(requests)
	return atLeast(85, requests, every)
}

// automation plays browsers that a program drives: they load whole pages, and click evenly.
func automation(t *theatre) outcome {
	rng := random(25)
	requests := scenery(random(26), shopSite, 60, 30*time.Minute)
	for i := range 24 {
		s := []*site{shopSite, forumSite, appSite}[i%3]
		p := &person{rng: rng, site: s, from: home(900 + i), browser: browsers[i%len(browsers)], cast: i}
		at, referer := 5*time.Minute+between(rng, 0, time.Minute), ""
		for n := range 30 {
			target := some(rng, s.pages)
			requests = p.load(requests, at, page, target, referer, n > 0)
			requests = p.parts(requests, at, target, n == 0)
			referer = "https://" + s.host + target
			at += between(rng, 700*time.Millisecond, 1900*time.Millisecond)
		}
	}
	t.play(requests)
	return atLeast(60, requests, afterRequests(10))
}

// firstSecond wants a client that begins at full speed to be recognized 200 ms after its tenth
// request.
func firstSecond(t *theatre) outcome {
	rng := random(27)
	requests := scenery(random(28), shopSite, 60, 20*time.Minute)
	tenth := make(map[int]time.Duration)
	for i := range 10 {
		s := newScanners(uint64(30 + i))[0]
		s.cast, s.from, s.pause = i, one(fmt.Sprintf("45.9%d.7.1", i)), s.evenly(2*time.Millisecond, 25*time.Millisecond)
		if i%2 == 1 { // a load tool, which requests one page
			s.next, s.status = func(int) (string, string) { return "GET", "/leuchten/pendel" }, always(200)
		}
		attack := s.requests(80, 5*time.Minute+between(rng, 0, time.Minute))
		tenth[i] = attack[9].at
		requests = append(requests, attack...)
	}
	t.play(requests)
	return atLeast(100, requests, func(r *request) bool { return r.at > tenth[r.cast]+200*time.Millisecond })
}

// flood returns 40 requests a second for two minutes from one address.
func flood(rng *rand.Rand, program *program, from string) []*request {
	a := &attack{rng: rng, site: shopSite, program: program, from: one(from), status: always(200),
		next: func(int) (string, string) { return "GET", fill(rng, "/suche?q=~~~~~~") }}
	a.pause = a.evenly(20*time.Millisecond, 30*time.Millisecond)
	return a.requests(4800, 5*time.Minute)
}

// memory wants low scores for one ordinary request of an address that has flooded some time before.
func memory(t *theatre) outcome {
	var scores [3]uint8
	for i, later := range []time.Duration{10 * time.Second, 10 * time.Minute, time.Hour} {
		requests := append(flood(random(31), browsers[0], "198.51.100.23"), scenery(random(32), shopSite, 200, 90*time.Minute)...)
		after := arrival{shopSite.host, "/", "", page}.request(netip.MustParseAddr("198.51.100.23"), browsers[0])
		after.at = 7*time.Minute + later
		t.play(append(requests, after))
		scores[i] = after.score
	}
	return outcome{fmt.Sprintf("%d, %d, %d", scores[0], scores[1], scores[2]), scores[0] < 10 && scores[1] < 30 && scores[2] < 60, nil}
}

// whitewashed wants a flood flagged even if many people have the same user agent.
func whitewashed(t *theatre) outcome {
	requests := scenery(random(33), shopSite, 400, 15*time.Minute)
	for _, r := range requests {
		r.program, r.header = browsers[0], browsers[0].headers(image, "https://"+shopSite.host+"/", true)
	}
	requests = append(requests, flood(random(34), browsers[0], "198.51.100.24")...)
	t.play(requests)
	return atLeast(95, requests, afterRequests(20))
}
