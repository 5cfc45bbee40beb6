package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/base/hostname"
	"github.com/headgate/headgate/internal/host/hostdir"
)

// inspectCommand is headgate inspect.
type inspectCommand struct {
	Dir    string `arg:"" optional:"" help:"Directory of the daemon. Default: /run/headgate or /dev/shm/headgate, whichever a daemon uses." type:"path"`
	Owner  string `name:"dir-owner" help:"User, by name or number, who may own the directory, besides root and the current user." placeholder:"USER"`
	Key    string `help:"Print one row, by dimension and key." placeholder:"DIMENSION=KEY" xor:"what"`
	Top    string `help:"Print the keys with the largest values of a feature." placeholder:"DIMENSION/FEATURE" xor:"what"`
	Verify bool   `help:"Recompute the table's checksum and follow every key to its row." xor:"what"`
	Limits bool   `help:"Print the requests in flight to origins, with rates measured over a second." xor:"what"`
	Count  int    `short:"n" help:"Number of keys that --top and --limits print." default:"20"`
	JSON   bool   `name:"json" help:"Print one JSON object."`

	owners hostdir.Owners `kong:"-"` // owners whose files may be read
}

// maxTop bounds the keys that --top keeps in memory.
const maxTop = 1_000_000

// Help is shown by headgate inspect --help.
func (inspectCommand) Help() string {
	return `Reads the published table as a proxy does, whether or not the daemon runs. --verify and --top read every row, which takes about a
second for ten million keys; the daemon publishes to new files meanwhile.

Keys by dimension: ip=ADDRESS, net=ADDRESS and net64=ADDRESS (any of the network), ua=USER-AGENT, wire=PRINT or wire=JA4, program_wire=PRINT,USER-AGENT, host=NAME, ip_ua=ADDRESS,USER-AGENT;
for all of them, and for session: the key as --top prints it, 0x and 16 hexadecimal digits. A table contains only hashes of addresses and
the like, and printed keys are hashed once more: a row can be found by its address, but an address cannot be found by its row.

Examples:
  headgate inspect
  headgate inspect /dev/shm/headgate --key ip=203.0.113.7
  headgate inspect /dev/shm/headgate --key 'ip_ua=203.0.113.7,curl/8.5.0' --json
  headgate inspect /dev/shm/headgate --verify
  headgate inspect /dev/shm/headgate --top ip/requests_1m
  headgate inspect /dev/shm/headgate --top net/not_found_share_10m -n 100 --json
  headgate inspect /dev/shm/headgate --key ip=0x00c0ffee00c0ffee
  headgate inspect /dev/shm/headgate --limits --json`
}

// Run prints the table, one row, the limits or the heaviest keys.
func (c *inspectCommand) Run(ctx context.Context, t *terminal) error {
	if c.Count < 1 || c.Count > maxTop {
		return usageError{fmt.Errorf("inspect: -n %d: 1 to %d keys can be printed", c.Count, maxTop)}
	}
	if err := c.find(); err != nil {
		return err
	}
	if c.Limits {
		return c.printLimits(ctx, t.out)
	}
	store, err := openFeatures(c.Dir, c.owners)
	if err != nil {
		return err
	}
	defer store.Close()
	err = store.View(func(table *featurestore.Table) error {
		switch {
		case c.Key != "":
			return c.printRow(t.out, table)
		case c.Top != "":
			return c.printTop(t.out, table)
		case c.Verify:
			return c.printVerified(t.out, table)
		}
		return c.printTable(t.out, table)
	})
	return notPublished(c.Dir, err)
}

// find finds the directory.
func (c *inspectCommand) find() (err error) {
	c.Dir, c.owners, err = findDir("inspect", c.Dir, c.Owner)
	return err
}

// inspected is the output of inspect for a table.
type inspected struct {
	Published  time.Time            `json:"published"`
	AgeSeconds float64              `json:"age_seconds"`
	Bytes      int                  `json:"bytes"`
	Dimensions []inspectedDimension `json:"dimensions"`
}

type inspectedDimension struct {
	Name     string                `json:"name"`
	Keys     int                   `json:"keys"`
	Capacity int                   `json:"capacity"`
	Evicted  uint64                `json:"evicted"` // rows evicted since the table was built
	Columns  []featurestore.Column `json:"columns"`
}

func (c *inspectCommand) printTable(w io.Writer, table *featurestore.Table) error {
	published := time.Unix(0, table.Published)
	in := inspected{Published: published.UTC(), AgeSeconds: time.Since(published).Seconds(), Bytes: table.Size()}
	for i, d := range table.Schema.Dimensions {
		in.Dimensions = append(in.Dimensions, inspectedDimension{d.Name, table.Keys(i), table.Capacity(i), table.Evicted(i), d.Columns})
	}
	if c.JSON {
		return json.NewEncoder(w).Encode(in)
	}
	fmt.Fprintf(w, "published %s, %s, %d bytes\n", in.Published.Format(time.RFC3339Nano), ago(in.AgeSeconds), in.Bytes)
	for _, d := range in.Dimensions {
		fmt.Fprintf(w, "\n%s: %d keys, room for %d, %d evicted, %d features\n", d.Name, d.Keys, d.Capacity, d.Evicted, len(d.Columns))
		for _, column := range d.Columns {
			fmt.Fprintf(w, "  %-28s %-10s%s\n", column.Name, column.Unit, decayText(column.Decay))
		}
	}
	return nil
}

