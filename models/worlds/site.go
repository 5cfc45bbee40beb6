package worlds

import (
	"fmt"
	"strings"
	"time"
)

// pageKind is the purpose of a page.
type pageKind int

const (
	home pageKind = iota
	listing
	item
	info
	search
	account // behind a login
	numPageKinds
)

// page is one address of a site.
type page struct {
	target string
	kind   pageKind
	images []string // of the site's pool
	gone   bool     // dead: links lead there, but it is missing
}

// policy is what a site allows browsers to send in Referer.
type policy int

const (
	defaultPolicy policy = iota // strict-origin-when-cross-origin
	noReferrer
	sameOriginOnly
	originOnly
)

// site is one site of a world, with its people's habits.
type site struct {
	kind   string
	host   string
	calls  string // host of its API
	scheme string
	origin string // scheme and host
	http2  bool
	mobile float64 // share of telephones

	pages   [numPageKinds][]*page
	shared  []asset  // of every page
	forms   []string // targets of POSTs
	login   string   // a page with a form; empty: none
	search  string   // a pattern
	fetches []string // targets of the scripts' calls
	files   []string
	feed    string
	tracker string // a POST that pages send; empty: none

	refer      policy
	assetsHere bool // otherwise they are on a CDN, and not seen
	imagesHere bool
	cookies    bool
	xhr        bool // whether scripts say that they are
	json       bool
	down       [2]time.Duration // when it is out of order
	elsewhere  bool             // whether only the API is behind the proxy: pages come from another host
	held       bool             // whether a poll is answered when there is news, or late
	single     bool             // whether it is a single-page app: after the first page only calls
	favicon    int              // status; 0: browsers do not request it
	poll       time.Duration    // 0: never
	callsEach  int              // of a page, at most
	denied     int              // status of a failed login
	redirect   float64          // share of pages that lead elsewhere first
	dead       float64          // share of dead links
	slow       time.Duration    // to answer, median
	depth      float64          // chance to go on to another page
	dwell      time.Duration    // median time on a page
	weights    [numPageKinds]int
	posts      float64 // share of pages after which a form is sent
}

type asset struct {
	target string
	load   load
}

// newSite draws a site of a kind.
func newSite(d *dice, kind string) *site {
	b := blueprints[kind]
	f := b.flavours[d.n(len(b.flavours))]
	s := &site{kind: kind, scheme: "https://", http2: d.chance(0.85), mobile: d.share(b.mobile[0], b.mobile[1])}
	name := d.word() + pick(d, []string{"", "-" + d.word(), d.word(), fmt.Sprint(d.n(99))})
	s.host = pick(d, b.labels) + name + ".example"
	s.calls = s.host
	if b.remote || d.chance(0.15) {
		s.calls = pick(d, []string{"api.", "gw.", "backend.", "data."}) + name + ".example"
	}
	if d.chance(0.04) {
		s.scheme, s.http2 = "http://", false
	}
	s.origin = s.scheme + s.host
	s.habits(d, b)
	s.build(d, b, &f)
	return s
}

// habits draws how the site behaves.
func (s *site) habits(d *dice, b *blueprint) {
	s.refer = []policy{defaultPolicy, defaultPolicy, noReferrer, sameOriginOnly, originOnly}[d.weighted([]int{42, 14, 22, 13, 9})]
	s.assetsHere = !d.chance(b.cdn)
	s.imagesHere = s.assetsHere && d.chance(0.8) || d.chance(0.1)
	s.cookies = d.chance(0.75)
	s.xhr, s.json = d.chance(0.35), d.chance(0.7)
	s.single = b.single
	s.elsewhere = s.calls != s.host && d.chance(0.35)
	s.held = d.chance(0.2)
	s.favicon = pick(d, []int{200, 200, 404, 0})
	if d.chance(b.polls) {
		s.poll = d.between(4*time.Second, 75*time.Second)
	}
	s.callsEach = d.n(b.calls + 1)
	if s.elsewhere {
		s.callsEach = max(s.callsEach, 1)
	}
	s.denied = []int{401, 200, 302, 403}[d.weighted([]int{45, 28, 20, 7})]
	s.redirect = d.share(0, 0.12)
	s.dead = d.share(0, 0.06)
	s.slow = d.between(4*time.Millisecond, 350*time.Millisecond)
	s.depth = d.share(b.depth[0], b.depth[1])
	s.dwell = d.between(b.dwell[0], b.dwell[1])
	s.posts = d.share(0, b.posts)
	for k := range s.weights {
		s.weights[k] = b.weights[k] * d.from(2, 6)
	}
}

