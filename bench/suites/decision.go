package suites

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/proxyhook"
)

// Decision measures Filter.Decide whole: keys, features, score, verdict; while the daemon publishes, is stopped, is dead.
var Decision = harness.Suite{Name: "decision", About: "Filter.Decide with 300 trees and with the built-in model; the daemon publishing, stopped, killed", Run: runDecision}

const decisionTrees = 300

// visited are the dimensions that requests without a session or a TLS fingerprint have, but for the user agent: of these there
// are agents.
var visited = []traffic.Dimension{traffic.DimIP, traffic.DimNet, traffic.DimHost, traffic.DimIPAgent}

const agents = 8192

func runDecision(r *harness.Run) error {
	dir, err := memoryDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	visitors := r.Size(1_000_000, 10_000_000) / len(visited)
	publisher, err := startPublisher(dir, visitors)
	if err != nil {
		return err
	}
	defer end(publisher)
	synthetic, err := openFilter(dir, true)
	if err != nil {
		return err
	}
	defer synthetic.Close()
	builtIn, err := openFilter(dir, false)
	if err != nil {
		return err
	}
	defer builtIn.Close()
	keys, n := fmt.Sprintf("%d million keys, ", len(visited)*visitors/1_000_000), r.Size(50_000, 300_000)
	for _, c := range []struct {
		name     string
		filter   *proxyhook.Filter
		rotating bool
		signal   syscall.Signal
	}{
		{"built-in model, daemon publishing", builtIn, false, 0},
		{"built-in model, each request with a new user agent", builtIn, true, 0},
		{fmt.Sprintf("%d trees, daemon publishing", decisionTrees), synthetic, false, 0},
		{fmt.Sprintf("%d trees, daemon stopped", decisionTrees), synthetic, false, syscall.SIGSTOP},
		{fmt.Sprintf("%d trees, daemon killed", decisionTrees), synthetic, false, syscall.SIGKILL},
	} {
		if c.signal != 0 {
			if err := publisher.Process.Signal(c.signal); err != nil {
				return err
			}
		}
		err := r.Compare(keys+c.name, []harness.Implementation{{Name: harness.Headgate, Measure: func() ([]harness.Measurement, error) {
			return decide(c.filter, visitors, n, c.rotating)
		}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// openFilter makes a filter that scores with a model over all features that it can have, or with the built-in model.
func openFilter(dir string, synthetic bool) (*proxyhook.Filter, error) {
	config := proxyhook.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)}
	if !synthetic {
		return proxyhook.New(config)
	}
	var features []string
	for _, f := range traffic.RequestCatalog {
		features = append(features, traffic.RequestPrefix+f.Name)
	}
	for _, f := range traffic.Catalog() {
		features = append(features, f.Dimension.String()+"/"+f.Name)
	}
	config.ModelFile = filepath.Join(dir, "model.json")
	if err := syntheticModel(config.ModelFile, decisionTrees, features); err != nil {
		return nil, err
	}
	return proxyhook.New(config)
}

// decide decides on random visitors, back to back. Their events are made ahead, a few hundred at a time: parsing is the proxy's
// work, which leaves an event in the caches.
func decide(filter *proxyhook.Filter, visitors, n int, rotating bool) ([]harness.Measurement, error) {
	before := filter.Stats()
	k := keys(time.Now().UnixNano())
	latency := harness.NewLatency()
	var events [256]traffic.Event
	for made := 0; made < n; made += len(events) {
		for i := range events {
			events[i] = visitor(int(k.next64() % uint64(visitors)))
			if rotating {
				events[i].SetUserAgent(agent(int(k.next64() >> 20)))
			}
		}
		err := latency.BackToBack(len(events), func(i int, _ int64) error {
			if filter.Decide(&events[i]).Score == 0 {
				return errors.New("a request without a score")
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if after := filter.Stats(); after.NoFeatures != before.NoFeatures {
		return nil, fmt.Errorf("%d decisions found no features published", after.NoFeatures-before.NoFeatures)
	}
	return latency.Measurements(), nil
}

// visitor is a request of the n-th visitor: IPv6, each with a network and a host of its own.
func visitor(n int) traffic.Event {
	ev := traffic.Event{Time: time.Now().UnixNano(), Method: "GET", Host: strconv.Itoa(n) + ".example.com", Headers: 12, Version: 20,
		Facts: traffic.FactHeadersKnown}
	ev.Client = [16]byte{0: 0x20, 2: byte(n >> 24), 3: byte(n >> 16), 4: byte(n >> 8), 5: byte(n), 15: 1}
	ev.SetPath("/catalog/item")
	ev.SetUserAgent(agent(n % agents))
	return ev
}

func agent(n int) string {
	return "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140." + strconv.Itoa(n)
}

const publisherRole = "decision-publisher"

func init() { harness.RegisterChild(publisherRole, publishVisitors) }

// startPublisher starts the process that stands for the daemon, and waits for its first publication.
func startPublisher(dir string, visitors int) (*exec.Cmd, error) {
	cmd, err := harness.Child(publisherRole, dir, strconv.Itoa(visitors))
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return nil, fmt.Errorf("the publisher did not come up: %w", err)
	}
	return cmd, nil
}

// end ends a process, whatever it is doing.
func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// publishVisitors publishes a row for every visitor in every dimension, and then one row in a hundred anew each second, until it is ended.
func publishVisitors(args []string) error {
	visitors, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	schema, capacity, err := catalogSchema(visitors)
	if err != nil {
		return err
	}
	publisher, err := featurestore.OpenPublisher(filepath.Join(args[0], "features"), schema, featurestore.PublisherConfig{Capacity: capacity})
	if err != nil {
		return err
	}
	defer publisher.Close()
	row := make([]float32, featurestore.MaxColumns)
	put := func(n int) error {
		ev := visitor(n)
		all := traffic.NewKeys(&ev, publisher.Seed())
		for _, d := range append(visited, traffic.DimUserAgent) {
			columns := len(schema.Dimensions[d].Columns)
			for c := range columns {
				row[c] = float32((n + 7*c) % 128)
			}
			if err := publisher.Put(int(d), all[d], ev.Time, row[:columns]); err != nil {
				return err
			}
		}
		return nil
	}
	for n := range visitors {
		if err := put(n); err != nil {
			return err
		}
	}
	for k, first := keys(0), true; ; first = false {
		if err := publisher.Publish(time.Now().UnixNano()); err != nil {
			return err
		}
		if first {
			fmt.Println("published")
		}
		for range 100 {
			time.Sleep(10 * time.Millisecond)
			for range visitors / 10_000 {
				if err := put(int(k.next64() % uint64(visitors))); err != nil {
					return err
				}
			}
		}
	}
}

// catalogSchema is what the daemon publishes; dimensions that nobody visits here have room for one key.
func catalogSchema(visitors int) (schema featurestore.Schema, capacity []int, err error) {
	daemon, err := window.New(window.Config{MaxKeys: 1})
	if err != nil {
		return schema, nil, err
	}
	schema = daemon.Schema()
	for _, dimension := range schema.Dimensions {
		keys := 1
		switch d, ok := traffic.DimensionByName(dimension.Name); {
		case ok && slices.Contains(visited, d):
			keys = visitors
		case ok && d == traffic.DimUserAgent:
			keys = agents
		}
		capacity = append(capacity, keys)
	}
	return schema, capacity, nil
}
