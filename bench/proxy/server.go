package proxy

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"sync"

	"golang.org/x/time/rate"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

const (
	originRole = "proxy-origin"
	frontRole  = "proxy-front"
)

func init() {
	harness.RegisterChild(originRole, serveOrigin)
	harness.RegisterChild(frontRole, serveFront)
}

// listen prints the address, for the parent, and serves until the parent kills the process.
func listen(handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	return http.Serve(listener, handler)
}

// serveOrigin answers with a kilobyte.
func serveOrigin([]string) error {
	page := make([]byte, 1024)
	return listen(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) }))
}

// serveFront is a proxy. Its arguments are the middleware, the origin and the daemon's directory.
func serveFront(args []string) error {
	origin, err := url.Parse(args[1])
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 2 * connections
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(origin) },
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0), // wrk hangs up when its time is over; what fails before that, it tells itself
	}
	switch args[0] {
	case "no filter":
		return listen(proxy)
	case "x/time/rate per address":
		return listen(limitPerAddress(proxy))
	}
	filter, err := proxyhook.New(proxyhook.Config{
		Dir:            args[2],
		Limits:         limits.LimiterConfig{Threshold: 10 * connections},
		Log:            slog.New(slog.DiscardHandler),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	if err != nil {
		return err
	}
	proxy.Transport = filter.Transport(transport)
	return listen(filter.Handler(proxy))
}

// limitPerAddress is what one finds in many code bases: a limiter for each address in a map that nobody clears.
func limitPerAddress(next http.Handler) http.Handler {
	var mutex sync.Mutex
	limiters := map[string]*rate.Limiter{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := r.Header.Get("X-Forwarded-For")
		mutex.Lock()
		limiter, ok := limiters[client]
		if !ok {
			limiter = rate.NewLimiter(1e6, 1e6)
			limiters[client] = limiter
		}
		mutex.Unlock()
		if !limiter.Allow() {
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}
