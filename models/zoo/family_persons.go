package main

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/models/corpus"
)

// persons are stand-ins for people: real browsers under real mouse and keyboard events, with pauses
// as people make them, and text browsers.
func persons() *family {
	f := &family{name: "persons", number: 5, install: "persons/install.sh", apt: []string{"chromium", "firefox-esr", "xvfb", "xdotool", "openbox", "libnss3-tools",
		"python3", "w3m", "lynx", "links", "elinks", "falkon", "qutebrowser"}}
	everywhere := []string{"php-shop", "aspx-webmail", "blog", "forum", "wiki", "catalogue", "app", "api-host", "cdn-magazine", "no-referrer", "accounts", "news", "downloads"}
	f.clients = []client{
		{program: "chromium", version: "chromium", commands: chromiumPerson, limit: personLimit, variants: habits(everywhere, "reader", "regular", "hasty")},
		{program: "firefox", version: "firefox-esr", commands: firefoxPerson, limit: personLimit, variants: habits(everywhere, "reader", "regular")},
		{program: "falkon", version: "falkon", commands: falkonPerson, limit: personLimit, variants: habits([]string{"blog", "news", "php-shop"}, "reader")},
		{program: "qutebrowser", version: "qutebrowser", commands: qutebrowserPerson, limit: personLimit, variants: habits([]string{"wiki", "catalogue", "forum"}, "reader")},
	}
	dumps := map[string][]string{
		"w3m":    {"w3m", "-dump", "-o", "ssl_ca_file=/etc/ssl/certs/ca-certificates.crt"},
		"lynx":   {"lynx", "-dump", "-accept_all_cookies"},
		"links":  {"links", "-dump"},
		"elinks": {"elinks", "-eval", "set connection.ssl.cert_verify = 0", "-dump"},
	}
	for _, program := range []string{"w3m", "lynx", "links", "elinks"} {
		f.clients = append(f.clients, client{program: program, version: program, variants: textHabits(program), limit: 2 * time.Minute,
			commands: func(v *visit) []command {
				return v.eachStep(func(s *step) []string { return append(append([]string(nil), dumps[program]...), s.URL) })
			}})
	}
	for i := range f.clients {
		f.clients[i].truth = corpus.Person
	}
	return f
}

const personLimit = 7 * time.Minute

// habits returns the variants of people who visit each of the sites with each of the habits.
func habits(sites []string, names ...string) []variant {
	var all []variant
	for i, s := range sites {
		all = append(all, variant{intent: names[i%len(names)], disguise: plain, sites: []string{s}})
	}
	if len(sites) > 10 {
		for i, s := range sites {
			all = append(all, variant{intent: names[(i+1)%len(names)], disguise: plain, sites: []string{s}})
		}
	}
	return all
}

// textHabits returns the variants of people with a text browser.
func textHabits(program string) []variant {
	var all []variant
	kinds := []string{"blog", "wiki", "forum", "cdn-magazine", "downloads", "news", "php-shop"}
	first := int(hash(program) % uint64(len(kinds)))
	for i := range 3 {
		all = append(all, variant{intent: "text-reader", disguise: plain, sites: []string{kinds[(first+2*i)%len(kinds)]}})
	}
	return all
}

// script is what person.py does.
type script struct {
	Browser []string   `json:"browser"`
	Seed    uint64     `json:"seed"`
	Pause   float64    `json:"pause"`
	Visits  []sequence `json:"visits"`
}

// sequence is one visit of a script.
type sequence struct {
	Arrive  string `json:"arrive"`
	How     string `json:"how"`
	Actions int    `json:"actions"`
	Login   bool   `json:"login"`
	Away    int    `json:"away"`
}

