package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"time"

	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/proxyhook/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	origin, _ := url.Parse("http://127.0.0.1:8081")
	filter, err := proxyhook.New(proxyhook.Config{
		Limits:         limits.LimiterConfig{Threshold: 100},                // in flight at the origin
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, // in front of this one
		OriginSilence:  time.Minute,
		ClientSilence:  time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer filter.Close()
	prometheus.MustRegister(metrics.NewCollector(filter))
	go func() { log.Fatal(http.ListenAndServe("127.0.0.1:9478", promhttp.Handler())) }()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(origin)
			r.Out.Host = r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded() // appends the address of the peer
		},
		Transport: filter.Transport(&http.Transport{DialContext: proxyhook.Dialer().DialContext}),
	}
	listener, err := proxyhook.Listen("tcp", "127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{
		Handler:           filter.Handler(proxy),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
	}
	log.Fatal(server.Serve(listener))
}
