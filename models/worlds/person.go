package worlds

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// People lists the kinds of people, as named in a row's truth.
var People = []string{"visitor", "regular", "office", "private", "odd-browser", "app-user"}

// person is a person who visits a site, once or repeatedly.
type person struct {
	visitor
	pages   int           // pages of this visit to come
	visits  int           // visits to come after this one
	speed   float64       // of reading, relative to the site's usual speed
	polls   time.Duration // until when the current page polls; 0: it does not
	every   time.Duration // interval of polling
	fails   int           // failed logins to come; the last login succeeds
	entered bool          // whether this visit has begun
	moves   bool          // whether the address changes
	links   string        // query of the campaign that brings the person
}

// office is an address shared by many people.
type office struct {
	addr   netip.Addr
	mobile float64
	prefer *program // the browser that most of them have
	room   int      // for this many more people
}

func (w *World) newOffice() *office {
	d := w.dice
	o := &office{addr: d.randomV4(), mobile: d.share(0, 0.2), room: d.logUniform(5, 200)}
	if d.chance(0.5) { // a carrier's
		o.mobile = d.share(0.7, 1)
	} else {
		o.prefer = pick(d, w.population.desktop)
	}
	return o
}

// officeFor draws an office for a new person, or returns nil.
func (w *World) officeFor() *office {
	if len(w.offices) == 0 || !w.dice.chance(0.3) {
		return nil
	}
	o := w.offices[w.dice.rank(len(w.offices))]
	if o.room == 0 {
		return nil
	}
	o.room--
	return o
}

// newPerson returns a new actor; before reports whether it was there before the episode.
func (w *World) newPerson(before bool) actor {
	d := w.dice
	s := pick(d, w.sites)
	if s.kind == "mobile" && d.chance(0.85) || d.chance(0.02) && len(s.fetches) > 0 {
		return w.newAppUser(s)
	}
	p := &person{speed: d.share(0.4, 1.9)}
	p.site, p.images, p.assets = s, !d.chance(0.01), true
	kind := "visitor"
	mobile := s.mobile
	p.addr = w.homeAddr()
	o := w.officeFor()
	if o != nil {
		p.addr, mobile, kind = o.addr, o.mobile, "office"
	}
	p.program = w.population.browser(d, mobile)
	if o != nil && o.prefer != nil && d.chance(0.6) {
		p.program = o.prefer
	}
	p.settle(w, kind)
	p.visits = d.steps(0.3, 3)
	if p.truth.Kind == "regular" {
		p.visits = d.from(1, 12)
	}
	if before {
		p.cached, p.moved, p.answered, p.entered, p.pages = true, true, true, true, d.n(6)
		p.from = s.origin + s.page(d).target
	}
	return p
}

// settle draws the habits of a person.
func (p *person) settle(w *World, kind string) {
	d := w.dice
	p.language = pick(d, languages)
	p.cookie = w.newCookie()
	p.resumes = d.chance(0.2)
	switch {
	case p.program.engine == textual:
		kind, p.assets, p.images = "odd-browser", false, false
	case p.program.engine == ancient || strings.HasPrefix(p.program.name, "old-") || p.program.name == "palemoon":
		kind = "odd-browser"
	case d.chance(0.06):
		kind, p.noCookies, p.noReferer = "private", true, d.chance(0.6)
	case kind == "visitor" && d.chance(0.25):
		kind = "regular"
		p.cached, p.answered = d.chance(0.7), true // it was here before the episode
		p.moved = p.cached
	}
	p.moves = p.addr.Is6() && d.chance(0.7) || d.chance(0.05)
	p.truth = w.newTruth(false, kind, p.program.name, "plain", p.site)
	if p.site.login != "" && d.chance(0.2) {
		p.fails = 1 + d.steps(0.3, 4)
	}
}

func (w *World) newTruth(bot bool, kind, program, disguise string, s *site) *Truth {
	w.clients++
	side := "p"
	if bot {
		side = "b"
	}
	return &Truth{bot, kind, program, disguise, s.kind, fmt.Sprint(side, w.clients)}
}

