// Package simulated converts requests of package simulator to events and to a source of a pipeline,
// each with its truth.
package simulated

import (
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/app/simulator"
	"github.com/headgate/headgate/proxyhook"
)

// NewSource returns simulated traffic of the given duration, which starts at the beginning of 2026.
func NewSource(config simulator.Config, duration time.Duration) pipeline.Source {
	return &source{simulator: simulator.New(config), duration: duration}
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type source struct {
	simulator *simulator.Simulator
	duration  time.Duration
	count     int
}

func (s *source) Next(r *pipeline.Record) error {
	request := s.simulator.Next()
	if request.At >= s.duration {
		return io.EOF
	}
	s.count++
	r.Line, r.Referer, r.Truth = s.count, request.Referer, "person:"+request.Kind
	if request.Bot {
		r.Truth = "bot:" + request.Kind
	}
	r.Path, r.Agent = "", request.UserAgent
	Describe(&r.Event, &request, start)
	return nil
}

// Describe sets ev to a request of a simulation that began at start, as a proxy that speaks
// HTTP/1.1 with the client reports it.
func Describe(ev *traffic.Event, r *simulator.Request, start time.Time) {
	var config proxyhook.Config
	config.Describe(ev, httpRequest(r), traffic.Sums{})
	response := r.Response()
	ev.Time = start.Add(r.At).UnixNano()
	ev.Origin = r.Host
	ev.Status = uint16(response.Status)
	ev.Bytes = uint64(response.Bytes)
	ev.Duration = uint64(response.Delay)
	ev.Bound()
}

// httpRequest returns the request as a Go server sees it: without the field Host, and with a
// Content-Length for a body.
func httpRequest(r *simulator.Request) *http.Request {
	request := &http.Request{Method: r.Method, Host: r.Host, RequestURI: r.Target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		RemoteAddr: netip.AddrPortFrom(r.Client, 1).String(), Header: make(http.Header)}
	for _, h := range r.AppendHeaders(nil)[1:] {
		request.Header.Set(h.Name, h.Value)
	}
	if r.Body != "" {
		request.Header.Set("Content-Length", strconv.Itoa(len(r.Body)))
	}
	return request
}
