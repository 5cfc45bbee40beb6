package daemon_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/app/daemon"
	"github.com/headgate/headgate/internal/host/hostdir"
)

// small makes files that are made quickly.
var small = window.Config{MaxKeys: 1000}

// A release with one renamed, one removed and one new feature keeps all clients, and
// all their other features.
func TestAnotherCatalogForgetsNobody(t *testing.T) {
	clients := 20_000
	if testing.Short() {
		clients = 2000
	}
	first := start(t, daemon.Config{Window: window.Config{MaxKeys: 2 * clients}})
	p := proxy(t, first.dir)
	now := time.Now()
	for i := range 2 * clients {
		report(t, p, visit(i%clients, "/", now))
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	before := published(t, first.dir)["ip"]

	next := slices.Clone(traffic.Catalog())
	next[2].Name = "renamed"
	next = slices.DeleteFunc(next, func(f traffic.Feature) bool { return f.FullName() == "ip/age" })
	next = append(next, traffic.Feature{Dimension: traffic.DimIP, Name: "new", Unit: "requests", Fold: traffic.Fold{Kind: traffic.FoldSum, Window: 77 * time.Minute}})
	r := start(t, daemon.Config{Dir: string(first.dir), Window: window.Config{MaxKeys: 2 * clients, Features: next}})
	r.until("publication", func() bool { return r.Stats().Publishes > 0 })
	if n := r.Stats().Window.Keys[traffic.DimIP]; n != clients {
		t.Fatalf("%d addresses are known, want %d; log:\n%s", n, clients, r.log)
	}
	columns := func(features []traffic.Feature) (names []string) {
		for _, f := range features {
			if f.Dimension == traffic.DimIP {
				names = append(names, f.Name)
			}
		}
		return names
	}
	was, is, compared := columns(traffic.Catalog()), columns(next), 0
	for key, row := range published(t, r.dir)["ip"] {
		for i, name := range is {
			from := slices.Index(was, name)
			if name == "renamed" {
				from = 2
			}
			switch {
			case from < 0 && row.values[i] != 0:
				t.Fatalf("%s is new and already %v", name, row.values[i])
			case from >= 0 && math.Float32bits(row.values[i]) != math.Float32bits(before[key].values[from]):
				t.Fatalf("%s is %v, was %v", name, row.values[i], before[key].values[from])
			case from >= 0:
				compared++
			}
		}
	}
	if compared < 30*clients {
		t.Errorf("%d values compared", compared)
	}
	for _, name := range []string{"ip sum requests 1h17m0s", "ip first"} {
		if !strings.Contains(r.log.String(), name) {
			t.Errorf("the log does not name %s:\n%s", name, r.log)
		}
	}
}

// Where the newest checkpoint is damaged, the older one is restored; the log says so, and the
// damaged one stays.
func TestOlderCheckpointIsRestored(t *testing.T) {
	first := start(t, daemon.Config{Window: small})
	report(t, proxy(t, first.dir), visit(1, "/", time.Now()))
	first.consumed(1)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	if err := start(t, daemon.Config{Dir: string(first.dir), Window: small}).stop(); err != nil { // it leaves a second checkpoint
		t.Fatal(err)
	}
	damaged := []byte("HGCPNT04 but nothing more")
	if err := os.WriteFile(first.dir.Checkpoint(), damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, daemon.Config{Dir: string(first.dir), Window: small})
	r.until("publication", func() bool { return r.Stats().Publishes > 0 })
	if n := r.Stats().Window.Keys[traffic.DimIP]; n != 1 || r.log.count("the older one is restored") != 1 || r.log.count("level=WARN") != 1 {
		t.Errorf("%d addresses; log:\n%s", n, r.log)
	}
	if kept, err := os.ReadFile(first.dir.Checkpoint() + ".unused-1"); err != nil || !slices.Equal(kept, damaged) {
		t.Errorf("%q, %v", kept, err)
	}
}

// Whatever seed the published table has, or none: its keys become those of the checkpoint.
func TestCheckpointDecidesTheSeed(t *testing.T) {
	for name, lose := range map[string]func(dir hostdir.Dir) error{
		"the table is lost":    func(dir hostdir.Dir) error { return removeTable(dir) },
		"the table is another": func(dir hostdir.Dir) error { return publishAnother(dir) },
	} {
		state := filepath.Join(t.TempDir(), "state")
		first := start(t, daemon.Config{State: state, Window: small})
		report(t, proxy(t, first.dir), visit(1, "/", time.Now()))
		first.consumed(1)
		if err := first.stop(); err != nil {
			t.Fatal(err)
		}
		before := published(t, first.dir)["ip"]
		if err := lose(first.dir); err != nil {
			t.Fatal(err)
		}
		r := start(t, daemon.Config{Dir: string(first.dir), State: state, Window: small})
		r.until("publication", func() bool { return r.Stats().Publishes > 0 })
		report(t, proxy(t, r.dir), visit(1, "/", time.Now()))
		r.consumed(1)
		after := published(t, r.dir)["ip"]
		for key := range before {
			if _, ok := after[key]; !ok || len(after) != 1 {
				t.Errorf("%s: the client's key is another one: %d rows", name, len(after))
			}
		}
	}
}

func removeTable(dir hostdir.Dir) error {
	files, err := filepath.Glob(dir.Features() + "_*")
	for _, file := range files {
		if err == nil {
			err = os.Remove(file)
		}
	}
	return err
}

// publishAnother leaves a table with a seed of its own.
func publishAnother(dir hostdir.Dir) error {
	if err := removeTable(dir); err != nil {
		return err
	}
	a, err := window.New(small)
	if err != nil {
		return err
	}
	p, err := featurestore.OpenPublisher(dir.Features(), a.Schema(), featurestore.PublisherConfig{Capacity: a.Capacity()})
	if err != nil {
		return err
	}
	if err := a.Publish(p, time.Now().UnixNano()); err != nil {
		return err
	}
	return p.Close()
}