func (w *World) newCookie() string {
	d := w.dice
	name := []string{"sid=", "PHPSESSID=", "_ga=GA1.2.", "JSESSIONID=", "ASP.NET_SessionId=", "consent=1; uid="}[w.secret%6]
	return name + d.letters(alphanumeric, 24)
}

// homeAddr returns the address of a household. A third have IPv6; many are in a network with other
// households, a few share an address, and in some episodes a third of all are in one network.
func (w *World) homeAddr() netip.Addr {
	d := w.dice
	var a netip.Addr
	switch lived := w.homes[d.n(len(w.homes))]; {
	case w.campus.IsValid() && d.chance(0.33):
		a = d.near(w.campus)
	case lived.IsValid() && d.chance(0.05):
		a = d.near(lived) // of one household, for IPv6
	case lived.IsValid() && d.chance(0.3):
		a = d.neighbour(lived)
	case d.chance(0.33):
		a = d.randomV6()
	default:
		a = d.randomV4()
	}
	w.homes[w.moved%len(w.homes)] = a
	w.moved++
	return a
}

// act is one action of a person: another page, polling, or a return hours later.
func (p *person) act(w *World, at time.Duration) (time.Duration, bool) {
	d := w.dice
	if p.polls > at {
		p.poll(w, at)
		if next := at + p.every + d.between(0, 300*time.Millisecond); next < p.polls {
			return next, true
		}
		return p.polls, true
	}
	if !p.entered {
		p.arrive(w)
	}
	end := p.do(w, at)
	p.pages--
	if p.pages > 0 {
		next := end + p.think(d)
		if s := p.site; s.poll > 0 && p.assets && p.loaded {
			p.every = s.poll
			p.polls = next
			return min(end+p.every, next), true
		}
		return next, true
	}
	return p.leave(w, end)
}

// poll polls for news, always by the same call.
func (p *person) poll(w *World, at time.Duration) {
	s := p.site
	r := w.callFor(&p.visitor, s.fetches[0], at, "GET")
	if s.held {
		r.Duration = p.every - w.dice.between(0, p.every/4)
		if r.Bytes = 0; r.Status == 200 {
			r.Bytes = w.dice.from(2, 60)
		}
	}
}

// leave ends a visit. Some pages stay open and poll, some people come back.
func (p *person) leave(w *World, at time.Duration) (time.Duration, bool) {
	d := w.dice
	p.entered, p.from, p.loaded = false, "", false
	if p.visits == 0 {
		return 0, false
	}
	p.visits--
	if p.moves {
		p.addr = d.near(p.addr)
	}
	p.resumes = d.chance(0.3)
	return at + time.Minute + d.skewed(pick(d, []time.Duration{8 * time.Minute, 3 * time.Hour, 20 * time.Hour}), 0.8), true
}

func (p *person) think(d *dice) time.Duration {
	median := time.Duration(p.speed * float64(p.site.dwell))
	return 700*time.Millisecond + min(d.skewed(median, 0.9), time.Hour)
}

// Origins of visits. Most send only an origin.
var (
	searchEngines = []string{"https://www.google.com/", "https://www.google.com/", "https://www.google.fr/", "https://www.bing.com/", "https://duckduckgo.com/", "https://search.yahoo.com/",
		"https://www.qwant.com/", "https://yandex.ru/", "android-app://com.google.android.googlequicksearchbox/"}
	networks = []string{"https://www.facebook.com/", "https://lm.facebook.com/", "https://t.co/", "https://www.reddit.com/", "https://www.youtube.com/", "https://out.reddit.com/", "https://vk.com/",
		"https://www.tiktok.com/", "https://m.facebook.com/"}
	campaigns = []string{"utm_source={w}&utm_medium=cpc&utm_campaign={s}&utm_term={q}", "utm_source=mail&utm_medium=email&utm_campaign={y}-{m}-{w}", "gclid={k}{k}_{k}BwE", "fbclid=IwAR{k}{k}{k}", "msclkid={x}",
		"mc_eid={h}&mc_cid={h}", "ref={w}", "yclid={n}{n}", "_hsenc=p2ANq{k}{k}&_hsmi={n}", "trk={k}&igsh={k}", "srsltid=Afm{k}{k}", "dclid={k}&gbraid={k}{k}"}
)

