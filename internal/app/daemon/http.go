package daemon

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serveHTTP starts the endpoints and returns a function that stops them.
func (d *Daemon) serveHTTP() (stop func(), err error) {
	if d.config.Listen == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", d.config.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use; name another port with --listen (127.0.0.1:0 takes a free one)", d.config.Listen)
	}
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler:           &hostCheck{names: d.config.HostNames, next: d.Handler(), refuse: d.countRefused},
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      10 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	go server.Serve(listener)
	d.config.Log.Info("headgate: serving /metrics, /healthz and /readyz", "address", "http://"+listener.Addr().String())
	return func() { server.Close() }, nil
}

func (d *Daemon) countRefused() { d.count(func(s *Stats) { s.HTTPRefused++ }) }

// Handler returns the endpoints: /metrics (Prometheus), /healthz (the process is alive) and /readyz
// (whether proxies are served, and what is wrong; 503 if they are not).
func (d *Daemon) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&collector{daemon: d}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", d.serveReady)
	return mux
}
