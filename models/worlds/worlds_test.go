package worlds_test

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/models/worlds"
)

// world starts an episode.
func world(t testing.TB, c worlds.Config) *worlds.World {
	t.Helper()
	w, err := worlds.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// each calls f with every request of episodes of 10 minutes.
func each(t testing.TB, seeds int, c worlds.Config, f func(seed int, r *worlds.Request)) {
	t.Helper()
	if c.Duration == 0 {
		c.Duration = 10 * time.Minute
	}
	for seed := range seeds {
		c.Seed = uint64(seed)
		w := world(t, c)
		for r := w.Next(); r != nil; r = w.Next() {
			f(seed, r)
		}
	}
}

// checksum returns a checksum over all facts of requests.
func checksum(t *testing.T, c worlds.Config) uint64 {
	h := fnv.New64a()
	w := world(t, c)
	for r := w.Next(); r != nil; r = w.Next() {
		fmt.Fprintln(h, r.At, r.Client, r.Method, r.Host, r.Target, r.Header, r.Version, r.JA4, r.Wire, r.Status, r.Bytes, r.Duration, r.Truth)
	}
	return h.Sum64()
}

// The stream depends only on the configuration. These sums hold on all processors; they change when
// traffic is changed on purpose.
func TestSameSeedSameStream(t *testing.T) {
	for seed, want := range map[uint64]uint64{1: 0x6ed63ace77ba9c61, 2: 0xba37a08b8c415fc9, 3: 0x125649e3b56b1770} {
		c := worlds.Config{Seed: seed, View: worlds.Wire, Duration: 5 * time.Minute, Rate: 20}
		got := checksum(t, c)
		if got != want {
			t.Errorf("seed %d: sum %#x, want %#x", seed, got, want)
		}
		if again := checksum(t, c); again != got {
			t.Errorf("seed %d gave two streams", seed)
		}
	}
}

func TestOrderOfTime(t *testing.T) {
	last, of := time.Duration(0), -1
	each(t, 12, worlds.Config{}, func(seed int, r *worlds.Request) {
		if of == seed && r.At < last || r.At < 0 || r.At >= 10*time.Minute {
			t.Fatalf("seed %d: a request at %v after one at %v", seed, r.At, last)
		}
		last, of = r.At, seed
	})
}

// All kinds occur over a few dozen seeds.
func TestEveryKindAppears(t *testing.T) {
	seen := map[string]int{}
	each(t, 50, worlds.Config{Rate: 10}, func(seed int, r *worlds.Request) {
		if seen["site "+r.Truth.Site]++; r.Truth.Bot {
			seen["bot "+r.Truth.Kind]++
			seen["disguise "+r.Truth.Disguise]++
		} else {
			seen["person "+r.Truth.Kind]++
		}
	})
	views := map[worlds.View]bool{}
	for seed := range uint64(50) {
		views[world(t, worlds.Config{Seed: seed}).View()] = true
	}
	if len(views) != len(worlds.Views) {
		t.Errorf("views %v, want all of %v", views, worlds.Views)
	}
	for kind, names := range map[string][]string{"site ": worlds.Kinds, "person ": worlds.People, "bot ": worlds.Bots} {
		for _, name := range names {
			if seen[kind+name] == 0 {
				t.Errorf("no request of %s%s", kind, name)
			}
		}
	}
	for _, part := range []string{"plain", "agent", "copied", "impersonated", "engine", "headless", "referer", "agents", "made-up", "network", "prefix", "swarm", "assets", "session"} {
		found := false
		for name := range seen {
			found = found || strings.HasPrefix(name, "disguise ") && slices.Contains(strings.Split(strings.TrimPrefix(name, "disguise "), "+"), part)
		}
		if !found {
			t.Errorf("no bot is in the disguise %q", part)
		}
	}
}

// A configured kind is the kind of all sites of the world.
func TestKindAskedFor(t *testing.T) {
	for _, kind := range worlds.Kinds {
		requests := 0
		each(t, 2, worlds.Config{Kind: kind, Rate: 3}, func(seed int, r *worlds.Request) {
			if requests++; r.Truth.Site != kind {
				t.Fatalf("%s: a request to a site of the kind %s", kind, r.Truth.Site)
			}
		})
		if requests < 200 {
			t.Errorf("%s: %d requests in two times 10 minutes at 3 a second", kind, requests)
		}
	}
}

// A configured rate is the mean over seeds, and both sides have their share.
func TestRate(t *testing.T) {
	const seeds, rate = 30, 20
	n, bots := 0, 0
	each(t, seeds, worlds.Config{Rate: rate, Duration: 20 * time.Minute}, func(_ int, r *worlds.Request) {
		if n++; r.Truth.Bot {
			bots++
		}
	})
	if mean := float64(n) / seeds / 1200; mean < 0.5*rate || mean > 2*rate {
		t.Errorf("%.1f requests per second, want about %d", mean, rate)
	}
	if share := float64(bots) / float64(n); share < 0.2 || share > 0.8 {
		t.Errorf("%.2f of the requests are of bots", share)
	}
}

func TestConfigOutOfRange(t *testing.T) {
	for _, c := range []worlds.Config{{Kind: "bakery"}, {View: "mirror"}, {Duration: -1}, {Duration: 2 * worlds.MaxDuration}, {Rate: -1}, {Rate: 2 * worlds.MaxRate}} {
		if _, err := worlds.New(c); err == nil || !strings.HasPrefix(err.Error(), "worlds: ") {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}

// Memory is that of the current clients and does not grow with the episode.
func TestMemoryIsBounded(t *testing.T) {
	w := world(t, worlds.Config{Seed: 5, Duration: 48 * time.Hour, Rate: 3})
	held, acting, requests := 0, 0, 0
	for r := w.Next(); r != nil; r = w.Next() {
		held, acting = max(held, w.Held()), max(acting, w.Acting())
		requests++
	}
	if requests < 100_000 || held > 5000 || acting > 5000 {
		t.Errorf("%d requests, of which at most %d were kept, of at most %d clients", requests, held, acting)
	}
}

// Addresses and hosts are reserved ones.
func TestAddressesAreNobodys(t *testing.T) {
	v4, v6 := netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")
	each(t, 15, worlds.Config{}, func(_ int, r *worlds.Request) {
		if !v4.Contains(r.Client) && !v6.Contains(r.Client) || !strings.HasSuffix(r.Host, ".example") {
			t.Fatalf("%s asks %s", r.Client, r.Host)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	seed := uint64(0)
	w := world(b, worlds.Config{Seed: seed, View: worlds.Wire, Rate: 200})
	b.ReportAllocs()
	for b.Loop() {
		if w.Next() == nil {
			b.StopTimer()
			seed++
			w = world(b, worlds.Config{Seed: seed, View: worlds.Wire, Rate: 200})
			b.StartTimer()
		}
	}
}
