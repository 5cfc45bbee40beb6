// Package site has small web sites of many kinds for clients to be let loose on. They are made up,
// but their pages are real: HTML with style sheets, scripts, images and requests of the scripts,
// forms, cookies, feeds and errors, so that a browser does on them what it does elsewhere. The same
// path returns the same page each time.
package site

import (
	"hash/fnv"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Site is one site. Paths are what a client may begin with; what else there is they link to.
type Site struct {
	Kind   string
	Host   string
	Others []string // further hosts that its pages use: an API's, a CDN's
	Pages  []string // paths of pages
	Search string   // a path that a search term is appended to; empty: it has none
	API    []string // URLs, or paths of Host, that its scripts ask for
	Feed   string   // path; empty: it has none
	Files  []string // paths of downloads
	Login  Login

	handlers map[string]http.Handler // by host
}

// Login is a form for a name and a password.
type Login struct {
	Path           string // empty: the site has none
	Name, Password string // names of the fields
}

// All returns one site of each kind.
func All() []*Site {
	return []*Site{
		phpShop(), webmail(), blog(), forum(), wiki(), catalogue(), app(), portal(), magazine(), private(), accounts(), news(), downloads(),
	}
}

// Hosts returns the names of all hosts of the sites.
func Hosts(sites []*Site) []string {
	var hosts []string
	for _, s := range sites {
		hosts = append(append(hosts, s.Host), s.Others...)
	}
	return hosts
}

// Find returns the site of a kind.
func Find(sites []*Site, kind string) (*Site, bool) {
	i := slices.IndexFunc(sites, func(s *Site) bool { return s.Kind == kind })
	if i < 0 {
		return nil, false
	}
	return sites[i], true
}

// Handler serves all sites, each under its hosts.
func Handler(sites []*Site) http.Handler {
	byHost := make(map[string]http.Handler)
	for _, s := range sites {
		for host, h := range s.handlers {
			byHost[host] = h
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if h, ok := byHost[strings.ToLower(host)]; ok {
			h.ServeHTTP(w, r)
			return
		}
		http.Error(w, "there is no such site", http.StatusMisdirectedRequest)
	})
}

// Slowly delays the answers of h as a program would that looks something up: pages by 15 to 90 ms,
// files by 1 to 8 ms.
func Slowly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := time.Duration(number(r.Host + r.URL.Path))
		delay := 15*time.Millisecond + n%75*time.Millisecond
		if isAsset(r.URL.Path) {
			delay = time.Millisecond + n%8*time.Millisecond
		}
		time.Sleep(delay)
		h.ServeHTTP(w, r)
	})
}

func number(text string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(text))
	return h.Sum32()
}

// pick returns one of the words, the same for the same text.
func pick(text string, words []string) string { return words[number(text)%uint32(len(words))] }
