package demo

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/headgate/headgate/internal/app/simulator"
	"github.com/headgate/headgate/proxyhook"
)

// Headers between the parts of the demonstration.
const (
	statusHeader = "X-Demo-Status" // to the origin: answer with this status
	sizeHeader   = "X-Demo-Size"   // and this many bytes
	originHeader = "X-Demo-Origin" // to the client: the origin's name
	scoreHeader  = "X-Demo-Score"  // the filter's score; its own fields never reach a client
	actionHeader = "X-Demo-Action"
)

// maxBody bounds the body of an answer to a log's line.
const maxBody = 256 << 10

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// site runs the three origins and the proxy in front of them.
type site struct {
	servers   []*http.Server
	addresses map[string]string // of an origin, by name
	names     map[string]string // of an origin, by address
	proxyAddr string
}

func startSite(filter *proxyhook.Filter) (_ *site, err error) {
	s := &site{addresses: make(map[string]string), names: make(map[string]string)}
	for _, name := range simulator.Hosts {
		addr, err := s.serve(origin(name))
		if err != nil {
			s.stop()
			return nil, err
		}
		s.addresses[name], s.names[addr] = addr, name
	}
	if s.proxyAddr, err = s.serve(filter.Handler(s.proxy(filter))); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// serve starts a server on a free port. The listener and the timeouts end connections of dead
// peers. There is no timeout for a whole request or answer: downloads may take as long as they
// need.
func (s *site) serve(h http.Handler) (addr string, err error) {
	listener, err := proxyhook.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       60 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	s.servers = append(s.servers, server)
	go server.Serve(proxyhook.CaptureWire(server, listener, nil))
	return listener.Addr().String(), nil
}

func (s *site) stop() {
	for _, server := range s.servers {
		server.Close()
	}
}

// proxy links headgate into a reverse proxy. Unlike a real proxy it also sends the filter's
// decision to the client.
func (s *site) proxy(filter *proxyhook.Filter) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			addr, ok := s.addresses[r.In.Host]
			if !ok {
				addr = s.addresses[simulator.WWW]
			}
			r.SetURL(&url.URL{Scheme: "http", Host: addr})
			r.Out.Host = r.In.Host
		},
		Transport: filter.Transport(&http.Transport{
			DialContext:           proxyhook.Dialer().DialContext,
			MaxIdleConnsPerHost:   256,
			ResponseHeaderTimeout: 20 * time.Second,
			DisableCompression:    true,
		}),
		ModifyResponse: func(r *http.Response) error {
			r.Header.Set(originHeader, s.names[r.Request.URL.Host])
			setDecision(r.Header, r.Request.Context())
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			setDecision(w.Header(), r.Context())
			status := http.StatusBadGateway
			if errors.Is(err, proxyhook.ErrOriginSilent) {
				status = http.StatusGatewayTimeout
			}
			w.WriteHeader(status)
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

func setDecision(h http.Header, ctx context.Context) {
	if d, ok := proxyhook.FromContext(ctx); ok {
		h.Set(scoreHeader, strconv.Itoa(int(d.Score)))
		h.Set(actionHeader, d.Action.String())
	}
}

// origin answers for one host: as in the simulation, or with the status and size of a log's line.
func origin(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response := answer(name, r)
		select {
		case <-time.After(response.Delay):
		case <-r.Context().Done():
			return
		}
		if bodyAllowed(r.Method, response.Status) {
			w.Header().Set("Content-Length", strconv.Itoa(response.Bytes))
		}
		w.WriteHeader(response.Status)
		if bodyAllowed(r.Method, response.Status) {
			io.CopyN(w, filler{}, int64(response.Bytes))
		}
	})
}

func answer(name string, r *http.Request) simulator.Response {
	if status, err := strconv.Atoi(r.Header.Get(statusHeader)); err == nil {
		size, _ := strconv.Atoi(r.Header.Get(sizeHeader))
		response := simulator.Response{Status: status, Bytes: min(max(size, 0), maxBody), Delay: time.Millisecond}
		if name == simulator.Search {
			response.Delay = simulator.SearchDelay
		}
		return response
	}
	response := simulator.Respond(name, r.Method, r.URL.RequestURI())
	if r.Header.Get("If-None-Match") != "" {
		return response.Revalidated()
	}
	return response
}

func bodyAllowed(method string, status int) bool {
	return method != http.MethodHead && status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// filler is an endless body.
type filler struct{}

func (filler) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '.'
	}
	return len(b), nil
}
