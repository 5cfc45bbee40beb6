package site

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

// static returns a site of pages that are files: with entity tags, without cookies.
func static(kind, host string, paths []string, change func(*page)) (*Site, *mux) {
	s := &Site{Kind: kind, Host: host, Pages: append([]string{"/"}, paths...)}
	m := newMux("")
	for _, path := range s.Pages {
		if path == "/" {
			path = "/{$}"
		} else if strings.HasSuffix(path, "/") {
			path += "{$}"
		}
		m.page(path, true, func(r *http.Request) *page {
			p := &page{Title: words(r.URL.Path, 5), Styles: []string{"/assets/site.css"}, Images: some(r.URL.Path, numbered("/assets/photo-%d.jpg", 40), 2+int(number(r.URL.Path)%3)),
				Text: prose(r.URL.Path, 5), Links: links(append([]string{"/"}, some(r.URL.Path, paths, 7)...))}
			change(p)
			return p
		})
	}
	m.sitemap(host, s.Pages)
	s.handlers = map[string]http.Handler{host: m}
	return s, m
}

// blog is a static site with a feed.
func blog() *Site {
	var paths []string
	for i := range 36 {
		paths = append(paths, fmt.Sprintf("/202%d/%02d/%s/", i%6, 1+i%12, slug(fmt.Sprint("post", i), 4)))
	}
	paths = append(paths, "/about/", "/archive/", "/tags/garden/", "/tags/bridge/")
	s, m := static("blog", "notes.gardener.test", paths, func(p *page) { p.Feed, p.Scripts = "/feed.xml", []string{"/js/site.js"} })
	s.Feed = "/feed.xml"
	m.feed(s.Feed, s.Host, paths[:12])
	return s
}

// private is a site that asks browsers not to say where their requests come from.
func private() *Site {
	s, m := static("no-referrer", "www.quietclinic.test", numbered("/advice/topic-%d", 30), func(p *page) {
		p.Scripts, p.Settings.Load = []string{"/js/site.js"}, []string{"/api/opening-hours"}
	})
	s.API = []string{"/api/opening-hours"}
	m.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		serveJSON(w, http.StatusOK, map[string]string{"today": "8 to 17"})
	})
	s.handlers[s.Host] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		m.ServeHTTP(w, r)
	})
	return s
}

// magazine is a static site whose files come from another host.
func magazine() *Site {
	const cdn = "cdn.pressfiles.test"
	s, m := static("cdn-magazine", "www.weeklyreview.test", numbered("/articles/%d", 50), func(p *page) {
		p.Scripts = []string{"/js/site.js", "/js/vendor.js"}
		for _, list := range [][]string{p.Styles, p.Scripts, p.Images} {
			for i := range list {
				list[i] = "https://" + cdn + list[i]
			}
		}
	})
	s.Others = []string{cdn}
	s.Feed = "/rss"
	m.feed(s.Feed, s.Host, s.Pages[1:15])
	s.handlers[cdn] = newMux("")
	return s
}

// forum is a board of PHP scripts with many numbers in its queries.
func forum() *Site {
	s := &Site{Kind: "forum", Host: "board.cyclists.test", Search: "/search.php?keywords=", Feed: "/feed.php", Login: Login{"/ucp.php", "username", "password"}}
	var topics []string
	for i := range 50 {
		topics = append(topics, fmt.Sprintf("/viewtopic.php?f=%d&t=%d", 1+i%5, 200+i))
	}
	topics = append(topics, "/viewtopic.php?f=2&t=211&start=25", "/viewtopic.php?p=9931#p9931")
	forums := numbered("/viewforum.php?f=%d", 5)
	s.Pages = append(append([]string{"/index.php"}, forums...), topics...)
	m := newMux("phpbb3_sid", "/ucp.php", "/memberlist.php")
	show := func(r *http.Request) *page {
		return &page{Title: words(r.URL.String(), 5), Styles: []string{"/styles/prosilver/theme/stylesheet.css"}, Scripts: []string{"/assets/javascript/jquery.min.js", "/styles/prosilver/template/forum.js"},
			Images: some(r.URL.RawQuery, numbered("/img/avatars/%d.png", 30), 5), Text: prose(r.URL.String(), 6), Feed: s.Feed,
			Links: append(links(append(some(r.URL.String(), topics, 12), forums...)), link{"/posting.php?mode=reply&t=204", "Reply"})}
	}
	for _, path := range []string{"/{$}", "/index.php", "/viewforum.php", "/viewtopic.php", "/search.php", "/memberlist.php", "/posting.php"} {
		m.page(path, false, show)
	}
	m.login(s.Login, "/index.php")
	m.feed(s.Feed, s.Host, topics[:10])
	s.handlers = map[string]http.Handler{s.Host: m}
	return s
}

