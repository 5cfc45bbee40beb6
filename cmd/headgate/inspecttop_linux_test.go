package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/host/hostdir"
)

// publishEvents leaves a directory with the table of the events that fill adds, as of now.
func publishEvents(t *testing.T, fill func(now time.Time, seed uint64, add func(*traffic.Event))) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "hg")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(dir, 0o700))
	a, err := window.New(window.Config{})
	must(err)
	p, err := featurestore.OpenPublisher(hostdir.Dir(dir).Features(), a.Schema(), featurestore.PublisherConfig{Capacity: []int{1000}})
	must(err)
	defer p.Close()
	now := time.Now()
	var o traffic.Observation
	fill(now, p.Seed(), func(ev *traffic.Event) {
		traffic.Observe(ev, p.Seed(), &o)
		a.Add(&o)
	})
	must(a.Publish(p, now.UnixNano()))
	return dir
}

// publishTraffic leaves a directory with a table: client n of so many has made 10 n requests,
// spread over the last two minutes.
func publishTraffic(t *testing.T, clients int) (dir string) {
	t.Helper()
	return publishEvents(t, func(now time.Time, _ uint64, add func(*traffic.Event)) {
		for n := 1; n <= clients; n++ {
			ev := traffic.Event{Method: "GET", Path: "/"}
			ev.SetClient(netip.AddrFrom4([4]byte{203, 0, byte(n >> 8), byte(n)}))
			for i := range 10 * n {
				ev.Time = now.Add(-2*time.Minute + time.Duration(i)*time.Minute*2/time.Duration(20*clients)*time.Duration(1+n%2)).UnixNano()
				add(&ev)
			}
		}
	})
}

// printedTop is what --top --json prints, as a program reads it.
type printedTop struct {
	Feature, Unit string
	Keys, Known   int
	Top           []struct {
		Key   string
		Value float64
		Age   float64 `json:"age_seconds"`
	}
}

func top(t *testing.T, dir string, args ...string) (p printedTop) {
	t.Helper()
	status, out, errOut := run(t, append([]string{"inspect", dir, "--json", "--top"}, args...)...)
	if err := json.Unmarshal([]byte(out), &p); err != nil || status != exitOK {
		t.Fatalf("%q: exit status %d, %v, %s%s", args, status, err, out, errOut)
	}
	return p
}

// --top shows the keys whose values are the largest now, as a look at every row of the table finds
// them.
func TestInspectTop(t *testing.T) {
	const clients = 60
	dir := publishTraffic(t, clients)
	type row struct {
		key   string
		value float64
	}
	var all []row
	store, err := featurestore.Open(hostdir.Dir(dir).Features())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	err = store.View(func(table *featurestore.Table) error {
		_, column, err := findColumn(table.Schema, "ip/requests_1m")
		shower := newKeyShower(table, 0)
		table.Each(0, func(key uint64, stamp int64, values []float32) {
			faded := float64(values[column]) * math.Exp(-time.Since(time.Unix(0, stamp)).Seconds()/60)
			all = append(all, row{shower.show(key).String(), faded})
		})
		return err
	})
	if err != nil || len(all) != clients {
		t.Fatalf("%d rows, %v", len(all), err)
	}
	slices.SortFunc(all, func(a, b row) int { return cmp.Compare(b.value, a.value) })

	for n, args := range map[int][]string{20: {"ip/requests_1m"}, 1: {"ip/requests_1m", "-n", "1"}, clients: {"ip/requests_1m", "-n", "1000000"}} {
		got := top(t, dir, args...)
		if got.Feature != "ip/requests_1m" || got.Unit != "requests" || got.Keys != clients || got.Known != clients || len(got.Top) != n {
			t.Fatalf("%q: %+v", args, got)
		}
		for i, k := range got.Top {
			if k.Key != all[i].key || math.Abs(k.Value/all[i].value-1) > 0.02 || k.Age < 0 {
				t.Errorf("%q: %d is %+v, want %+v", args, i, k, all[i])
			}
		}
	}

	_, text, _ := run(t, "inspect", dir, "--top", "ip/requests_1m", "-n", "3")
	lines := strings.Split(text, "\n")
	if len(lines) != 5 || lines[0] != "ip/requests_1m, in requests: 3 of 60 keys with a value, of 60" || !strings.HasPrefix(lines[1], "     1  "+all[0].key+"  ") {
		t.Errorf("printed:\n%s", text)
	}
	status, text, _ := run(t, "inspect", dir, "--key", "ip="+all[0].key) // --key accepts what --top prints
	if status != exitOK || !strings.Contains(text, "\n  requests_1m ") {
		t.Errorf("exit status %d:\n%s", status, text)
	}
}

