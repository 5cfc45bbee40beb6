package simulator

import (
	"fmt"
	"net/http"
	"strings"
)

// Numbers of the newest article and product, from 1.
const (
	articles = 4_000
	products = 20_000
)

// categories are also search words.
var categories = []string{"kitchen", "garden", "office", "outdoor", "audio", "lighting", "tools", "textiles"}

var searchWords = append([]string{
	"desk", "lamp", "oak", "chair", "kettle", "steel", "cotton", "blanket", "headphones", "wireless", "shelf", "small",
	"blue", "green", "folding", "table", "bread", "knife", "set", "tent", "two", "person", "backpack", "waterproof",
	"rug", "round", "cable", "usb", "charger", "mug", "ceramic", "plant", "pot", "hose", "drill", "cordless", "gift",
	"sale", "bulb", "warm", "white", "curtain", "linen", "pan", "cast", "iron", "stove", "camping", "mirror", "clock",
}, categories...)

var wwwPages = map[string]bool{
	"/": true, "/about": true, "/contact": true, "/cart": true, "/checkout": true, "/login": true, "/account": true,
	"/app": true, "/robots.txt": true, "/sitemap.xml": true, "/favicon.ico": true,
}

var apiCalls = map[string]bool{
	"/v1/notifications": true, "/v1/session": true, "/v1/feed": true, "/v1/health": true,
}

func init() {
	for _, c := range categories {
		wwwPages["/category/"+c] = true
	}
}

// assetSizes are the largest sizes of assets in bytes; no suffix is the end of another.
var assetSizes = map[string]int{
	".css": 40_000, ".js": 160_000, ".woff2": 60_000, ".webp": 220_000, ".svg": 6_000,
}

// asset is a file that a page needs.
type asset struct{ target, dest string } // dest as in Sec-Fetch-Dest

// sharedAssets are on every page; a browser fetches them once.
var sharedAssets = []asset{
	{"/static/site.4f1c.css", "style"},
	{"/static/vendor.92ab.js", "script"},
	{"/static/site.b07e.js", "script"},
	{"/fonts/text.woff2", "font"},
	{"/img/logo.svg", "image"},
	{"/favicon.ico", "image"},
}

// images returns the pictures of a page, always the same: 2 to 6.
func images(page string) []asset {
	h := hash(page)
	list := make([]asset, 2+h%5)
	for i := range list {
		list[i] = asset{fmt.Sprintf("/img/%d-%d.webp", h/8%5_000, i), "image"}
	}
	return list
}

func articlePage(w *world) string { return fmt.Sprintf("/articles/%d", 1+w.popular(articles)) }
func productPage(w *world) string { return fmt.Sprintf("/products/%d", 1+w.popular(products)) }

// anyPage returns the target of a link that a reader follows.
func anyPage(w *world) string {
	switch n := w.IntN(20); {
	case n < 11:
		return articlePage(w)
	case n < 15:
		return productPage(w)
	case n < 18:
		return "/category/" + pick(w, categories)
	case n < 19:
		return "/about"
	}
	return "/"
}

// searchPage returns a search for one to three words.
func searchPage(w *world, page int) string {
	words := make([]string, 1+w.IntN(3))
	for i := range words {
		words[i] = pick(w, searchWords)
	}
	target := "/search?q=" + strings.Join(words, "+")
	if page > 1 {
		target += fmt.Sprintf("&page=%d", page)
	}
	return target
}

// loginTarget returns a login that succeeds or fails, see respondForm.
func loginTarget(w *world, well bool) string {
	for {
		target := guessedLogin(w)
		if (Respond(WWW, http.MethodPost, target).Status == http.StatusSeeOther) == well {
			return target
		}
	}
}

func guessedLogin(w *world) string { return fmt.Sprintf("/login?state=%08x", w.Uint32()) }