// wiki is a wiki whose style sheets and scripts come from a script.
func wiki() *Site {
	s := &Site{Kind: "wiki", Host: "wiki.mapmakers.test", Search: "/w/index.php?search=", API: []string{"/w/api.php?action=query&titles=River&format=json", "/w/api.php?action=opensearch&search=br"}}
	var articles []string
	for i, w := range vocabulary {
		articles = append(articles, "/wiki/"+strings.ToUpper(w[:1])+w[1:], fmt.Sprintf("/wiki/%s_(%s)", strings.ToUpper(w[:1])+w[1:], pick(fmt.Sprint(i), vocabulary)))
	}
	s.Pages = append([]string{"/wiki/Main_Page", "/wiki/Special:RecentChanges"}, articles...)
	m := newMux("", "/w/")
	show := func(r *http.Request) *page {
		load := "/w/load.php?lang=en&skin=vector&modules="
		return &page{Title: words(r.URL.String(), 2), Styles: []string{load + "site.styles&only=styles"}, Scripts: []string{load + "startup&only=scripts"},
			Images: some(r.URL.String(), numbered("/media/thumb/%d.jpg", 50), int(number(r.URL.String())%4)), Text: prose(r.URL.String(), 8),
			Links: append(links(some(r.URL.String(), articles, 15)), link{template.URL("/w/index.php?title=" + strings.TrimPrefix(r.URL.Path, "/wiki/") + "&action=history"), "History"})}
	}
	m.page("/{$}", true, show)
	m.page("/wiki/{title}", true, show)
	m.page("/w/index.php", false, show)
	m.HandleFunc("/w/load.php", func(w http.ResponseWriter, r *http.Request) {
		name, kind := "site.css", "text/css"
		if r.URL.Query().Get("only") == "scripts" {
			name, kind = "startup.js", "text/javascript"
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write(content(name))
	})
	m.HandleFunc("/w/api.php", func(w http.ResponseWriter, r *http.Request) {
		serveJSON(w, http.StatusOK, []string{words(r.URL.RawQuery, 3)})
	})
	s.handlers = map[string]http.Handler{s.Host: m}
	return s
}

// news is a page of many files, a frame of another host, and a ticker that is asked for again and
// again.
func news() *Site {
	const ads = "ads.bannerhouse.test"
	s := &Site{Kind: "news", Host: "www.dailyherald.test", Others: []string{ads}, Feed: "/rss/all.xml", API: []string{"/live/ticker.json", "/live/weather.json"}}
	var stories []string
	for i := range 70 {
		stories = append(stories, fmt.Sprintf("/%s/%s-%d.html", pick(fmt.Sprint(i), []string{"politics", "sport", "culture", "local"}), slug(fmt.Sprint("story", i), 5), 88000+i))
	}
	s.Pages = append([]string{"/", "/politics/", "/sport/", "/culture/", "/local/"}, stories...)
	m := newMux("visitor")
	show := func(images int) func(*http.Request) *page {
		return func(r *http.Request) *page {
			p := &page{Title: words(r.URL.Path, 6), Styles: numbered("/static/css/part%d.css", 4), Scripts: append(numbered("/static/js/vendor%d.js", 5), "/static/js/page.js"),
				Images: some(r.URL.Path, numbered("/img/stories/%d.jpg", 120), images), Text: prose(r.URL.Path, 4), Links: links(append(some(r.URL.Path, stories, 20), s.Pages[:5]...)),
				Frames: []string{"https://" + ads + "/frame?place=top"}, Feed: s.Feed}
			p.Settings.Load, p.Settings.Poll, p.Settings.Seen = []string{"/live/weather.json"}, "/live/ticker.json", "/live/seen"
			return p
		}
	}
	m.page("/{$}", false, show(24))
	for _, part := range s.Pages[1:5] {
		m.page(part+"{$}", false, show(16))
		m.page(part+"{story}", false, show(9))
	}
	m.HandleFunc("/live/", func(w http.ResponseWriter, r *http.Request) { serveJSON(w, http.StatusOK, words(r.URL.Path, 5)) })
	m.feed(s.Feed, s.Host, stories[:20])
	m.sitemap(s.Host, s.Pages)
	frame := newMux("ad")
	frame.page("/frame", false, func(r *http.Request) *page {
		return &page{Title: "Advertisement", Images: []string{"/img/banner.png"}, Links: []link{{"/click", "More"}}}
	})
	s.handlers = map[string]http.Handler{s.Host: m, ads: frame}
	return s
}

// downloads offers large files, which may be asked for in parts.
func downloads() *Site {
	s, _ := static("downloads", "dl.opentools.test", numbered("/releases/1.%d/", 12), func(p *page) {
		for i := range 3 {
			p.Links = append(p.Links, link{template.URL(fmt.Sprintf("/files/%s-%d.tar.gz", slug(p.Title, 1), i)), "Archive"})
		}
	})
	s.Files = append(numbered("/files/opentools-1.%d.tar.gz", 8), "/files/opentools-setup.zip", "/checksums.txt")
	return s
}
