package proxyhook_test

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// A reverse proxy that scores its requests and protects its origin. It is the example of the README.
func ExampleNew() {
	origin, _ := url.Parse("http://127.0.0.1:8081")
	filter, err := proxyhook.New(proxyhook.Config{Limits: limits.LimiterConfig{Threshold: 100}})
	if err != nil {
		log.Fatal(err)
	}
	defer filter.Close()
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(origin) },
		Transport: filter.Transport(nil),
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", filter.Handler(proxy)))
}
