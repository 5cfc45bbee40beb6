package demo

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/app/simulated"
	"github.com/headgate/headgate/internal/app/simulator"
	"github.com/headgate/headgate/proxyhook"
)

// witness is a policy that keeps the last event it saw.
type witness struct{ ev traffic.Event }

func (w *witness) Judge(ev *traffic.Event, _ uint8) proxyhook.Action {
	w.ev = *ev
	return proxyhook.Allow
}

// A simulated request is the same event offline as in a proxy: the pipeline describes it as the
// filter does when it is sent.
func TestFilterAndPipelineSeeTheSame(t *testing.T) {
	w := &witness{}
	filter, err := proxyhook.New(proxyhook.Config{Dir: t.TempDir(), Policy: w, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer filter.Close()
	server := httptest.NewServer(filter.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer server.Close()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	l := &simulatedLoad{simulator: simulator.New(simulator.Config{Seed: 4})}
	same := simulator.New(simulator.Config{Seed: 4})
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	facts := make(map[traffic.Facts]bool)
	for i := range 1500 {
		r, err := l.next()
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(r.to(address.Host))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		request := same.Next()
		var want traffic.Event
		simulated.Describe(&want, &request, time.Unix(0, 0))
		if got := asAsked(w.ev); got != asAsked(want) {
			t.Fatalf("request %d, %s %s:\n filter   %+v\n pipeline %+v", i, r.method, r.target, got, asAsked(want))
		}
		facts[want.Facts] = true
	}
	if len(facts) < 5 {
		t.Errorf("only %d kinds of headers: too few to tell", len(facts))
	}
}

// asAsked keeps the fields that are known when a request comes in, except the client, who is the
// connection's peer here.
func asAsked(ev traffic.Event) traffic.Event {
	return traffic.Event{Method: ev.Method, Host: ev.Host, Path: ev.Path, PathSum: ev.PathSum, Query: ev.Query, UserAgent: ev.UserAgent,
		AgentSum: ev.AgentSum, Facts: ev.Facts, Headers: ev.Headers, Version: ev.Version}
}
