package simulator

import (
	"fmt"
	"net/http"
	"time"
)

// probes are the targets of vulnerability scanners.
var probes = []string{
	"/.env", "/.env.production", "/.env.bak", "/api/.env", "/.git/config", "/.git/HEAD", "/.svn/entries", "/.aws/credentials",
	"/wp-login.php", "/wp-admin/setup-config.php", "/wp-content/plugins/", "/wp-includes/wlwmanifest.xml", "/xmlrpc.php",
	"/phpmyadmin/index.php", "/pma/", "/phpinfo.php", "/info.php", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
	"/cgi-bin/luci/;stok=/locale", "/boaform/admin/formLogin", "/HNAP1/", "/actuator/health", "/actuator/env",
	"/server-status", "/manager/html", "/solr/admin/info/system", "/console/", "/config.json", "/config.php.bak",
	"/backup.zip", "/backup.sql", "/db.sql", "/dump.sql", "/.DS_Store", "/.vscode/sftp.json", "/docker-compose.yml",
	"/owa/auth/logon.aspx", "/autodiscover/autodiscover.json", "/geoserver/web/", "/login.action", "/telescope/requests",
	"/debug/default/view", "/s/lookup/_/META-INF/maven/pom.properties", "/index.php?s=/index/invokefunction", "/?rest_route=/wp/v2/users/",
	"/", "/robots.txt", "/login",
}

// beginProber repeats the list in a changing order and below changing folders, on both fast hosts.
func beginProber(w *world, slot int, now time.Duration, _ bool) routine {
	v := newTool(w, pick(w, probeAgents))
	if slot%3 == 2 {
		v = newBot(w, false) // the careful half looks like a browser
	}
	folders := []string{"", "", "/blog", "/wp", "/shop", "/old", "/backend"}
	var order []int
	folder := ""
	return repeat(w, now, 150*time.Millisecond, 420*time.Millisecond, func(at time.Duration) Request {
		if len(order) == 0 {
			order, folder = w.Perm(len(probes)), pick(w, folders)
		}
		target := folder + probes[order[0]]
		order = order[1:]
		host, method := WWW, http.MethodGet
		if w.chance(0.2) {
			host = API
		}
		if w.chance(0.08) {
			method = http.MethodHead
		}
		return v.navigate(at, method, host, target, "")
	})
}

// beginStuffer tries passwords. Half of the stuffers send all headers of a browser, the cookie of
// the login page and its referer.
func beginStuffer(w *world, slot int, now time.Duration, _ bool) routine {
	v := newBot(w, slot%2 == 0)
	v.refusesAll = slot%2 == 0
	from := ""
	if slot%2 == 1 {
		from = "https://" + WWW + "/login"
	}
	begun := false
	return repeat(w, now, 300*time.Millisecond, 700*time.Millisecond, func(at time.Duration) Request {
		v.browser = pick(w, desktopBrowsers)
		if !begun || w.chance(0.1) { // a fresh form
			begun = true
			r := v.navigate(at, http.MethodGet, WWW, "/login", "")
			v.cookie = ""
			v.acceptCookie(w)
			return r
		}
		r := v.navigate(at, http.MethodPost, WWW, guessedLogin(w), from)
		r.Body = fmt.Sprintf("user=user%d&password=%08x", w.IntN(1_000_000), w.Uint32())
		return r
	})
}