// arrive begins a visit: by a search, an advertisement, a link, a bookmark, or a typed address.
func (p *person) arrive(w *World) {
	d := w.dice
	p.entered, p.links = true, ""
	p.pages = 1
	for p.pages < 60 && d.chance(p.site.depth) {
		p.pages++
	}
	switch d.weighted([]int{32, 14, 12, 12, 30}) {
	case 0:
		p.from = pick(d, searchEngines)
	case 1:
		p.from = pick(d, append(networks, searchEngines[0]))
		p.links = d.fill(pick(d, campaigns))
	case 2:
		p.links = d.fill(pick(d, campaigns)) // from a mail or an app: no referer
	case 3:
		p.from = pick(d, networks)
		if d.chance(0.5) {
			p.from = "https://" + d.word() + ".example/"
			if d.chance(0.25) {
				p.from += d.slug("-")
			}
		}
	}
}

// do performs a person's action on a page.
func (p *person) do(w *World, at time.Duration) time.Duration {
	d, s := w.dice, p.site
	first := !strings.HasPrefix(p.from, s.origin+"/")
	switch x := d.unit(); {
	case first:
		return p.enter(w, at)
	case x < 0.07: // back: the page is shown again without a request
		return at
	case x < 0.09:
		return w.open(&p.visitor, &page{target: p.from[len(s.origin):]}, at, ask{reload: true})
	case x < 0.105: // mistyped, or an old link
		return w.open(&p.visitor, &page{target: s.page(d).target + pick(d, []string{"x", "l", ",", ")", "%20", "/index"}), gone: true}, at, ask{})
	case x < 0.14 && !s.single: // several pages in the background
		return p.tabs(w, at)
	case p.fails > 0 && s.login != "":
		return p.fail(w, at)
	case x < 0.145:
		return w.open(&p.visitor, &page{target: s.feed}, at, ask{})
	case x < 0.15+s.posts:
		return w.submit(&p.visitor, pick(d, s.forms), at, pick(d, []int{200, 302, 303, 200, 200, 422}))
	case s.kind == "downloads" && x < 0.6 || x > 0.997:
		w.download(&p.visitor, at)
		return at
	case s.single && p.loaded && p.assets && x < 0.97:
		return p.view(w, at)
	}
	a := ask{prefetch: p.program.engine == chromium && d.chance(0.02)}
	return w.open(&p.visitor, s.page(d), at, a)
}

// enter opens the first page of a visit; sometimes several, as a restarted browser does.
func (p *person) enter(w *World, at time.Duration) time.Duration {
	d, s := w.dice, p.site
	landing := s.page(d)
	if p.from == "" && p.links == "" && d.chance(0.6) {
		landing = pick(d, s.pages[home])
	}
	if p.from == "" && d.chance(0.03) {
		for range d.from(1, 5) {
			w.open(&p.visitor, s.page(d), at+d.between(0, 900*time.Millisecond), ask{})
			p.from = ""
		}
	}
	if p.links == "" {
		return w.open(&p.visitor, landing, at, ask{})
	}
	tagged := *landing
	if strings.Contains(tagged.target, "?") {
		tagged.target += "&" + p.links
	} else {
		tagged.target += "?" + p.links
	}
	return w.open(&p.visitor, &tagged, at, ask{})
}

func (p *person) tabs(w *World, at time.Duration) time.Duration {
	d := w.dice
	from := p.from
	for range d.from(2, 6) {
		w.open(&p.visitor, p.site.page(d), at, ask{})
		p.from = from
		at += d.between(400*time.Millisecond, 3*time.Second)
	}
	return at
}

// fail is a login with a wrong password, on the form's page.
func (p *person) fail(w *World, at time.Duration) time.Duration {
	d, s := w.dice, p.site
	if p.from != s.origin+s.login && !s.single {
		return w.open(&p.visitor, &page{target: s.login}, at, ask{})
	}
	p.fails--
	p.pages++ // once more
	status := s.denied
	if p.fails == 0 {
		status = pick(d, []int{302, 302, 303, 200})
	}
	return w.submit(&p.visitor, s.login, at, status)
}

