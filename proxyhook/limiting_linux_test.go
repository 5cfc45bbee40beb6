package proxyhook_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/mmapsync"
	"github.com/headgate/headgate/proxyhook"
)

// keeper plays the daemon's part in the limits.
func (h *host) keeper() *hostlimits.Keeper {
	h.t.Helper()
	k, err := hostlimits.OpenKeeper(h.dir.Limits(), hostlimits.KeeperConfig{Processes: 4})
	must(h.t, err)
	h.t.Cleanup(func() { k.Close() })
	return k
}

// publishPolicy makes a policy hold in every filter, once it has looked.
func (h *host) publishPolicy(text string) {
	h.t.Helper()
	w, err := mmapsync.OpenWriter(h.dir.Policy(), mmapsync.WriterOptions{})
	must(h.t, err)
	defer w.Close()
	_, err = w.Publish([]byte(text))
	must(h.t, err)
}

func admit(f *proxyhook.Filter, score uint8) (limits.Admission, bool) {
	return f.Admit(&traffic.Event{Host: "shop", Score: score}, "10.0.0.1:80", new(limits.TicketState))
}

// Filters count together from the moment the daemon's file is there, through restarts of the
// daemon, and each alone when the file is damaged.
func TestFiltersShareALimitWhileThereIsADaemon(t *testing.T) {
	unsupervised(t)
	h := newHost(t)
	config := proxyhook.Config{Limits: limits.LimiterConfig{Threshold: 2}}
	a, b := h.filter(config), h.filter(config)
	look := func() { proxyhook.Maintain(a); proxyhook.Maintain(b) }
	if a.Stats().Shared {
		t.Error("shared without a daemon")
	}
	early, _ := admit(a, 0)
	k := h.keeper()
	look()
	if !a.Stats().Shared || !b.Stats().Shared {
		t.Fatal("not shared with a daemon")
	}
	first, ok1 := admit(a, 0)
	second, ok2 := admit(b, 0)
	_, ok3 := admit(a, 0)
	if !ok1 || !ok2 || ok3 || second.Estimate != 2 {
		t.Errorf("admitted %v, %v and %v, want the third refused; %+v", ok1, ok2, ok3, second)
	}
	k.Close()
	h.keeper()
	look()
	if _, ok := admit(b, 0); ok {
		t.Error("a restart of the daemon disturbs the counts")
	}
	if s := a.Stats(); s.InFlight != 2 || s.Admitted != 2 || s.Refused != 1 {
		t.Errorf("%+v, want the early one and one more in flight", s)
	}
	if !early.Ticket.Done() || !first.Ticket.Done() || a.Stats().InFlight != 0 {
		t.Errorf("not released: %+v", a.Stats())
	}
	must(t, os.Truncate(h.dir.Limits(), 0))
	if a, ok := admit(b, 0); !ok || a.Ticket.Valid() {
		t.Errorf("a truncated file: %v %+v", ok, a)
	}
	look()
	if s := b.Stats(); s.Shared || s.Faults == 0 {
		t.Errorf("with the file damaged: %+v", s)
	}
	admit(b, 0)
	admit(b, 0)
	if _, ok := admit(b, 0); ok {
		t.Error("alone, the threshold does not hold")
	}
	must(t, os.Remove(h.dir.Limits()))
	h.keeper()
	look()
	if !b.Stats().Shared || b.Stats().InFlight != 2 {
		t.Errorf("with a new file: %+v", b.Stats())
	}
	second.Ticket.Done()
	if s := b.Stats(); s.DoubleDone != 0 {
		t.Errorf("%+v", s)
	}
}

