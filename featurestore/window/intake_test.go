package window_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

// visitor makes an observation of an address, a user agent and a path, and returns what the intake
// filled in.
func visitor(a *window.Aggregator, at int64, client netip.Addr, agent, path string) traffic.Observation {
	ev := traffic.Event{Time: at, Method: "GET", Host: "a.test", Path: path, Status: 200, UserAgent: agent}
	ev.SetClient(client)
	var o traffic.Observation
	traffic.Observe(&ev, seed, &o)
	a.Add(&o)
	return a.Filled()
}

func v4(a, b, c, d int) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(a), byte(b), byte(c), byte(d)})
}

func v6(network uint16, host uint64) netip.Addr {
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8, 6: byte(network >> 8), 7: byte(network)}
	for i := range 8 {
		b[8+i] = byte(host >> (8 * i))
	}
	return netip.AddrFrom16(b)
}

// read returns features of an observation's keys.
func read(a *window.Aggregator, o *traffic.Observation, names ...string) []float32 {
	v := make([]float32, len(names))
	a.Select(names).Read(v, &o.Keys, o.Time)
	return v
}

// An address is new once; within twelve hours it is known, after a day it is new again.
func TestNewAddresses(t *testing.T) {
	a, rng := newAggregator(t, window.Config{}), rand.New(rand.NewPCG(60, 60))
	last := make(map[int]time.Duration)
	wrong, decided := 0, 0
	for at := time.Duration(0); at < 100*time.Hour; at += time.Duration(rng.Int64N(int64(40 * time.Second))) {
		client := rng.IntN(2000)
		if rng.IntN(2) == 0 {
			client = rng.IntN(20)
		}
		before, known := last[client]
		got := visitor(a, noon+int64(at), v4(10, 0, client/250, client%250), "x", "/").Measures[traffic.MeasureNewAddresses]
		last[client] = at
		if !known || at-before < 12*time.Hour || at-before > 24*time.Hour {
			decided++
			if want := !known || at-before > 24*time.Hour; (got == 1) != want {
				wrong++
			}
		}
	}
	if wrong > decided/1000 || decided < 10_000 {
		t.Errorf("%d of %d addresses were taken for the wrong kind", wrong, decided)
	}
}

// Where there are more than can be remembered the oldest are forgotten; still few new ones seem
// known.
func TestNewAddressesInAFlood(t *testing.T) {
	a, known := newAggregator(t, window.Config{MaxKeys: 4096}), 0
	const flood = 200_000
	for i := range flood {
		if visitor(a, noon+int64(i)*1e6, v6(uint16(i), uint64(i)), "x", "/").Measures[traffic.MeasureNewAddresses] == 0 {
			known++
		}
	}
	if known > flood/25 {
		t.Errorf("%d of %d new addresses seem known", known, flood)
	}
}

// A fresh address of one /64, or a fresh user agent of one address, for each request shows in the
// row of the network and of the address; people's do not look so.
func TestRotationShows(t *testing.T) {
	a := newAggregator(t, window.Config{})
	names := []string{"net64/new_address_share_10m", "net64/requests_per_address_10m", "ip/new_agent_share_10m", "ip/requests_per_agent_10m"}
	var addresses, agents, home, office traffic.Observation
	for i := range 100 {
		at := noon + int64(i)*1e9
		addresses = visitor(a, at, v6(1, uint64(i)*7919), popular, fmt.Sprintf("/p/%d", i))
		agents = visitor(a, at, v4(192, 0, 2, 1), fmt.Sprintf("Mozilla/5.0 (X%d)", i), fmt.Sprintf("/p/%d", i))
		home = visitor(a, at, v6(2, uint64(i%3)), popular, fmt.Sprintf("/p/%d", i))
		office = visitor(a, at, v4(192, 0, 2, 2), fmt.Sprintf("Mozilla/5.0 (O%d)", i%5), fmt.Sprintf("/p/%d", i))
	}
	if v := read(a, &addresses, names...); v[0] < 0.98 || v[1] > 1.5 {
		t.Errorf("a fresh address for each request: %v are %v", names, v)
	}
	if v := read(a, &home, names...); v[0] > 0.04 || v[1] < 25 {
		t.Errorf("three addresses at home: %v are %v", names, v)
	}
	if v := read(a, &agents, names...); v[2] < 0.98 || v[3] > 1.5 {
		t.Errorf("a fresh user agent for each request: %v are %v", names, v)
	}
	if v := read(a, &office, names...); v[2] > 0.06 || v[3] < 15 {
		t.Errorf("five people in an office: %v are %v", names, v)
	}
}