// ago formats the time since an event. The event is in the future if the clock was set back since.
func ago(seconds float64) string {
	if seconds <= -0.05 {
		return fmt.Sprintf("%.1f s in the future by this clock", -seconds)
	}
	return fmt.Sprintf("%.1f s ago", max(0, seconds))
}

func decayText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf(" fades with time constant %v", d)
}

func (c *inspectCommand) printRow(w io.Writer, table *featurestore.Table) error {
	dimension, key, err := parseKey(c.Key, table)
	if err != nil {
		return usageError{fmt.Errorf("inspect: --key %s: %w", c.Key, err)}
	}
	i := dimensionIndex(table, dimension.String())
	if i < 0 {
		return fmt.Errorf("dimension %s is not published", dimension)
	}
	d := table.Schema.Dimensions[i]
	row := make([]float32, len(d.Columns))
	stamp, ok := table.Row(i, key, row)
	if !ok {
		return fmt.Errorf("%s is not among the %d keys of dimension %s", c.Key, table.Keys(i), d.Name)
	}
	return c.printColumns(w, d, row, stamp)
}

// printColumns prints a row with its values faded until now.
func (c *inspectCommand) printColumns(w io.Writer, d featurestore.Dimension, row []float32, stamp int64) error {
	elapsed := time.Since(time.Unix(0, stamp))
	values := make(map[string]*float32, len(row))
	for i, column := range d.Columns {
		row[i] *= featurestore.Decay(int64(elapsed), column.Decay)
		if v := row[i]; !math.IsNaN(float64(v)) {
			values[column.Name] = &v
		} else {
			values[column.Name] = nil
		}
	}
	if c.JSON {
		return json.NewEncoder(w).Encode(struct {
			Key        string              `json:"key"`
			AgeSeconds float64             `json:"age_seconds"`
			Features   map[string]*float32 `json:"features"`
		}{c.Key, elapsed.Seconds(), values})
	}
	fmt.Fprintf(w, "%s, last event %s\n", c.Key, ago(elapsed.Seconds()))
	for i, column := range d.Columns {
		fmt.Fprintf(w, "  %-28s %12.5g %s\n", column.Name, row[i], column.Unit)
	}
	return nil
}

// dimensionIndex returns the index of a dimension in the table's schema, or -1.
func dimensionIndex(table *featurestore.Table, name string) int {
	return slices.IndexFunc(table.Schema.Dimensions, func(d featurestore.Dimension) bool { return d.Name == name })
}

// parseKey parses dimension=key and returns the key's hash in the table. It builds an event with
// the key, so that the hash cannot differ from that of the request path.
func parseKey(s string, table *featurestore.Table) (traffic.Dimension, uint64, error) {
	name, value, ok := strings.Cut(s, "=")
	d, known := traffic.DimensionByName(name)
	if !ok || !known || value == "" {
		return 0, 0, errors.New("expected DIMENSION=KEY, such as ip=203.0.113.7")
	}
	if shown, ok := parseShownKey(value); ok {
		i := dimensionIndex(table, name)
		if i < 0 {
			return d, 0, nil // printRow reports that
		}
		key, _ := findShown(table, i, shown) // 0 is never a key
		return d, key, nil
	}
	var ev traffic.Event
	sums := traffic.NewSums(table.Seed)
	switch d {
	case traffic.DimUserAgent:
		sums.SetUserAgent(&ev, value)
	case traffic.DimWire:
		setWire(&ev, value)
	case traffic.DimProgramWire:
		wire, agent, _ := strings.Cut(value, ",")
		setWire(&ev, wire)
		ev.UserAgent = agent
	case traffic.DimHost:
		ev.Host = hostname.Canonical(value)
	case traffic.DimSession:
		return 0, 0, errors.New("sessions are kept as hashes and cannot be looked up by name, only by a key as --top prints it")
	default:
		address, agent, _ := strings.Cut(value, ",")
		addr, err := netip.ParseAddr(address)
		if err != nil {
			return 0, 0, fmt.Errorf("%q is not an IP address", address)
		}
		ev.SetClient(addr)
		sums.SetUserAgent(&ev, agent)
	}
	ev.Bound()
	key := traffic.NewKeys(&ev, table.Seed)[d]
	if key == 0 {
		return 0, 0, fmt.Errorf("%q has no key in dimension %s", value, d)
	}
	return d, key, nil
}

// setWire sets ev's wire to value: a print of eight hexadecimal digits, or a JA4.
func setWire(ev *traffic.Event, value string) {
	if print, err := strconv.ParseUint(value, 16, 32); err == nil && len(value) == 8 {
		ev.Wire = traffic.MakeWire(traffic.WireFacts{}, uint32(print))
		return
	}
	ev.JA4 = value
}
