package worlds_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/models/worlds"
)

// campaign is what was seen of one bot.
type campaign struct {
	kind, disguise                     string
	parts                              []string
	requests, assets, posts            int
	addresses, networks, agents, refer map[string]int
	byStatus                           map[int]int

	first, last time.Duration
}

func campaigns(t *testing.T, seeds int, c worlds.Config) map[string]*campaign {
	all := map[string]*campaign{}
	each(t, seeds, c, func(seed int, r *worlds.Request) {
		if !r.Truth.Bot {
			return
		}
		id := strconv.Itoa(seed) + r.Truth.Client
		b := all[id]
		if b == nil {
			b = &campaign{kind: r.Truth.Kind, disguise: r.Truth.Disguise, parts: strings.Split(r.Truth.Disguise, "+"), addresses: map[string]int{}, networks: map[string]int{}, agents: map[string]int{},
				refer: map[string]int{}, byStatus: map[int]int{}, first: r.At}
			all[id] = b
		}
		b.requests++
		b.last = r.At
		b.addresses[r.Client.String()]++
		bits := 24
		if r.Client.Is6() {
			bits = 48
		}
		b.networks[netip.PrefixFrom(r.Client, bits).Masked().String()]++
		b.agents[r.Agent]++
		b.refer[r.Refer]++
		b.byStatus[r.Status]++
		if isAsset(r) {
			b.assets++
		}
		if r.Method == "POST" {
			b.posts++
		}
	})
	return all
}

// Each disguise shows what it promises.
func TestDisguises(t *testing.T) {
	seen := map[string]int{}
	for id, b := range campaigns(t, 24, worlds.Config{Rate: 15, Duration: 20 * time.Minute}) {
		has := func(part string) bool { return slices.Contains(b.parts, part) }
		for _, part := range b.parts {
			seen[part]++
		}
		loads := b.parts[0] == "engine" || b.parts[0] == "headless" // much of a page is not an asset
		fixed := !has("network") && !has("prefix") && !has("swarm") && b.kind != "crawler"
		switch {
		case fixed && len(b.addresses) != 1,
			(has("network") || has("prefix")) && len(b.networks) != 1,
			has("prefix") && b.requests-b.assets > 200 && !loads && len(b.addresses) < 4,
			has("swarm") && b.requests-b.assets > 300 && !loads && len(b.networks) < 5:
			t.Errorf("%s, %s %s: %d requests from %d addresses in %d networks", id, b.kind, b.disguise, b.requests, len(b.addresses), len(b.networks))
		case !has("agents") && !has("made-up") && len(b.agents) != 1, has("made-up") && b.requests-b.assets > 200 && !loads && len(b.agents) < 5:
			t.Errorf("%s, %s %s: %d requests with %d user agents", id, b.kind, b.disguise, b.requests, len(b.agents))
		case !has("referer") && !has("assets") && b.parts[0] != "engine" && b.parts[0] != "headless" && b.refer[""] < b.requests*9/10 && b.requests > 20 && !has("impersonated") && b.parts[0] != "plain":
			t.Errorf("%s, %s %s: %d of %d requests without a referer", id, b.kind, b.disguise, b.refer[""], b.requests)
		}
	}
	for part, n := range seen {
		if n < 3 {
			t.Errorf("only %d bots in the disguise %q", n, part)
		}
	}
}

// Each kind of bot does what its name says.
func TestKindsOfBots(t *testing.T) {
	type total struct{ bots, requests, missed, denied, posts, assets int }
	totals := map[string]*total{}
	for _, b := range campaigns(t, 24, worlds.Config{Rate: 15, Duration: 20 * time.Minute}) {
		k := totals[b.kind]
		if k == nil {
			k = &total{}
			totals[b.kind] = k
		}
		k.bots++
		k.requests += b.requests
		k.missed += b.byStatus[404]
		k.denied += b.byStatus[401]
		k.posts += b.posts
		k.assets += b.assets
	}
	share := func(n, of int) float64 { return float64(n) / float64(max(of, 1)) }
	for _, c := range []struct {
		name      string
		got       float64
		low, high float64
	}{
		{"a scanner's misses", share(totals["scanner"].missed, totals["scanner"].requests), 0.2, 0.9},
		{"a prober's misses", share(totals["prober"].missed, totals["prober"].requests), 0.25, 0.9},
		{"a stuffer's posts", share(totals["stuffer"].posts, totals["stuffer"].requests-totals["stuffer"].assets), 0.5, 1},
		{"a stuffer's 401s", share(totals["stuffer"].denied, totals["stuffer"].requests), 0.04, 0.7},
		{"a form-repeater's posts", share(totals["form-repeater"].posts, totals["form-repeater"].requests-totals["form-repeater"].assets), 0.9, 1},
		{"a spammer's posts", share(totals["spammer"].posts, totals["spammer"].requests), 0.3, 1},
		{"a crawler's posts", share(totals["crawler"].posts, totals["crawler"].requests), 0, 0},
		{"an automation's assets", share(totals["automation"].assets, totals["automation"].requests), 0.2, 0.95},
		{"a monitor's assets", share(totals["monitor"].assets, totals["monitor"].requests), 0, 0},
		{"a load tool's requests", share(totals["load-tool"].requests, totals["load-tool"].bots), 200, 20_000},
	} {
		if !(c.got >= c.low && c.got <= c.high) {
			t.Errorf("%s: %.3f, want %.2f to %.2f", c.name, c.got, c.low, c.high)
		}
	}
}

// A flood that has stopped comes back, minutes or hours later, from the same address.
func TestFloodsComeBack(t *testing.T) {
	back := 0
	for seed := range uint64(16) {
		last := map[string]time.Duration{}
		w := world(t, worlds.Config{Seed: seed, Duration: 4 * time.Hour, Rate: 3})
		for r := w.Next(); r != nil; r = w.Next() {
			if r.Truth.Kind != "flooder" {
				continue
			}
			id := r.Truth.Client
			if before, ok := last[id]; ok && r.At-before > 3*time.Minute {
				back++
			}
			last[id] = r.At
		}
	}
	if back < 5 {
		t.Errorf("floods came back %d times after 3 minutes", back)
	}
}

// The package contains none of the literals by which package gate judges a model: no host, user
// agent, or long target.
func TestNothingOfTheGate(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "gate", "*.go"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files of package gate: %v", len(files), err)
	}
	literals := map[string]bool{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if s, err := strconv.Unquote(l.Value); err == nil && len(s) > len("/index.php") {
					literals[s] = true
				}
			}
			return true
		})
	}
	if len(literals) < 150 {
		t.Fatalf("only %d literals in package gate", len(literals))
	}
	each(t, 60, worlds.Config{Rate: 10}, func(seed int, r *worlds.Request) {
		path, _, _ := strings.Cut(r.Target, "?")
		for _, s := range []string{r.Agent, r.Host, r.Target, path} {
			if literals[s] {
				t.Errorf("seed %d: %q is in package gate: %s", seed, s, r.Truth)
				literals[s] = false
			}
		}
	})
}