// A path that several networks ask for is shared, also while somebody asks for many that nobody
// else does; what one network asks for, from however many of its addresses, is not.
func TestUnshared(t *testing.T) {
	a := newAggregator(t, window.Config{MaxKeys: 16_384})
	ask := func(at int64, client netip.Addr, path string) bool {
		return visitor(a, at, client, popular, path).Measures[traffic.MeasureUnshared] == 0
	}
	const pages = 500
	for i := range pages {
		ask(noon, v4(10, 1, 1, 1), fmt.Sprintf("/page/%d", i))
		ask(noon, v4(10, 2, 1, 1), fmt.Sprintf("/page/%d", i))
	}
	guessed := 0
	for i := range 100_000 {
		if ask(noon+int64(i)*1e6, v4(203, 0, 113, i%250), fmt.Sprintf("/guess/%d", i%90_000)) {
			guessed++
		}
	}
	if guessed > 100 {
		t.Errorf("%d guesses of one network seem shared", guessed)
	}
	shared := 0
	for i := range pages {
		if ask(noon+int64(time.Hour), v4(10, 3, 1, 1), fmt.Sprintf("/page/%d", i)) {
			shared++
		}
	}
	if shared < pages*95/100 {
		t.Errorf("%d of %d pages are still known to be shared", shared, pages)
	}
	if ask(noon+int64(27*time.Hour), v4(10, 4, 1, 1), "/page/1") {
		t.Error("a page that nobody asked for in 26 hours is shared")
	}
	other := traffic.Event{Time: noon + 2, Method: "GET", Host: "b.test", Path: "/page/2", Status: 200}
	other.SetClient(v4(10, 5, 1, 1))
	var o traffic.Observation
	traffic.Observe(&other, seed, &o)
	a.Add(&o)
	if a.Filled().Measures[traffic.MeasureUnshared] != 1 {
		t.Error("another host's page is shared")
	}
}

func chrome(version int) string {
	return fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", version)
}

// How far a browser lags is told by the newest version that several networks use. One liar, or one
// machine on a trial of the next version, changes nothing; thousands change it by one in half a
// day, and not for longer than they go on.
func TestVersionLag(t *testing.T) {
	a, at := newAggregator(t, window.Config{}), int64(noon)
	lag := func(version int) float32 {
		o := visitor(a, at, v4(10, 0, 0, 1), chrome(version), "/")
		return read(a, &o, "ua/version_lag")[0]
	}
	live := func(hours, newest int) {
		for range hours {
			at += int64(time.Hour)
			for network := range 20 {
				visitor(a, at, v4(10, 1, network, 1), chrome(newest-network%3), "/")
			}
		}
	}
	if v := lag(140); v == v {
		t.Errorf("one client lags by %v", v)
	}
	live(30, 140)
	for _, c := range []struct{ version, want int }{{140, 0}, {139, 1}, {100, 40}, {150, 0}} {
		if got := lag(c.version); got != float32(c.want) {
			t.Errorf("version %d lags by %v, want %d", c.version, got, c.want)
		}
	}
	for i := range 100 {
		visitor(a, at, v4(203, 0, 113, i), chrome(9000), "/")
	}
	if got := lag(140); got != 0 {
		t.Errorf("with one liar the newest version lags by %v", got)
	}
	for i := range 5000 {
		visitor(a, at+int64(i)*1e6, v4(100, i/250, i%250, 1), chrome(9000), "/")
	}
	if got := lag(140); got > 1 {
		t.Errorf("with five thousand liars the newest version lags by %v", got)
	}
	live(30, 140)
	if got := lag(140); got != 0 {
		t.Errorf("a day after the liars the newest version lags by %v", got)
	}
	live(72, 142)
	if got := lag(140); got != 2 {
		t.Errorf("three days after an update of two versions the former one lags by %v", got)
	}
}