// habit makes up what a person does: a reader comes once from elsewhere and reads, a regular comes
// back with the same profile, someone hasty has many short pauses.
func (v *visit) habit(browser ...string) *script {
	s := &script{Browser: browser, Seed: v.rand.Uint64() >> 12, Pause: 4 + 3*v.rand.Float64()}
	first := v.arrival()
	switch v.intent {
	case "regular":
		first.Actions, first.Away = 5, 15
		again := v.arrival()
		again.Actions = 6
		s.Visits = []sequence{first, again}
	case "hasty":
		s.Pause, first.Actions = 1.6+v.rand.Float64(), 16
		s.Visits = []sequence{first}
	default:
		first.Actions = 11
		s.Visits = []sequence{first}
	}
	return s
}

// arrival draws how a person comes to the site: by a typed address, a bookmark, a search engine, or
// a link with parameters of a campaign.
func (v *visit) arrival() sequence {
	pages := v.site.Pages
	page := v.base() + pages[v.rand.IntN(len(pages))]
	if v.site.Login.Path != "" && v.rand.IntN(4) == 0 || v.site.Kind == "accounts" {
		return sequence{Arrive: v.base() + v.site.Login.Path, How: "typed", Login: true}
	}
	from := func(host, target string) sequence {
		return sequence{Arrive: "https://" + host + "/r?to=" + url.QueryEscape(target), How: "link"}
	}
	switch v.rand.IntN(6) {
	case 0:
		return sequence{Arrive: v.site.Host, How: "typed"}
	case 1:
		return sequence{Arrive: page, How: "opened"}
	case 2:
		return from(elsewhere[3], withQuery(page, "fbclid=IwAR"+strconv.FormatUint(v.rand.Uint64(), 36)+strconv.FormatUint(v.rand.Uint64(), 36)))
	case 3:
		return from(elsewhere[4], withQuery(page, "utm_source=newsletter&utm_medium=email&utm_campaign=autumn"))
	}
	return from(elsewhere[v.rand.IntN(3)], page)
}

func withQuery(address, query string) string {
	address, fragment, found := strings.Cut(address, "#")
	between := "?"
	if strings.Contains(address, "?") {
		between = "&"
	}
	if found {
		fragment = "#" + fragment
	}
	return address + between + query + fragment
}

// onScreen returns the calls that make certificate stores and then run a program with a screen of
// its own.
func (v *visit) onScreen(stores []string, argv ...string) []command {
	_, server := v.family.addresses(v.number)
	low := server.AsSlice()
	display := strconv.Itoa(1000 + int(low[len(low)-2])<<8 + int(low[len(low)-1]))
	tools := filepath.Join(filepath.Dir(v.work), "screen")
	return []command{
		{Argv: append([]string{"sh", filepath.Join(tools, "trust.sh")}, stores...)},
		{Argv: append([]string{"sh", filepath.Join(tools, "with-display.sh"), display}, argv...)},
	}
}

func (v *visit) person(stores []string, browser ...string) []command {
	return v.onScreen(stores, "python3", filepath.Join(v.work, "person.py"), v.write("script.json", v.habit(browser...)))
}

func (v *visit) in(name string) string { return filepath.Join(v.folder, name) }

func chromiumPerson(v *visit) []command {
	return v.person([]string{v.in(".pki/nssdb")}, "chromium", "--no-sandbox", "--no-first-run", "--no-default-browser-check", "--password-store=basic",
		"--window-size=1280,900", "--window-position=0,0", "--user-data-dir="+v.in("profile"))
}

func firefoxPerson(v *visit) []command {
	return v.person([]string{v.in("profile")}, "firefox-esr", "--profile", v.in("profile"), "--no-remote", "--width", "1280", "--height", "900")
}

func falkonPerson(v *visit) []command {
	return v.person([]string{v.in(".pki/nssdb")}, "env", "QTWEBENGINE_CHROMIUM_FLAGS=--no-sandbox", "falkon", "-p", "zoo", "-i")
}

func qutebrowserPerson(v *visit) []command {
	return v.person([]string{v.in(".pki/nssdb")}, "env", "QTWEBENGINE_CHROMIUM_FLAGS=--no-sandbox", "qutebrowser", "--temp-basedir", "-s",
		"content.tls.certificate_errors", "load-insecurely")
}