// A policy that the daemon publishes holds in running proxies, in place of their own.
func TestPublishedPolicyHolds(t *testing.T) {
	unsupervised(t)
	h := newHost(t)
	f := h.filter(proxyhook.Config{Limits: limits.LimiterConfig{Threshold: 1}})
	publish := func(text string) {
		h.publishPolicy(text)
		proxyhook.Maintain(f)
	}
	publish(`{"threshold": 100, "overrides": {"10.0.0.1:80 shop": 4}, "retry_after": "3s", "shed_from": 0.5}`)
	var open []limits.Ticket
	for range 2 {
		a, ok := admit(f, 1)
		if open = append(open, a.Ticket); !ok || a.Threshold != 4 {
			t.Fatalf("%v %+v", ok, a)
		}
	}
	if a, ok := admit(f, 1); ok || a.Reason != limits.Shed || a.RetryAfter != 3*time.Second {
		t.Errorf("a likely bot at half of the threshold: %v %+v", ok, a)
	}
	for range 2 {
		a, ok := admit(f, 99)
		if open = append(open, a.Ticket); !ok {
			t.Errorf("a likely human at half of the threshold: %+v", a)
		}
	}
	if a, ok := admit(f, 99); ok || a.Reason != limits.OverThreshold {
		t.Errorf("at the threshold: %v %+v", ok, a)
	}
	must(t, f.SetThreshold("10.0.0.1:80", "SHOP:8080", 50)) // for later
	if _, ok := admit(f, 99); ok {
		t.Error("the filter's own threshold holds beside the daemon's")
	}
	publish(`{"threshold": `) // damaged: the current one stays
	if !f.Stats().Policy || f.LimiterStats().Overrides != 1 {
		t.Errorf("%+v", f.LimiterStats())
	}
	publish(`{}`)
	if a, ok := admit(f, 1); !ok || a.Threshold != 50 || f.Stats().Policy {
		t.Errorf("without a policy: %v %+v", ok, a)
	}
	for _, ticket := range open {
		ticket.Done()
	}
}

func TestLimitKeyByTenant(t *testing.T) {
	unsupervised(t)
	f := newHost(t).filter(proxyhook.Config{
		Limits: limits.LimiterConfig{Threshold: 1}, LimitKey: []string{proxyhook.KeyTenant},
		Tenant: func(ev *traffic.Event) string { return strings.Split(ev.Host, ".")[1] },
	})
	ask := func(host string) bool {
		_, ok := f.Admit(&traffic.Event{Host: host}, host, new(limits.TicketState))
		return ok
	}
	if !ask("a.acme") || ask("b.acme") || !ask("a.other") {
		t.Error("hosts of one tenant are not counted together")
	}
	if _, err := proxyhook.New(proxyhook.Config{LimitKey: []string{"colour"}}); err == nil {
		t.Error("an unknown part of a key is accepted")
	}
}

// overload is three origins behind a reverse proxy with a filter. Origin 0 can be stalled.
type overload struct {
	t       *testing.T
	filter  *proxyhook.Filter
	proxy   *httptest.Server
	origins []string
	mutex   sync.Mutex
	stalled chan struct{} // not nil: origin 0 answers when it is closed
}

func newOverload(t *testing.T, config proxyhook.Config) *overload {
	o := &overload{t: t, filter: newHost(t).filter(config)}
	for i := range 3 {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.answer(i, w, r) }))
		t.Cleanup(server.Close)
		o.origins = append(o.origins, strings.TrimPrefix(server.URL, "http://"))
	}
	o.proxy = httptest.NewServer(o.filter.Handler(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: o.origins[int(r.In.Host[0]-'0')]})
			r.Out.Host = r.In.Host
		},
		Transport: o.filter.Transport(&http.Transport{MaxIdleConnsPerHost: 100}),
		ErrorLog:  quiet,
	}))
	t.Cleanup(o.proxy.Close)
	return o
}

func (o *overload) answer(i int, w http.ResponseWriter, r *http.Request) {
	o.mutex.Lock()
	stalled := o.stalled
	o.mutex.Unlock()
	if i == 0 && stalled != nil {
		select {
		case <-stalled:
		case <-r.Context().Done():
		}
	}
	io.WriteString(w, "ok")
}

func (o *overload) stall() (recover func()) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	stalled := make(chan struct{})
	o.stalled = stalled
	return func() {
		o.mutex.Lock()
		defer o.mutex.Unlock()
		o.stalled = nil
		close(stalled)
	}
}