// view is another view of a single-page app: only its scripts send requests.
func (p *person) view(w *World, at time.Duration) time.Duration {
	d, s := w.dice, p.site
	for range d.from(1, max(s.callsEach, 1)) {
		method := "GET"
		if d.chance(0.12) {
			method = pick(d, []string{"POST", "PUT", "DELETE"})
		}
		w.call(&p.visitor, at, method)
		at += d.between(5*time.Millisecond, 400*time.Millisecond)
	}
	if d.chance(0.4) {
		next := s.page(d)
		p.from = s.origin + next.target
		if s.imagesHere {
			for _, target := range next.images {
				w.fetch(&p.visitor, target, forImage, at, false)
				at += d.between(time.Millisecond, 60*time.Millisecond)
			}
		}
	}
	return at
}

// appUser is a user of the site's app on a telephone: its API calls come without a page.
type appUser struct {
	visitor
	left, visits int
}

func (w *World) newAppUser(s *site) actor {
	d := w.dice
	a := &appUser{left: d.from(2, 30), visits: d.steps(0.5, 8)}
	a.site, a.addr, a.language, a.noReferer, a.noCookies = s, w.homeAddr(), pick(d, languages), true, true
	if o := w.officeFor(); o != nil {
		a.addr = o.addr
	}
	a.program = w.appProgram(s)
	a.truth = w.newTruth(false, "app-user", a.program.name, "plain", s)
	return a
}

// appProgram returns the site's app for one of the systems.
func (w *World) appProgram(s *site) *program {
	d := w.dice
	name := capital(s.host[:max(3, strings.IndexByte(s.host, '.'))])
	release := fmt.Sprintf("%d.%d.%d", 1+w.secret%9, d.from(0, 3), d.from(0, 4))
	p := &program{engine: library}
	token := Field{"authorization", "Bearer " + d.letters(alphanumeric, 40)}
	if d.chance(0.5) {
		p.name, p.agent = "app-ios", fmt.Sprintf("%s/%d CFNetwork/1%d.0.%d Darwin/%d.%d.0", name, d.from(100, 999), d.from(400, 498), d.from(1, 9), d.from(22, 24), d.from(0, 6))
		p.fields = []Field{{"accept", "*/*"}, {"content-type", "application/json"}, token, {"user-agent", "-"}, {"accept-language", "en-GB,en;q=0.9"}, {"accept-encoding", "gzip, deflate, br"}}
		p.dress("apple", tlsShape{"13", 20, 13, "h2"}, appleSetup, w.secret)
		return p
	}
	p.name, p.agent = "app-android", fmt.Sprintf("%s/%s (Android %d; %s) okhttp/4.%d.0", name, release, d.from(10, 15), pick(d, []string{"SM-A528B", "Pixel 8", "2201117TY", "CPH2387"}), d.from(9, 12))
	if d.chance(0.2) {
		p.agent = fmt.Sprintf("Dalvik/2.1.0 (Linux; U; Android %d; SM-G781B Build/SP1A.210812.016)", d.from(10, 14))
	}
	p.fields = []Field{token, {"accept", "application/json"}, {"x-app-version", release}, {"accept-language", "en-US"}, {"accept-encoding", "gzip"}, {"user-agent", "-"}}
	p.dress("android", tlsShape{"13", 15, 14, "h2"}, okhttpSetup, w.secret)
	return p
}

// act is one screen of the app.
func (a *appUser) act(w *World, at time.Duration) (time.Duration, bool) {
	d, s := w.dice, a.site
	for range d.from(1, 4) {
		method := "GET"
		if d.chance(0.2) {
			method = "POST"
		}
		w.call(&a.visitor, at, method)
		at += d.between(5*time.Millisecond, 300*time.Millisecond)
	}
	if s.imagesHere && d.chance(0.6) {
		for _, target := range s.page(d).images {
			w.fetch(&a.visitor, target, forImage, at, false)
			at += d.between(time.Millisecond, 80*time.Millisecond)
		}
	}
	if a.left--; a.left > 0 {
		return at + 500*time.Millisecond + d.skewed(s.dwell/3, 0.9), true
	}
	a.left = d.from(2, 30)
	if a.visits--; a.visits < 0 {
		return 0, false
	}
	return at + time.Minute + d.skewed(40*time.Minute, 1.1), true
}