// What has no value is not heavy, and a dimension may be empty.
func TestInspectTopOfNothing(t *testing.T) {
	dir := publishTraffic(t, 3)
	if got := top(t, dir, "host/requests_1m"); got.Keys != 0 || got.Known != 0 || got.Top == nil || len(got.Top) != 0 {
		t.Errorf("%+v", got)
	}
	if got := top(t, dir, "ip/no_cookie_share_10m"); got.Keys != 3 || got.Known != 0 || len(got.Top) != 0 {
		t.Errorf("nobody told of cookies: %+v", got)
	}
}

func TestInspectTopErrors(t *testing.T) {
	dir := publishTraffic(t, 1)
	for args, wants := range map[string][]string{
		"--top ip/typo":             {`dimension ip has no feature "typo"`, "headgate inspect " + dir},
		"--top ip":                  {`dimension ip has no feature ""`, "headgate inspect " + dir},
		"--top color/red":           {`no dimension "color"`, "ip, net, net64, ua"},
		"--top ip/age -n 0":         {"-n 0", "1 to 1000000"},
		"--top ip/age --count=-1":   {"-n -1", "1 to 1000000"},
		"--top ip/age -n 1000001":   {"-n 1000001", "1 to 1000000"},
		"--top ip/age --key ip=::1": {"--top", "--key"},
		"--top ip/age --verify":     {"--top", "--verify"},
	} {
		status, out, errOut := run(t, append([]string{"inspect", dir}, strings.Fields(args)...)...)
		if status != exitUsage || out != "" {
			t.Errorf("%s: exit status %d, printed %q", args, status, out)
		}
		checkOneLine(t, args, errOut, wants...)
	}
	status, _, errOut := run(t, "inspect", dir, "--key", "session=0x0123456789abcdef")
	if status != exitFailure {
		t.Errorf("a session by its key: exit status %d", status)
	}
	checkOneLine(t, "a session by its key", errOut, "is not among the 0 keys of dimension session")
}

// The keys that --top prints differ from the table's keys and are not accepted in their place, and
// another seed shows the same client under another key. The seed follows from a table's key and its
// address, and every address from the seed.
func TestShownKeysAreKeyed(t *testing.T) {
	const clients = 40
	dir := publishTraffic(t, clients)
	raw := make(map[string]bool)
	store, err := featurestore.Open(hostdir.Dir(dir).Features())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	err = store.View(func(table *featurestore.Table) error {
		table.Each(0, func(key uint64, _ int64, _ []float32) { raw[fmt.Sprintf("0x%016x", key)] = true })
		return nil
	})
	if err != nil || len(raw) != clients {
		t.Fatalf("%d keys, %v", len(raw), err)
	}
	for _, k := range top(t, dir, "ip/requests_1m", "-n", "1000").Top {
		if raw[k.Key] {
			t.Errorf("%s is shown, and is a key of the table", k.Key)
		}
		if status, _, errOut := run(t, "inspect", dir, "--key", "ip="+k.Key); status != exitOK {
			t.Errorf("%s is shown and not found: %s", k.Key, errOut)
		}
	}
	for key := range raw {
		if status, out, _ := run(t, "inspect", dir, "--key", "ip="+key); status != exitFailure {
			t.Errorf("the table's key %s is taken for a shown one: %s", key, out)
		}
	}
	a, b := top(t, dir, "ip/requests_1m", "-n", "1").Top[0], top(t, publishTraffic(t, clients), "ip/requests_1m", "-n", "1").Top[0]
	if a.Key == b.Key {
		t.Errorf("the heaviest client is shown as %s under two seeds", a.Key)
	}
}
