package main

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/headgate/headgate/models/zoo/site"
)

// step is one request that a plan wants made.
type step struct {
	URL    string      `json:"url"`
	Method string      `json:"method"`
	Header [][2]string `json:"header"` // besides what the program sends by itself
	Body   string      `json:"body,omitempty"`
	Wait   float64     `json:"wait"` // seconds before
	kind   kind
	from   string // page that led here; empty: none
}

// kind is what a request is for, as a browser tells it.
type kind int

const (
	forPage kind = iota
	forStyle
	forScript
	forImage
	forData
)

// What automations are there for.
const (
	scraping   = "scraper"    // reads pages, one after the other
	calling    = "api"        // asks what the site's scripts ask, without the site
	stuffing   = "stuffing"   // tries names and passwords
	feeding    = "feed"       // reads a feed again and again
	watching   = "monitor"    // asks for one page at a fixed interval
	fetching   = "downloader" // fetches files
	probing    = "prober"     // looks for what should not be there
	searching  = "searcher"   // asks a site's search
	crawling   = "crawler"    // follows all links, by the program's own rules
	loading    = "load"       // asks as fast as it can
	scanning   = "scanner"    // looks for holes, by the program's own rules
	automating = "automation" // drives a browser
	reading    = "reader"     // a person
)

// planner makes up what a program that takes orders is to ask for.
type planner struct {
	site    *site.Site
	handler http.Handler
	rand    *rand.Rand
	paced   bool // waits as people do
	assets  bool // fetches what pages need
}

// can reports whether a site has what an intent is after.
func can(s *site.Site, intent string) bool {
	switch intent {
	case calling:
		return len(s.API) > 0
	case stuffing:
		return s.Login.Path != ""
	case feeding:
		return s.Feed != ""
	case fetching:
		return len(s.Files) > 0
	case searching:
		return s.Search != ""
	}
	return true
}

// plan returns the steps of an intent.
func (p *planner) plan(intent string) []step {
	switch intent {
	case calling:
		return p.repeat(12, func(i int) step { return step{URL: p.site.API[i%len(p.site.API)], kind: forData} })
	case stuffing:
		return p.stuff()
	case feeding:
		return p.repeat(4, func(int) step { return step{URL: p.site.Feed, Wait: 1.5} })
	case watching:
		return p.repeat(8, func(int) step { return step{URL: "/", Wait: 2} })
	case fetching:
		return p.repeat(5, func(i int) step { return step{URL: p.site.Files[i%len(p.site.Files)]} })
	case probing:
		return p.repeat(len(probes), func(i int) step { return step{URL: probes[i]} })
	case searching:
		return p.repeat(10, func(i int) step { return step{URL: p.site.Search + searchTerms[(i*7)%len(searchTerms)]} })
	}
	return p.walk(9)
}

var searchTerms = strings.Fields("lamp basket copper+river winter tent boots map silver anchor paper engine+oil candle saddle")

// probes are paths that nobody asks for who follows links.
var probes = strings.Fields("/.env /.git/config /wp-login.php /admin/ /phpmyadmin/index.php /backup.zip /server-status /xmlrpc.php /api/.env /config.json " +
	"/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php /cgi-bin/test.cgi /actuator/health /owa/auth/logon.aspx")

func (p *planner) repeat(n int, make func(int) step) []step {
	var steps []step
	for i := range n {
		s := make(i)
		s.URL, s.Method = p.absolute(s.URL), cmp.Or(s.Method, "GET")
		if s.Wait == 0 {
			s.Wait = p.pause()
		}
		steps = append(steps, s)
	}
	return steps
}

func (p *planner) stuff() []step {
	l := p.site.Login
	return p.repeat(15, func(i int) step {
		if i == 0 {
			return step{URL: l.Path}
		}
		body := url.Values{l.Name: {fmt.Sprintf("user%d@example.com", i*37%101)}, l.Password: {fmt.Sprintf("Summer%d!", 2000+i)}}
		return step{URL: l.Path, Method: "POST", Body: body.Encode(), from: p.absolute(l.Path)}
	})
}

func (p *planner) absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return "https://" + p.site.Host + path
	}
	return path
}

// pause draws the time before a request: of people some seconds, with a long tail; of programs a
// fraction of one.
func (p *planner) pause() float64 {
	if p.paced {
		return min(20, math.Exp(1.1+0.7*p.rand.NormFloat64()))
	}
	return 0.05 + 0.25*p.rand.ExpFloat64()
}

// walk follows links from page to page, and begins somewhere in the site.
func (p *planner) walk(pages int) []step {
	at := p.absolute(p.site.Pages[p.rand.IntN(len(p.site.Pages))])
	if p.rand.IntN(2) == 0 {
		at = p.absolute("/")
	}
	from := ""
	var steps []step
	for range pages {
		steps = append(steps, step{URL: at, Method: "GET", Wait: p.pause(), from: from})
		links, assets := p.look(at)
		if p.assets {
			steps = append(steps, assets...)
		}
		if len(links) == 0 {
			break
		}
		from, at = at, links[p.rand.IntN(len(links))]
	}
	return steps
}

var (
	anchor = regexp.MustCompile(`<a href="([^"#]+)"`)
	needed = regexp.MustCompile(`<(link rel="stylesheet" href|script src|img src)="([^"]+)"`)
)

// look asks the site itself for a page and returns what it links to on its own host, and the files
// that it needs.
func (p *planner) look(page string) (links []string, assets []step) {
	base, err := url.Parse(page)
	if err != nil {
		return nil, nil
	}
	var answer memory
	request := &http.Request{Method: "GET", URL: base, Host: base.Host, RequestURI: base.RequestURI(), Header: http.Header{}, Body: http.NoBody, RemoteAddr: "127.0.0.1:1"}
	p.handler.ServeHTTP(&answer, request)
	for _, m := range anchor.FindAllStringSubmatch(answer.String(), -1) {
		if u, err := base.Parse(unescape(m[1])); err == nil && u.Host == base.Host && u.Scheme == "https" {
			links = append(links, u.String())
		}
	}
	for _, m := range needed.FindAllStringSubmatch(answer.String(), -1) {
		if u, err := base.Parse(unescape(m[2])); err == nil {
			s := step{URL: u.String(), Method: "GET", Wait: 0.01, from: page, kind: forImage}
			switch m[1][0] {
			case 'l':
				s.kind = forStyle
			case 's':
				s.kind = forScript
			}
			assets = append(assets, s)
		}
	}
	return links, assets
}

func unescape(text string) string { return strings.ReplaceAll(text, "&amp;", "&") }

// memory is an answer that nobody sends.
type memory struct {
	bytes.Buffer
	header http.Header
}

func (m *memory) Header() http.Header {
	if m.header == nil {
		m.header = make(http.Header)
	}
	return m.header
}

func (m *memory) WriteHeader(int) {}
