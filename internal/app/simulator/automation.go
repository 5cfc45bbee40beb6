package simulator

import (
	"net/http"
	"time"
)

// beginMonitor requests one target at a fixed period, with the jitter of a timer and a network.
func beginMonitor(w *world, slot int, now time.Duration, _ bool) routine {
	v := newTool(w, pick(w, toolAgents))
	host, target := WWW, productPage(w)
	switch slot % 4 {
	case 0:
		host, target = API, "/v1/health"
	case 1:
		target = "/"
	}
	period := w.between(700*time.Millisecond, 850*time.Millisecond)
	return repeat(w, now, period, period+5*time.Millisecond, func(at time.Duration) Request {
		return v.request(at, http.MethodGet, host, target)
	})
}

// beginHeadless drives a browser engine. It fetches styles and scripts for each page, since every
// page gets a fresh profile; images and fonts are switched off. One in three forgets to change the
// user agent.
func beginHeadless(w *world, slot int, now time.Duration, _ bool) routine {
	v := newBot(w, false)
	if slot%3 == 0 {
		v.browser = browser{
			agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/143.0.0.0 Safari/537.36",
			hints: `"HeadlessChrome";v="143", "Chromium";v="143", "Not A(Brand";v="24"`,
		}
	}
	from := ""
	return routine{
		until: now + w.between(8*time.Minute, 30*time.Minute),
		pause: func() time.Duration { return w.between(1400*time.Millisecond, 1440*time.Millisecond) },
		burst: func(at time.Duration, dst []Request) []Request {
			target := anyPage(w)
			dst = append(dst, v.navigate(at, http.MethodGet, WWW, target, from))
			from = "https://" + WWW + target
			dst, _ = v.load(w, at+w.between(60*time.Millisecond, 100*time.Millisecond), sharedAssets[:3], from, dst)
			return dst
		},
	}
}
