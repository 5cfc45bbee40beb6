package site

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// phpShop is a shop of PHP scripts, each with a query, whose pages use jQuery.
func phpShop() *Site {
	s := &Site{Kind: "php-shop", Host: "www.kitchenware.test", Search: "/search.php?q=", API: []string{"/ajax/stock.php?id=3", "/ajax/stock.php?id=8", "/ajax/basket.php"},
		Login: Login{"/login.php", "email", "passwd"}}
	products, categories := numbered("/product.php?id=%d", 60), numbered("/category.php?id=%d", 9)
	s.Pages = append(append([]string{"/index.php", "/cart.php", "/contact.php"}, categories...), products...)
	m := newMux("PHPSESSID", "/cart.php", "/login.php")
	show := func(r *http.Request, linked []string, images int) *page {
		p := &page{Title: words(r.URL.String(), 3), Styles: []string{"/css/style.css", "/css/print.css"}, Scripts: []string{"/js/jquery-3.7.1.min.js", "/js/shop.js"},
			Images: some(r.URL.RawQuery, numbered("/img/products/%d.jpg", 60), images), Text: prose(r.URL.String(), 2),
			Links: append(links(some(r.URL.String(), linked, 8)), links(categories)...), Forms: []form{{"/search.php", "get", []field{{"q", "search", ""}}}}}
		p.Settings.XHR = []string{"/ajax/basket.php"}
		return p
	}
	home := func(r *http.Request) *page { return show(r, products, 8) }
	m.page("/{$}", false, home)
	m.page("/index.php", false, home)
	m.page("/category.php", false, home)
	m.page("/search.php", false, home)
	m.page("/contact.php", false, home)
	m.page("/product.php", false, func(r *http.Request) *page {
		id, err := strconv.Atoi(r.URL.Query().Get("id"))
		if err != nil || id < 1 || id > 60 {
			return nil
		}
		p := show(r, products, 3)
		p.Settings.XHR = append(p.Settings.XHR, fmt.Sprintf("/ajax/stock.php?id=%d", id))
		p.Forms = append(p.Forms, form{"/cart.php", "post", []field{{"id", "hidden", strconv.Itoa(id)}}})
		return p
	})
	m.HandleFunc("POST /cart.php", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/cart.php", http.StatusSeeOther) })
	m.page("GET /cart.php", false, func(r *http.Request) *page { return show(r, products, 1) })
	m.HandleFunc("/ajax/", func(w http.ResponseWriter, r *http.Request) {
		serveJSON(w, http.StatusOK, map[string]any{"stock": number(r.URL.String()) % 9})
	})
	m.login(s.Login, "/index.php")
	m.sitemap(s.Host, s.Pages)
	s.handlers = map[string]http.Handler{s.Host: m}
	return s
}

// login serves a form that every password but "correct horse" fails at.
func (m *mux) login(l Login, next string) {
	ask := func(status int) *page {
		return &page{Title: "Sign in", Status: status, Styles: []string{"/css/style.css"}, Scripts: []string{"/js/form.js"},
			Forms: []form{{l.Path, "post", []field{{l.Name, "text", ""}, {l.Password, "password", ""}}}}}
	}
	m.page("GET "+l.Path, false, func(*http.Request) *page { return ask(0) })
	m.HandleFunc("POST "+l.Path, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
		if r.FormValue(l.Password) != "correct horse" {
			ask(http.StatusUnauthorized).serve(w, r, false)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "auth", Value: "1", Path: "/"})
		http.Redirect(w, r, next, http.StatusSeeOther)
	})
}

// catalogue is a large shop with names in its paths, a search, facets and a sort order in its
// queries.
func catalogue() *Site {
	s := &Site{Kind: "catalogue", Host: "shop.outdoorgear.test", Search: "/search?q=", API: []string{"/api/suggest?q=te", "/api/suggest?q=ten", "/api/suggest?q=tent"},
		Login: Login{"/account/login", "user", "password"}}
	var products, lists []string
	for i := range 80 {
		products = append(products, fmt.Sprintf("/p/%s-%d", slug(fmt.Sprint("product", i), 3), 1000+i))
	}
	for _, c := range []string{"tents", "boots", "jackets", "stoves", "maps"} {
		lists = append(lists, "/c/"+c, "/c/"+c+"?page=2", "/c/"+c+"?brand=orra&size=42&sort=price-asc", "/c/"+c+"?colour=green&page=3")
	}
	s.Pages = append(append([]string{"/", "/stores", "/help/delivery"}, lists...), products...)
	m := newMux("cid", "/checkout", "/account")
	show := func(r *http.Request, images int) *page {
		p := &page{Title: words(r.URL.String(), 4), Styles: []string{"/assets/app.3f2c.css"}, Scripts: []string{"/assets/vendor.91aa.js", "/assets/app.77e0.js"},
			Images: some(r.URL.String(), numbered("/assets/pictures/%d.jpg", 90), images), Text: prose(r.URL.Path, 2),
			Links: append(links(some(r.URL.String(), products, 12)), links(some(r.URL.Path, lists, 6))...), Forms: []form{{"/search", "get", []field{{"q", "search", ""}}}}}
		p.Settings.Load, p.Settings.Seen = []string{"/api/basket"}, "/api/events"
		return p
	}
	m.page("/{$}", false, func(r *http.Request) *page { return show(r, 10) })
	m.page("/c/{name}", false, func(r *http.Request) *page { return show(r, 12) })
	m.page("/search", false, func(r *http.Request) *page { return show(r, 6) })
	m.page("/stores", false, func(r *http.Request) *page { return show(r, 1) })
	m.page("/help/{name}", false, func(r *http.Request) *page { return show(r, 0) })
	m.page("/p/{name}", false, func(r *http.Request) *page {
		if !strings.Contains(r.PathValue("name"), "-10") {
			return nil
		}
		p := show(r, 5)
		p.Settings.Load = append(p.Settings.Load, "/api/reviews?product="+r.PathValue("name"))
		return p
	})
	m.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		serveJSON(w, http.StatusOK, []string{words(r.URL.RawQuery, 2)})
	})
	m.login(s.Login, "/")
	m.sitemap(s.Host, s.Pages)
	s.handlers = map[string]http.Handler{s.Host: m}
	return s
}
