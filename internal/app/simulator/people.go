package simulator

import (
	"fmt"
	"net/http"
	"time"
)

func beginReader(w *world, _ int, _ time.Duration, resumed bool) routine {
	v := newPerson(w, w.personAddr(), desktopBrowsers, resumed)
	if w.chance(0.2) {
		v.browser = pick(w, mobileBrowsers)
	}
	return reading(w, v, w.geometric(1, 5), 5*time.Second)
}

func beginMobile(w *world, _ int, _ time.Duration, resumed bool) routine {
	v := newPerson(w, w.carrierAddr(), mobileBrowsers, resumed)
	return reading(w, v, w.geometric(1, 3), 6*time.Second)
}

func beginReturning(w *world, _ int, _ time.Duration, _ bool) routine {
	browsers := desktopBrowsers
	if w.chance(0.4) {
		browsers = mobileBrowsers
	}
	v := newPerson(w, w.personAddr(), browsers, true)
	v.revalidates = true
	v.cached = w.chance(0.5) // the others reload, and revalidate the shared assets too
	return reading(w, v, w.geometric(1, 4), 5*time.Second)
}

// reading reads a number of linked pages, each with its assets.
func reading(w *world, v *visitor, pages int, median time.Duration) routine {
	from := pick(w, outsideReferers)
	return routine{
		left:  pages,
		pause: func() time.Duration { return w.think(median) },
		burst: func(at time.Duration, dst []Request) []Request {
			target := anyPage(w)
			dst = v.visit(w, at, WWW, target, from, dst)
			from = "https://" + WWW + target
			if !v.refusesAll && !v.browser.textOnly && w.chance(0.3) { // page statistics
				last := dst[len(dst)-1].At
				r := v.call(last+w.between(50*time.Millisecond, 400*time.Millisecond), http.MethodPost, API, "/v1/events", from)
				r.Body = `{"event":"view"}`
				dst = append(dst, r)
			}
			return dst
		},
	}
}

// beginApp polls the API. Its timing is that of a program, its headers and pauses are those of a
// person's browser.
func beginApp(w *world, _ int, _ time.Duration, resumed bool) routine {
	v := newPerson(w, w.personAddr(), desktopBrowsers, resumed)
	v.browser.textOnly = false
	const page = "https://" + WWW + "/app"
	period := w.between(2*time.Second, 4*time.Second)
	since, loaded := w.IntN(100_000), resumed
	return routine{
		left: w.geometric(10, 45),
		pause: func() time.Duration {
			if w.chance(0.05) {
				return w.think(6 * time.Second) // a tab in the background polls less often
			}
			return period + w.between(0, 60*time.Millisecond)
		},
		burst: func(at time.Duration, dst []Request) []Request {
			if !loaded {
				loaded = true
				dst = v.visit(w, at, WWW, "/app", "", dst)
				at = dst[len(dst)-1].At + w.between(20*time.Millisecond, 200*time.Millisecond)
				dst = append(dst, v.call(at, http.MethodOptions, API, "/v1/session", page))
				at += w.between(5*time.Millisecond, 40*time.Millisecond)
				return append(dst, v.call(at, http.MethodGet, API, "/v1/session", page))
			}
			dst = append(dst, v.call(at, http.MethodGet, API, fmt.Sprintf("/v1/notifications?since=%d", since), page))
			since += w.IntN(3)
			return v.act(w, at, page, dst)
		},
	}
}

// act appends what a person does in the application besides polling.
func (v *visitor) act(w *world, at time.Duration, page string, dst []Request) []Request {
	at += w.between(100*time.Millisecond, 900*time.Millisecond)
	switch {
	case w.chance(0.1):
		r := v.call(at, http.MethodPost, API, "/v1/messages", page)
		r.Body = `{"text":"hello"}`
		return append(dst, r)
	case w.chance(0.25):
		return append(dst, v.call(at, http.MethodGet, API, fmt.Sprintf("/v1/products/%d", 1+w.popular(products)), page),
			v.call(at+30*time.Millisecond, http.MethodGet, API, "/v1/feed", page))
	}
	return dst
}
