package simulated_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/app/simulated"
	"github.com/headgate/headgate/internal/app/simulator"
)

// A simulated request, and what its fields tell.
func TestDescribe(t *testing.T) {
	base := simulator.Request{At: 1500 * time.Millisecond, Client: netip.MustParseAddr("2001:db8::7"), Method: "GET", Host: simulator.WWW,
		Target: "/", UserAgent: "a/1", Accept: "*/*"}
	const known = traffic.FactHeadersKnown | traffic.FactRefererKnown
	claims := func(r *simulator.Request, facts traffic.Facts) traffic.Facts {
		c := traffic.Claims{UserAgent: r.UserAgent, FetchMode: r.FetchMode, Accept: r.Accept, AcceptEncoding: r.AcceptEncoding}
		return facts | c.Facts(facts)
	}
	for name, c := range map[string]struct {
		change  func(*simulator.Request)
		path    string
		query   uint16
		headers uint8 // without Host
		facts   traffic.Facts
	}{
		"plain":         {func(*simulator.Request) {}, "/", 0, 2, known},
		"query":         {func(r *simulator.Request) { r.Target = "/a?b=c?d" }, "/a", 5, 2, known},
		"headers":       {func(r *simulator.Request) { r.AcceptLanguage, r.AcceptEncoding, r.Cookie = "de", "gzip", "a=b" }, "/", 0, 5, known | traffic.FactAcceptLanguage | traffic.FactAcceptEncoding | traffic.FactCookie},
		"fetch":         {func(r *simulator.Request) { r.FetchMode, r.RequestedWith = "cors", "XMLHttpRequest" }, "/", 0, 4, known | traffic.FactSecFetch | traffic.FactXHR},
		"same referer":  {func(r *simulator.Request) { r.Referer = "http://" + simulator.WWW + "/x" }, "/", 0, 3, known | traffic.FactReferer | traffic.FactRefererSame},
		"other referer": {func(r *simulator.Request) { r.Referer = "http://other.test/" + simulator.WWW }, "/", 0, 3, known | traffic.FactReferer},
		"body":          {func(r *simulator.Request) { r.Method, r.Body = "POST", "a=b" }, "/", 0, 4, known}, // Content-Type and -Length
	} {
		r := base
		c.change(&r)
		response := r.Response()
		want := traffic.Event{Time: 1000 + int64(r.At), Method: r.Method, Host: simulator.WWW, Path: c.path, Query: c.query, UserAgent: "a/1",
			Facts: claims(&r, c.facts), Headers: c.headers, Version: 11, Origin: simulator.WWW, Status: uint16(response.Status), Bytes: uint64(response.Bytes),
			Duration: uint64(response.Delay)}
		want.SetClient(r.Client)
		if c.facts.Has(traffic.FactRefererSame) {
			traffic.Sums{}.SetLink(&want, "/x")
		}
		var got traffic.Event
		simulated.Describe(&got, &r, time.Unix(0, 1000))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
}