// get asks origin i and reads the whole answer.
func (o *overload) get(i int) (status int, header http.Header, err error) {
	r, _ := http.NewRequest("GET", o.proxy.URL, nil)
	r.Host = string(rune('0'+i)) + ".example"
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Header, err
}

func (o *overload) inFlight(n uint64) {
	o.t.Helper()
	await(o.t, fmt.Sprint(n, " requests in flight"), func() bool { return o.filter.Stats().InFlight == n })
}

// One of three origins stalls. Its further clients get a 503 although it never answers, those of
// the others notice nothing, and when it answers again, so does the proxy.
func TestOneOfThreeOriginsStalls(t *testing.T) {
	const threshold = 5
	o := newOverload(t, proxyhook.Config{Limits: limits.LimiterConfig{Threshold: threshold}})
	others := func() time.Duration {
		var took []time.Duration
		for i := range 100 {
			start := time.Now()
			if status, _, err := o.get(1 + i%2); status != http.StatusOK || err != nil {
				t.Errorf("another origin: %d %v", status, err)
			}
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		return took[98]
	}
	before := others()
	recover := o.stall()
	var waiting sync.WaitGroup
	for range threshold {
		waiting.Go(func() {
			if status, _, err := o.get(0); status != http.StatusOK || err != nil {
				t.Errorf("who was admitted: %d %v", status, err)
			}
		})
	}
	o.inFlight(threshold)
	for range 20 {
		status, header, err := o.get(0)
		if status != http.StatusServiceUnavailable || err != nil || header.Get("Retry-After") != "1" ||
			header.Get(proxyhook.ReasonHeader) != "origin_overloaded" {
			t.Errorf("who was not: %d %v %v", status, header, err)
		}
	}
	during := others()
	recover()
	waiting.Wait()
	for range 20 {
		if status, _, err := o.get(0); status != http.StatusOK || err != nil {
			t.Errorf("after its recovery: %d %v", status, err)
		}
	}
	o.inFlight(0)
	if s := o.filter.Stats(); s.Refused != 20 || s.DoubleDone != 0 {
		t.Errorf("%+v", s)
	}
	t.Logf("99 %% of the other origins' requests took at most %v before and %v during the stall", before, during)
}

// An origin that is silent without closing its connections does not hold its tickets: neither
// before its answer nor in the middle of it.
func TestSilentOriginsLoseTheirTickets(t *testing.T) {
	config := limited(5)
	config.OriginSilence = 100 * time.Millisecond
	inside(t, "a proxy", func(t *testing.T) {
		s := newSiteInside(t, config, false, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/half" {
				io.WriteString(w, "the first half of a body, and then nothing")
				http.NewResponseController(w).Flush()
			}
			if r.URL.Path != "/" {
				<-r.Context().Done()
			}
		})
		for path, want := range map[string]int{"/": http.StatusOK, "/silent": http.StatusBadGateway, "/half": http.StatusOK} {
			response, err := s.client.Get(s.front.URL + path)
			must(t, err)
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			if broken := err != nil; response.StatusCode != want || broken != (path == "/half") {
				t.Errorf("%s: %v, %v", path, response.Status, err)
			}
		}
		await(t, "the tickets' release", func() bool { return s.filter.Stats().InFlight == 0 })
		if s := s.filter.Stats(); s.DoubleDone != 0 || s.Refused != 0 || s.Admitted != 3 {
			t.Errorf("%+v", s)
		}
	})
}

// With an adaptive policy a slow origin's threshold is lowered, and visible as such.
func TestSlowOriginsThresholdIsLowered(t *testing.T) {
	unsupervised(t)
	h := newHost(t)
	h.publishPolicy(`{"threshold": 10, "adaptive": {"latency": "1ms"}}`)
	f := h.filter(proxyhook.Config{})
	slow := f.Transport(roundTripper(func(r *http.Request) (*http.Response, error) {
		time.Sleep(3 * time.Millisecond)
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}))
	for range 3 {
		r, _ := http.NewRequest("GET", "http://origin/", nil)
		response, err := slow.RoundTrip(r)
		must(t, err)
		response.Body.Close()
	}
	if s := f.Stats(); s.Lowered != 1 {
		t.Errorf("%+v", s)
	}
}
