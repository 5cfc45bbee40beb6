package heuristics

import (
	"bytes"
	"slices"
	"strings"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/base/wordmatch"
)

// metadataHost has the credentials of a machine in a cloud: a request for it abuses the proxy.
const metadataHost = "169.254.169.254"

// uploads is where WordPress keeps the pictures of its pages.
const uploads = "/wp-content/uploads/"

// pathFilter rejects most paths that cannot match a pattern.
var pathFilter = func() *wordmatch.Filter {
	words := append(slices.Concat(dumpSuffixes, archiveSuffixes), uploads)
	for i := range pathPatterns {
		words = append(words, pathPatterns[i].text)
	}
	return wordmatch.NewFilter(words, usualPaths)
}()

// usualPaths are paths like those of most requests.
const usualPaths = `/ /index.html /index.php /favicon.ico /robots.txt /login /logout /account /search /cart /checkout /contact /about-us
/category/shoes /products/1234 /product/blue-shirt-large /shop/item/42 /blog/2024/11/05/how-to-grow-tomatoes /news/article-title-12345.html
/tag/release-notes /author/john /page/2 /en/docs/getting-started /users/profile /forum/viewtopic.php /wp-content/themes/theme/style.css
/wp-content/uploads/2024/05/picture-300x200.jpg /wp-includes/js/jquery/jquery.min.js /wp-json/wp/v2/posts /wp-admin/admin-ajax.php /wp-login.php
/static/css/main.3f2a1b.css /static/js/app.bundle.min.js /static/chunks/vendor.8d9e0f.js /assets/images/logo.png /images/photo_001.webp
/2021/08/winter-letter-on-the-table-in-an-old-house-and-all-that-it-is-for/ /guide/10-best-ways-to-make-large-local-change-come-with-less-work-per-user/
/hotel/city-center/long-weekend/order-more-than-one-good-thing/ /store/online/deal/offer/ /politics/election/ /local/weather/ /summer-sale-up-to-50-percent/
/gallery/image-12.jpg /thumb/photo-2.jpg /images/header.png /winter/ /printer-ink-kit/ /jacket-red-small/ /policies/shipping-policy /careers /portal/partner/
/fonts/roboto-regular.woff2 /media/video.mp4 /api/v1/users/123/orders /api/cart/items /graphql /default.aspx /sitemap.xml /feed /rss.xml`

// mayBeDamning reports whether a plain path needs the check damning: most do not.
func mayBeDamning(ev *traffic.Event) bool {
	return pathFilter.MayHold(ev.Path) || ev.Host == metadataHost
}

// pathMatcher finds the patterns of damningPaths, and pathPatterns has where each counts.
var pathMatcher, pathPatterns = func() (*wordmatch.Matcher, []pathPattern) {
	var words []wordmatch.Word
	var patterns []pathPattern
	for _, kind := range damningPaths {
		for _, written := range strings.Fields(kind.patterns) {
			p := pathPattern{shown: kind.shown}
			written, p.root = strings.CutPrefix(written, "^")
			written, p.last = strings.CutSuffix(written, "!")
			w := wordmatch.Anchored(written)
			p.text = w.Text
			words, patterns = append(words, w), append(patterns, p)
		}
	}
	return wordmatch.New(words), patterns
}()

// pathPattern is where a pattern counts.
type pathPattern struct {
	text  string
	root  bool // at the beginning of the path
	last  bool // at its end
	shown shown
}

// damning reports whether no person requests a plain path of a host.
func damning(path []byte, host string) bool {
	if host == metadataHost {
		return true
	}
	search := pathMatcher.Search(path)
	for word, end, ok := search.Next(); ok; word, end, ok = search.Next() {
		p := &pathPatterns[word]
		from := end - len(p.text)
		if p.root && from > 0 || p.last && end < len(path) || isShown(p.shown, path[:from]) {
			continue
		}
		return true
	}
	return isForgottenCopy(path, host) || isUploadedScript(path)
}

// isShown reports whether people see such files in these folders: of a forge (GitHub, GitLab,
// Gitea, cgit and others), where owner or project come first, and of an encyclopedia.
func isShown(where shown, folders []byte) bool {
	if where == nowhere {
		return false
	}
	for _, mark := range forgeMarks {
		if at := bytes.Index(folders, mark); at > 0 ||
			at < 0 && len(folders) >= len(mark) && bytes.HasSuffix(folders, mark[:len(mark)-1]) {
			return true
		}
	}
	return where == inWiki && bytes.HasSuffix(folders, []byte("/wiki"))
}

var forgeMarks = [...][]byte{
	[]byte("/blob/"), []byte("/tree/"), []byte("/raw/"), []byte("/blame/"), []byte("/plain/"),
	[]byte("/commits/"), []byte("/-/"),
	[]byte("/src/branch/"), []byte("/src/commit/"), []byte("/src/tag/"), []byte("/browse/"),
	[]byte("/edit/"),
}

// isForgottenCopy reports whether a path is an archive of the whole site at its root, or a dump of
// its database. Downloads are in folders, or have names of programs.
func isForgottenCopy(path []byte, host string) bool {
	slash := bytes.LastIndexByte(path, '/')
	folder, name := path[:max(slash, 0)], path[slash+1:]
	dot := bytes.IndexByte(name, '.')
	if dot <= 0 {
		return false
	}
	stem, suffix := bytes.TrimRight(name[:dot], "-_0123456789"), name[dot:]
	root, whole := len(folder) == 0, isIn(stem, wholeSites)
	there := root || isIn(folder[bytes.LastIndexByte(folder, '/')+1:], backupFolders)
	switch {
	case isIn(suffix, dumpSuffixes):
		return there || whole
	case whole && there && isIn(suffix, archiveSuffixes):
		return true
	}
	n := len(host)
	return there && n > 0 && len(name) > n && bytes.EqualFold(name[:n], []byte(host)) &&
		isIn(name[n:], archiveSuffixes)
}

// isUploadedScript reports whether a path is a script among the pictures of WordPress.
func isUploadedScript(path []byte) bool {
	at := bytes.Index(path, []byte(uploads))
	return at >= 0 && isIn(path[max(at+len(uploads), bytes.LastIndexByte(path, '.')):],
		scriptSuffixes)
}

// scriptSuffixes are the suffixes that servers run as PHP.
var scriptSuffixes = []string{".php", ".php3", ".php4", ".php5", ".php7", ".php8", ".phtml",
	".phtm", ".pht", ".phar", ".hphp"}

// isIn reports whether b is in a list of words, without regard to case.
func isIn(b []byte, list []string) bool {
	for _, word := range list {
		if len(b) == len(word) && bytes.EqualFold(b, []byte(word)) {
			return true
		}
	}
	return false
}
