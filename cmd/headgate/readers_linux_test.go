package main

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/proxyhook"
)

// readersProcess opens the features of a directory a given number of times, as so many proxies do,
// and writes the time of the oldest publication that one of them sees, until it is killed.
func readersProcess(config string) error {
	count, dir, _ := strings.Cut(config, " ")
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	var stores []*featurestore.Store
	for range n {
		store, err := featurestore.Open(hostdir.Dir(dir).Features())
		if err != nil {
			return err
		}
		stores = append(stores, store)
	}
	for ; ; time.Sleep(100 * time.Millisecond) {
		oldest := int64(0)
		for _, store := range stores {
			if err := store.View(func(table *featurestore.Table) error {
				if oldest == 0 || table.Published < oldest {
					oldest = table.Published
				}
				return nil
			}); err != nil {
				return err
			}
		}
		if _, err := fmt.Println(oldest); err != nil {
			return err
		}
	}
}

// A thousand proxies of a host have features, from four processes of 250 here, since a slot belongs
// to an open file and not to a process; so has a proxy that comes after them; and the daemon starts
// again beside them.
func TestAThousandProxiesHaveFeatures(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hg")
	d := startProcess(t, dir, "--max-keys", "64")
	until(t, "publication", func() bool { return !publishedAt(dir).IsZero() })
	var readers []*spawned
	for range 4 {
		readers = append(readers, spawn(t, account{}, []string{asReaders + "=250 " + dir, "GOMAXPROCS=16"}))
	}
	haveAll := func(after time.Time) {
		t.Helper()
		for _, p := range readers {
			until(t, "features of a quarter of the proxies", func() bool {
				lines := strings.Split(p.out.String(), "\n")
				oldest, err := strconv.ParseInt(lines[max(0, len(lines)-2)], 10, 64)
				return err == nil && oldest > after.UnixNano()
			})
		}
	}
	haveAll(time.Time{})
	if taken, all := d.metric(t, `headgate_reader_slots_taken{files="features"}`), d.metric(t, `headgate_reader_slots{files="features"}`); taken < 1000 || all != 2048 {
		t.Errorf("%v of %v slots are taken, want at least 1000 of 2048", taken, all)
	}
	d.Process.Kill()
	d.Wait()
	again := time.Now()
	d = startProcess(t, dir, "--max-keys", "64")
	until(t, "publication of the next daemon", func() bool { return publishedAt(dir).After(again) })
	haveAll(again)
	filter, err := proxyhook.New(proxyhook.Config{Dir: dir, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer filter.Close()
	defer decideOn(filter)()
	until(t, "features of one more", func() bool { s := filter.Stats(); return s.Decisions > s.NoFeatures+10 })
	if d.metric(t, `headgate_files_remade_total{what="features"}`) != 0 {
		t.Error("the files were made anew")
	}
	if slices.ContainsFunc(readers, func(p *spawned) bool { return p.said.String() != "" }) {
		t.Error("a reader complained")
	}
}