// build draws the addresses of the site's pages.
func (s *site) build(d *dice, b *blueprint, f *flavour) {
	ending := pick(d, append([]string{""}, f.endings...))
	fill := func(pattern string) string { return strings.ReplaceAll(d.fill(pattern), "~", ending) }
	for k, patterns := range [numPageKinds][]string{home: f.home, listing: f.list, item: f.item, info: f.info, account: f.account} {
		if len(patterns) == 0 {
			continue
		}
		few := []string{pick(d, patterns), pick(d, patterns)}
		for range d.logUniform(sizes[k][0], sizes[k][1]) {
			s.addPage(d, pageKind(k), fill(pick(d, few)))
		}
	}
	s.search, s.login = pickOrNone(d, f.search), strings.ReplaceAll(d.fill(pickOrNone(d, f.login)), "~", ending)
	for range d.from(1, 4) {
		s.forms = append(s.forms, fill(pick(d, append(f.forms, "/{w}/{w}"))))
	}
	for range d.from(2, 14) {
		if len(f.calls) > 0 {
			s.fetches = append(s.fetches, fill(pick(d, f.calls)))
		}
	}
	if len(s.fetches) == 0 {
		s.callsEach, s.poll = 0, 0
	}
	s.shared = sharedAssets(d, pick(d, assetStyles))
	for range d.from(2, 40) {
		if len(f.files) > 0 {
			s.files = append(s.files, fill(pick(d, f.files)))
		}
	}
	s.feed = pick(d, []string{"/feed.xml", "/rss", "/atom.xml", "/index.rdf", "/{w}/rss.xml"})
	s.feed = d.fill(s.feed)
	if d.chance(0.3) {
		s.tracker = d.fill(pick(d, []string{"/collect", "/{w}/beacon", "/cdn-cgi/rum?", "/{w}.gif?id={k}", "/stats/hit"}))
	}
	s.addImages(d, b)
}

// sizes are the numbers of pages of a kind that a site has.
var sizes = [numPageKinds][2]int{home: {1, 2}, listing: {4, 120}, item: {20, 2500}, info: {3, 30}, account: {2, 12}}

func (s *site) addPage(d *dice, kind pageKind, target string) {
	s.pages[kind] = append(s.pages[kind], &page{target: target, kind: kind, gone: kind == item && d.chance(s.dead)})
}

// addImages adds pictures to pages.
func (s *site) addImages(d *dice, b *blueprint) {
	pattern := pick(d, imageStyles)
	pool := make([]string, d.logUniform(8, 900))
	for i := range pool {
		pool[i] = d.fill(pattern)
	}
	most := d.n(b.images + 1)
	for _, pages := range s.pages {
		for _, p := range pages {
			if n := d.n(most + 1); n > 0 {
				from := d.n(len(pool))
				p.images = pool[from:min(from+n, len(pool))]
			}
		}
	}
}

func pickOrNone(d *dice, list []string) string {
	if len(list) == 0 {
		return ""
	}
	return pick(d, list)
}

func sharedAssets(d *dice, style []string) (list []asset) {
	for _, pattern := range style {
		for range d.from(1, 4) {
			a := asset{d.fill(pattern), forScript}
			switch {
			case strings.Contains(pattern, ".css"):
				a.load = forStyle
			case strings.Contains(pattern, ".woff"):
				a.load = forFont
			case strings.Contains(pattern, ".svg"), strings.Contains(pattern, ".png"):
				a.load = forImage
			}
			list = append(list, a)
		}
	}
	return list[:min(len(list), d.from(2, 16))]
}

// page draws the next page, or returns nil if the site has none.
func (s *site) page(d *dice) *page {
	kind := pageKind(d.weighted(s.weights[:]))
	if kind == search {
		return s.searched(d)
	}
	pages := s.pages[kind]
	if len(pages) == 0 {
		pages = s.pages[home]
	}
	return pages[d.rank(len(pages))]
}

// entry returns the host under which programs know the site.
func (s *site) entry() string {
	if s.elsewhere {
		return s.calls
	}
	return s.host
}

// any draws a page regardless of popularity.
func (s *site) any(d *dice) *page {
	for {
		if pages := s.pages[d.n(int(numPageKinds))]; len(pages) > 0 {
			return pages[d.n(len(pages))]
		}
	}
}

// searched returns a page of results, of which there are as many as queries.
func (s *site) searched(d *dice) *page {
	if s.search == "" {
		return pick(d, s.pages[home])
	}
	target := d.fill(s.search)
	if d.chance(0.2) {
		target += pick(d, []string{"&page=", "&p=", "&start=", "&sort="}) + fmt.Sprint(d.from(1, 9))
	}
	return &page{target: target, kind: search, images: s.pages[home][0].images}
}

// referer returns what a page at a URL sends to a host as Referer, by the site's policy.
func (s *site) referer(from, host string) string {
	if from == "" || s.refer == noReferrer {
		return ""
	}
	same := strings.HasPrefix(from[len(s.scheme):], host+"/")
	switch {
	case s.refer == originOnly, s.refer == defaultPolicy && !same:
		return from[:len(s.scheme)+strings.IndexByte(from[len(s.scheme):], '/')+1]
	case s.refer == sameOriginOnly && !same:
		return ""
	}
	return from
}

// answer sets the site's answer to a page or a call.
func (s *site) answer(d *dice, r *Request, status int) {
	if r.At >= s.down[0] && r.At < s.down[1] && d.chance(0.7) || d.chance(0.0015) {
		status = pick(d, []int{500, 502, 503, 504})
	}
	r.Status = status
	r.Duration = d.skewed(s.slow, 0.7)
	switch {
	case status == 204, status == 304:
		r.Bytes = 0
	case status >= 400:
		r.Bytes = d.from(150, 4000)
		r.Duration /= 3
	case status >= 300:
		r.Bytes = d.n(300)
	default:
		r.Bytes = d.logUniform(1200, 160_000)
	}
}
