package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/headgate/headgate/models/corpus"
	"github.com/headgate/headgate/models/zoo/site"
	"github.com/headgate/headgate/proxyhook"
)

// front is the server that the clients see: TLS, the recorder, headgate's filter, and the sites
// behind it.
type front struct {
	*recorder
	sites  []*site.Site
	filter *proxyhook.Filter
	server *http.Server
	plain  *http.Server
}

// newFront makes the front of a filter with this configuration.
func newFront(config proxyhook.Config) (*front, error) {
	f := &front{sites: site.All()}
	filter, err := proxyhook.New(config)
	if err != nil {
		return nil, fmt.Errorf("zoo: making the filter: %w", err)
	}
	f.filter = filter
	f.recorder = newRecorder(filter.Handler(site.Slowly(site.Handler(f.sites))))
	f.server = newServer(fromElsewhere(f.recorder))
	f.plain = &http.Server{Handler: http.HandlerFunc(toTLS), ReadHeaderTimeout: 10 * time.Second}
	return f, nil
}

// startFront serves on the ports 443 and 80 of all addresses.
func startFront(certificate tls.Certificate, gate string) (*front, error) {
	f, err := newFront(proxyhook.Config{
		Dir: gate, Log: slog.New(slog.DiscardHandler), Origin: func(r *http.Request) string { return r.Host },
	})
	if err != nil {
		return nil, err
	}
	secure, err := net.Listen("tcp", ":443")
	if err == nil {
		f.serve(secure, certificate)
		var inClear net.Listener
		if inClear, err = net.Listen("tcp", ":80"); err == nil {
			go f.plain.Serve(inClear)
			return f, nil
		}
	}
	f.close()
	return nil, fmt.Errorf("zoo: listening: %w", err)
}

// serve serves what the listener accepts, over TLS.
func (f *front) serve(l net.Listener, certificate tls.Certificate) {
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS10}
	noteHello(f.server, config)
	go f.server.Serve(tapListener{proxyhook.CaptureWire(f.server, l, config)})
}

func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 20 * time.Second, IdleTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
	}
}

// toTLS sends who comes without TLS to where the sites are.
func toTLS(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "https://"+r.Host+r.URL.RequestURI(), http.StatusMovedPermanently)
}

// noteHello has each connection keep its client hello.
func noteHello(server *http.Server, config *tls.Config) {
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, tapKey{}, c.(*tap))
	}
	config.GetConfigForClient = func(info *tls.ClientHelloInfo) (*tls.Config, error) {
		contextTap(info.Context()).hello = corpus.NewHello(info)
		return nil, nil
	}
}

func (f *front) close() error {
	return errors.Join(f.server.Close(), f.plain.Close(), f.filter.Close())
}

// parseAddr returns an address without its port.
func parseAddr(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