// A user agent's share of the clients is of networks, whatever each of them sends.
func TestClientShare(t *testing.T) {
	a := newAggregator(t, window.Config{})
	var common, rare traffic.Observation
	for round := range 20 {
		for network := range 200 {
			at := noon + int64(round)*3600e9 + int64(network)*10e9
			if network%10 == 0 {
				rare = visitor(a, at, v4(10, 1, network, 1), "Mozilla/5.0 (rare)", "/")
				for range 40 {
					rare = visitor(a, at, v4(10, 1, network, 1), "Mozilla/5.0 (rare)", "/")
				}
				continue
			}
			common = visitor(a, at, v4(10, 1, network, 1), popular, "/")
		}
	}
	if v := read(a, &common, "ua/client_share_24h")[0]; v < 0.85 {
		t.Errorf("nine in ten clients are %v", v)
	}
	if v := read(a, &rare, "ua/client_share_24h")[0]; v < 0.03 || v > 0.25 {
		t.Errorf("one in ten clients are %v", v)
	}
}

// A restart forgets none of it; with room for another number of keys it begins anew and says so.
func TestIntakeIsRestored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint")
	a := newAggregator(t, window.Config{})
	for hour := range 26 {
		for client := range 300 {
			visitor(a, noon+int64(hour)*3600e9, v4(10, client/250, client%250, 1), chrome(140), fmt.Sprintf("/%d", client%20))
		}
	}
	now := noon + int64(26*time.Hour)
	a.Tick(now)
	checkpoint(t, a, path)
	b := restored(t, window.Config{}, path)
	for client := range 300 {
		want := visitor(a, now, v4(10, client/250, client%250, 1), chrome(139), fmt.Sprintf("/%d", client))
		got := visitor(b, now, v4(10, client/250, client%250, 1), chrome(139), fmt.Sprintf("/%d", client))
		if got != want || got.Measures[traffic.MeasureNewAddresses] != 0 || got.Measures[traffic.MeasureVersionLag] != 1 {
			t.Fatalf("client %d is %+v after the restart, %+v without", client, got, want)
		}
	}
	other := newAggregator(t, window.Config{MaxKeys: 1000})
	r, err := other.Restore(path)
	if err != nil || len(r.Missing) == 0 {
		t.Fatalf("%v, begun %v", err, r.Missing)
	}
	if o := visitor(other, now, v4(10, 0, 1, 1), chrome(139), "/1"); o.Measures[traffic.MeasureNewAddresses] != 1 || o.Measures[traffic.MeasureVersionLag] != 1 {
		t.Errorf("with other room: %v new, lag %v", o.Measures[traffic.MeasureNewAddresses], o.Measures[traffic.MeasureVersionLag])
	}
}

// Times that no clock has cause no trouble either.
func TestIntakeAtHostileTimes(t *testing.T) {
	times := []int64{0, 1, -1, math.MinInt64, math.MaxInt64, noon, -noon, 1 << 62, -1 << 62}
	rng := rand.New(rand.NewPCG(61, 61))
	a := newAggregator(t, window.Config{MaxKeys: 16})
	for range 3000 {
		client := rng.IntN(40)
		o := visitor(a, times[rng.IntN(len(times))], v4(10, client, 1, 1), chrome(100+rng.IntN(50)), fmt.Sprintf("/%d", rng.IntN(30)))
		for m := traffic.MeasureUsualAssets; m < traffic.NumMeasures; m++ {
			if v := float64(o.Measures[m]); v < 0 || math.IsInf(v, 0) || m != traffic.MeasureVersionLag && m != traffic.MeasureAllClients && v > 1 {
				t.Fatalf("%v is %v", m, v)
			}
		}
	}
}
