package window_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// town is a site with people: a few come each minute, look at a page or two, whose assets follow,
// and come again.
type town struct {
	rng *rand.Rand
	a   *window.Aggregator
	now int64
}

const popular = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

func newTown(t *testing.T) *town {
	return &town{rng: rand.New(rand.NewPCG(50, 50)), a: newAggregator(t, window.Config{}), now: noon}
}

// send adds a request of an address for a path.
func (w *town) send(client netip.Addr, agent, path string, status uint16, facts traffic.Facts) (o traffic.Observation) {
	ev := traffic.Event{Time: w.now, Method: "GET", Host: "a.test", Path: path, Status: status, JA4: "t13d1516h2_8daaf6152771_b186095e22b6",
		UserAgent: agent, Facts: facts | traffic.FactRefererKnown}
	ev.SetClient(client)
	traffic.Observe(&ev, seed, &o)
	w.a.Add(&o)
	return o
}

// person is one of the people: some of them share the network 192.0.2.0/24.
func (w *town) person() netip.Addr {
	if w.rng.IntN(4) == 0 {
		return netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + w.rng.IntN(40))})
	}
	return netip.AddrFrom4([4]byte{198, 51, byte(w.rng.IntN(250)), byte(w.rng.IntN(250))})
}

func (w *town) visit(client netip.Addr) (o traffic.Observation) {
	agent := popular
	if w.rng.IntN(3) == 0 {
		agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	}
	o = w.send(client, agent, fmt.Sprintf("/page/%d", w.rng.IntN(100)), 200, 0)
	for i := range 4 {
		o = w.send(client, agent, fmt.Sprintf("/%d.css", i), 200, traffic.FactReferer)
	}
	return o
}

// live lets people come for some time.
func (w *town) live(minutes int) {
	for range minutes {
		for range 6 {
			w.now += int64(10 * time.Second)
			w.visit(w.person())
		}
	}
}

// A flood in the popular user agent, from one address of people's network or from thousands, which
// finds nothing or which fetches nothing but assets, leaves every steady feature of a key that
// strangers share what it was: within 0.02, or of the share of clients 0.05, after two minutes of
// it and six hours of people.
func TestFloodSwaysNothingSteady(t *testing.T) {
	sources := map[string]func(i int) netip.Addr{
		"one address":          func(int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, 1}) },
		"one /24 with people":  func(i int) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + i%100)}) },
		"five thousand places": func(i int) netip.Addr { return netip.AddrFrom4([4]byte{100, byte(i % 5000 / 250), byte(i % 250), 1}) },
	}
	for where, source := range sources {
		for what, status := range map[string]uint16{"guessing": 404, "assets": 200} {
			w := newTown(t)
			w.live(360)
			neighbour := netip.AddrFrom4([4]byte{192, 0, 2, 7})
			before := steady(t, w, w.send(neighbour, popular, "/", 200, 0))
			for i := range 20_000 {
				w.now += int64(6 * time.Millisecond)
				path := fmt.Sprintf("/guess/%d.php", i)
				if status == 200 {
					path = "/0.css"
				}
				w.send(source(i), popular, path, status, 0)
			}
			w.now += int64(time.Minute)
			after := steady(t, w, w.send(neighbour, popular, "/", 200, 0))
			if len(before) < 8 {
				t.Errorf("only %d steady features are known: %v", len(before), before)
			}
			for name, was := range before {
				bound := 0.02
				if name == "ua/client_share_24h" { // 45 clients more among some 500
					bound = 0.05
				}
				if by := math.Abs(float64(after[name] - was)); !(by <= bound) {
					t.Errorf("%s from %s: %s was %v, is %v", what, where, name, was, after[name])
				}
			}
		}
	}
}

// steady returns the known features of an observation's shared keys that a model may read.
func steady(t *testing.T, w *town, o traffic.Observation) map[string]float32 {
	t.Helper()
	known := make(map[string]float32)
	for _, f := range traffic.Catalog() {
		switch f.Dimension {
		case traffic.DimNet, traffic.DimUserAgent, traffic.DimWire, traffic.DimProgramWire, traffic.DimHost:
			if !f.Steady() || f.Fold.Kind == traffic.FoldAgent {
				continue
			}
			var v [1]float32
			w.a.Select([]string{f.FullName()}).Read(v[:], &o.Keys, o.Time)
			if v[0] == v[0] {
				known[f.FullName()] = v[0]
			}
		}
	}
	return known
}

// People are judged by what people do on the site: where all come without assets and without a
// Referer, one who does so too exceeds nothing, and where all have them, one who has none does.
func TestExcessIsOfTheSite(t *testing.T) {
	names := []string{"ip_ua/asset_excess_10m", "ip_ua/script_excess_10m", "ip_ua/no_referer_excess_10m", "ip_ua/not_found_excess_10m",
		"host/usual_asset_share_24h", "host/usual_script_share_24h", "host/usual_no_referer_share_24h"}
	bare := func(w *town, client netip.Addr) (o traffic.Observation) {
		for i := range 4 {
			o = w.send(client, popular, fmt.Sprintf("/index.php/%d.php", i), 200, 0)
		}
		return o
	}
	for what, c := range map[string]struct {
		people func(w *town, client netip.Addr) traffic.Observation
		want   []float32 // of one who comes with scripts alone
	}{
		"a PHP site with its assets elsewhere and no Referer": {bare, []float32{0, 0, 0, 0, 0, 1, 1}},
		"a site with pages, assets and Referers":              {(*town).visit, []float32{-0.8, 1, 0.8, 0, 0.8, 0, 0.2}},
	} {
		w := newTown(t)
		for range 60 {
			w.now += int64(20 * time.Second)
			c.people(w, w.person())
		}
		o := bare(w, netip.AddrFrom4([4]byte{203, 0, 113, 9}))
		got := make([]float32, len(names))
		w.a.Select(names).Read(got, &o.Keys, o.Time)
		for i, want := range c.want {
			if !(math.Abs(float64(got[i]-want)) < 0.05) {
				t.Errorf("%s: %s is %v, want %v", what, names[i], got[i], want)
			}
		}
	}
}

// Before anything is known to be usual, nobody exceeds it.
func TestExcessOfAFirstRequest(t *testing.T) {
	w, v := newTown(t), make([]float32, 2)
	o := w.send(netip.AddrFrom4([4]byte{203, 0, 113, 9}), popular, "/a.php", 404, 0)
	w.a.Select([]string{"ip_ua/script_excess_10m", "host/usual_script_share_24h"}).Read(v, &o.Keys, o.Time)
	if v[0] != 0 || v[1] == v[1] {
		t.Errorf("the excess is %v, what is usual %v", v[0], v[1])
	}
}
