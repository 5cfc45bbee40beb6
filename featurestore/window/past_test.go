package window_test

import (
	"fmt"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// lastRow returns features of the last of a client's requests, which come a second apart.
func lastRow(t *testing.T, names []string, events ...traffic.Event) []float32 {
	t.Helper()
	a := newAggregator(t, window.Config{})
	var o traffic.Observation
	for i := range events {
		ev := &events[i]
		ev.Time, ev.Host, ev.UserAgent = noon+int64(i)*1e9, "a.test", "agent/1"
		ev.Client[15] = 1
		traffic.Observe(ev, seed, &o)
		a.Add(&o)
	}
	row := make([]float32, len(names))
	a.Select(names).Read(row, &o.Keys, o.Time)
	return row
}

// request is one for path that names the page from as the one that it came from.
func request(method, path, from string) traffic.Event {
	ev := traffic.Event{Method: method, Path: path, Status: 200}
	if from != "" {
		ev.Facts = traffic.FactRefererKnown | traffic.FactReferer | traffic.FactRefererSame
		traffic.Sums{}.SetLink(&ev, from)
	}
	return ev
}

// A browser names pages that it fetched; a program that sends one forged Referer with everything
// names one that it did not.
func TestLinksFollowed(t *testing.T) {
	var browser, forger, longAgo []traffic.Event
	for i := range 12 {
		page := fmt.Sprintf("/page/%d", i)
		from := ""
		if i > 0 {
			from = fmt.Sprintf("/page/%d", i/2)
		}
		browser = append(browser, request("GET", page, from), request("GET", "/style.css", page), request("POST", "/api/x", page))
		forger = append(forger, request("GET", page, "/welcome"))
	}
	for i := range 17 {
		longAgo = append(longAgo, request("GET", fmt.Sprintf("/page/%d", i), ""))
	}
	names := []string{"ip_ua/links_followed_share_10m"}
	for what, c := range map[string]struct {
		events []traffic.Event
		want   float32
	}{
		"a browser":             {browser, 1},
		"a forged referer":      {forger, 0},
		"the page before":       {append(longAgo[:17:17], request("GET", "/x", "/page/1")), 1},
		"seventeen pages ago":   {append(longAgo[:17:17], request("GET", "/x", "/page/0")), 0},
		"itself":                {[]traffic.Event{request("GET", "/x", "/x")}, 0},
		"itself, once reloaded": {[]traffic.Event{request("GET", "/x", ""), request("GET", "/x", "/x")}, 1},
	} {
		if got := lastRow(t, names, c.events...); got[0] != c.want {
			t.Errorf("%s: %v of the links were followed, want %v", what, got[0], c.want)
		}
	}
	if got := lastRow(t, names, request("GET", "/x", "")); got[0] == got[0] {
		t.Errorf("without a link the share is %v", got[0])
	}
}

// Trying passwords is one form sent over and over, whatever the site answers; also to two forms in
// turns. Filling in several forms is not.
func TestPostsRepeated(t *testing.T) {
	var logins, turns, forms []traffic.Event
	for i := range 20 {
		login := request("POST", "/login", "")
		login.Status = []uint16{200, 302, 401}[i%3]
		logins = append(logins, login, request("GET", "/login", ""))
		turns = append(turns, request("POST", []string{"/login", "/xmlrpc.php"}[i%2], ""))
		forms = append(forms, request("POST", fmt.Sprintf("/form/%d", i), ""))
	}
	names := []string{"ip/posts_repeated_10m"}
	for what, c := range map[string]struct {
		events   []traffic.Event
		from, to float32
	}{"logins": {logins, 17, 19}, "two forms in turns": {turns, 17, 18}, "twenty forms": {forms, 0, 0}} {
		if got := lastRow(t, names, c.events...)[0]; got < c.from || got > c.to {
			t.Errorf("%s: %v repeated, want %v to %v", what, got, c.from, c.to)
		}
	}
}
