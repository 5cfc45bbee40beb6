package proxyhook_test

import (
	"crypto/tls"
	"expvar"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// What a filter counts, including a shadow's verdicts, at /debug/vars of the proxy.
func ExampleFilter_Stats() {
	filter, err := proxyhook.New(proxyhook.Config{
		ModelFile:  "/etc/headgate/model.cbm",
		ShadowFile: "/etc/headgate/candidate.cbm",
		Policy:     proxyhook.Thresholds{TagBelow: 30, DenyBelow: 5},
	})
	if err != nil {
		log.Fatal(err)
	}
	expvar.Publish("headgate", expvar.Func(func() any { return filter.Stats() }))
	shadow := filter.Stats().Shadow
	log.Printf("the shadow would deny %d, of which %d were allowed", shadow.Action(proxyhook.Deny),
		shadow.Matrix[proxyhook.Allow][proxyhook.Deny])
}

// A server that ends TLS and knows what its clients' requests look like on the wire.
func ExampleCaptureWire() {
	filter, err := proxyhook.New(proxyhook.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer filter.Close()
	certificate, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	if err != nil {
		log.Fatal(err)
	}
	below, err := proxyhook.Listen("tcp", ":443")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: filter.Handler(http.DefaultServeMux), ReadHeaderTimeout: 10 * time.Second}
	listener := proxyhook.CaptureWire(server, below, &tls.Config{Certificates: []tls.Certificate{certificate}})
	expvar.Publish("wire", expvar.Func(func() any { return listener.Stats() }))
	log.Fatal(server.Serve(listener))
}

// A reverse proxy that scores its requests and protects its origin. examples/proxy is that of the
// README: it has trusted proxies and metrics, too.
func ExampleNew() {
	origin, _ := url.Parse("http://127.0.0.1:8081")
	filter, err := proxyhook.New(proxyhook.Config{
		Limits:        limits.LimiterConfig{Threshold: 100},
		OriginSilence: time.Minute,
		ClientSilence: time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer filter.Close()
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(origin) },
		Transport: filter.Transport(&http.Transport{DialContext: proxyhook.Dialer().DialContext}),
	}
	listener, err := proxyhook.Listen("tcp", "127.0.0.1:8080")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: filter.Handler(proxy), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	log.Fatal(server.Serve(listener))
}
