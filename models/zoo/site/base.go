package site

import (
	"encoding/xml"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

// mux is what a host of a site serves.
type mux struct {
	*http.ServeMux
	cookie string // that a page sets where the client has none; empty: none
}

// newMux returns a mux that serves files, robots.txt, and an error page for all else.
func newMux(cookie string, disallow ...string) *mux {
	m := &mux{http.NewServeMux(), cookie}
	m.HandleFunc("/robots.txt", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "User-agent: *\n")
		for _, p := range disallow {
			fmt.Fprintf(w, "Disallow: %s\n", p)
		}
	})
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if isAsset(r.URL.Path) && len(r.URL.Path) < 80 && !strings.Contains(r.URL.Path, "/.") && found(r.URL.Path) {
			serveAsset(w, r)
			return
		}
		missing := page{Title: "Not found", Status: http.StatusNotFound, Links: []link{{"/", "Home"}}, Styles: []string{"/css/style.css"}}
		missing.serve(w, r, false)
	})
	return m
}

// found reports whether there is a file of this name: scanners ask for many that there are not.
func found(name string) bool {
	for _, folder := range []string{"/css/", "/js/", "/img/", "/assets/", "/static/", "/styles/", "/App_Themes/", "/files/", "/media/", "/fonts/", "/skins/"} {
		if strings.HasPrefix(name, folder) {
			return true
		}
	}
	return name == "/favicon.ico" || name == "/checksums.txt"
}

// page serves what build returns for a request with a path of the pattern. Where it returns nil,
// there is no such page.
func (m *mux) page(pattern string, tag bool, build func(*http.Request) *page) {
	m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		p := build(r)
		if p == nil {
			p = &page{Title: "Not found", Status: http.StatusNotFound, Links: []link{{"/", "Home"}}}
		}
		if m.cookie != "" {
			if _, err := r.Cookie(m.cookie); err != nil {
				age := 365 * 24 * 3600
				if m.cookie == "PHPSESSID" || m.cookie == "ASP.NET_SessionId" { // which end with the browser
					age = 0
				}
				http.SetCookie(w, &http.Cookie{Name: m.cookie, Value: fmt.Sprintf("%016x", number(r.RemoteAddr+p.Title)), Path: "/", Secure: true, MaxAge: age})
			}
		}
		p.serve(w, r, tag)
	})
}

// sitemap serves the pages' list under /sitemap.xml.
func (m *mux) sitemap(host string, pages []string) {
	m.HandleFunc("/sitemap.xml", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		fmt.Fprint(w, xml.Header+`<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">`)
		for _, p := range pages {
			fmt.Fprint(w, "<url><loc>https://"+host)
			xml.EscapeText(w, []byte(p))
			fmt.Fprint(w, "</loc></url>")
		}
		fmt.Fprint(w, "</urlset>")
	})
}

// feed serves the pages as RSS.
func (m *mux) feed(path, host string, pages []string) {
	m.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/rss+xml")
		w.Header().Set("ETag", `"feed-1"`)
		if r.Header.Get("If-None-Match") == `"feed-1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, xml.Header+"<rss version=\"2.0\"><channel><title>News</title><link>https://"+host+"/</link><description>All</description>")
		for _, p := range pages {
			fmt.Fprint(w, "<item><title>"+words(p, 4)+"</title><link>https://"+host)
			xml.EscapeText(w, []byte(p))
			fmt.Fprint(w, "</link><guid>"+fmt.Sprint(number(p))+"</guid></item>")
		}
		fmt.Fprint(w, "</channel></rss>")
	})
}

var vocabulary = strings.Fields("river table green winter letter market garden window silver story bridge morning paper engine harbour lamp field copper season valley " +
	"mirror orchard signal cotton meadow anchor basket candle island saddle")

// words makes up so many words, the same for the same text.
func words(text string, n int) string {
	made := make([]string, n)
	for i := range made {
		made[i] = pick(fmt.Sprint(text, i), vocabulary)
	}
	return strings.Join(made, " ")
}

func slug(text string, n int) string { return strings.ReplaceAll(words(text, n), " ", "-") }

// prose makes up paragraphs.
func prose(text string, n int) []string {
	var paragraphs []string
	for i := range n {
		paragraphs = append(paragraphs, words(fmt.Sprint(text, "/", i), 30))
	}
	return paragraphs
}

// numbered returns format with 1 to n.
func numbered(format string, n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(format, i+1))
	}
	return all
}

func links(paths []string) []link {
	var all []link
	for _, p := range paths {
		all = append(all, link{template.URL(p), words(p, 2)})
	}
	return all
}

// some returns n of the paths, another part of them for another text.
func some(text string, paths []string, n int) []string {
	n = min(n, len(paths))
	var chosen []string
	for i := range n {
		chosen = append(chosen, paths[(int(number(text)%uint32(len(paths)))+i*7)%len(paths)])
	}
	return chosen
}
