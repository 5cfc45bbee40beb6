package main

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/app/explain"
	"github.com/headgate/headgate/internal/base/hostname"
)

// knownKey is what is published of one key of the request.
type knownKey struct {
	Dimension  string              `json:"dimension"`
	Known      bool                `json:"known"`
	AgeSeconds float64             `json:"age_seconds"` // since the key's last event
	Features   map[string]*float32 `json:"features,omitempty"`
	Words      string              `json:"words"`
}

// explainPublished explains a plain request of a client by what a daemon has published.
func (c *explainCommand) explainPublished(client netip.Addr, rules heuristics.Rules, explainer *explain.Explainer) (*explained, error) {
	dir, owners, err := findDir("explain", c.Dir, c.Owner)
	if err != nil {
		return nil, err
	}
	store, err := openFeatures(dir, owners)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	e, err := c.explainPlain(store, client, rules, explainer)
	return e, notPublished(dir, err)
}

// explainPlain explains a plain request by the features of a store. It reads the table within one
// View, which survives that files are truncated meanwhile.
func (c *explainCommand) explainPlain(store *featurestore.Store, client netip.Addr, rules heuristics.Rules, explainer *explain.Explainer) (
	*explained, error) {
	vector := traffic.NewVector(explainer.Known())
	wanted, places := heuristics.AppendFeatures(vector.Inter())
	var ev traffic.Event
	var known []knownKey
	var published time.Time
	err := store.View(func(table *featurestore.Table) error {
		ev = c.plainRequest(client, traffic.NewSums(table.Seed))
		keys := traffic.NewKeys(&ev, table.Seed)
		known, published = knownKeys(table, &keys, ev.Time), time.Unix(0, table.Published).UTC()
		return nil
	})
	if err != nil {
		return nil, err
	}
	inter, values := featureValues(known, wanted), make([]float32, vector.Len())
	vector.Fill(values, &ev, inter)
	why, err := explainer.Explain(explainer.Inputs(explainer.Known(), values))
	if err != nil {
		return nil, err
	}
	history := places.History(inter)
	e := newExplained(&ev, rules.WithHistory(rules.Request(&ev), &ev, &history), why)
	e.Source, e.Published, e.Known, e.Request.Referer = "published", published, known, c.referer()
	return e, nil
}

// featureValues returns the values of features by their full names, NaN if unknown.
func featureValues(known []knownKey, names []string) []float32 {
	values := make([]float32, len(names))
	for i, name := range names {
		values[i] = float32(math.NaN())
		dimension, column, _ := strings.Cut(name, "/")
		for _, k := range known {
			if v := k.Features[column]; v != nil && k.Dimension == dimension {
				values[i] = *v
			}
		}
	}
	return values
}

// plainRequest returns a request with only the facts of the command line.
func (c *explainCommand) plainRequest(client netip.Addr, sums traffic.Sums) traffic.Event {
	ev := traffic.Event{Time: time.Now().UnixNano(), Method: c.Method, JA4: c.JA4}
	ev.SetClient(client)
	path, query := traffic.SplitTarget(c.Path)
	sums.SetPath(&ev, path)
	ev.SetQuery(len(query))
	if c.Agent != nil {
		sums.SetUserAgent(&ev, *c.Agent)
	} else {
		ev.Facts |= traffic.FactAgentUnknown
	}
	if ev.Host = hostname.Canonical(c.Host); c.Host == "" {
		ev.Facts |= traffic.FactHostUnknown
	}
	c.setReferer(&ev, sums)
	ev.Facts |= heuristics.RequestFacts(query, c.referer(), ev.UserAgent)
	sums.Bound(&ev)
	return ev
}

func (c *explainCommand) referer() string {
	if c.Referer == nil {
		return ""
	}
	return *c.Referer
}

// setReferer sets the Referer if the flag is given.
func (c *explainCommand) setReferer(ev *traffic.Event, sums traffic.Sums) {
	switch {
	case c.Referer == nil:
		return
	case *c.Referer != "":
		ev.Facts |= traffic.FactReferer
	}
	ev.Facts |= traffic.FactRefererKnown
	if host, page := traffic.SplitReferer(*c.Referer); host != "" && hostname.Canonical(host) == ev.Host {
		ev.Facts |= traffic.FactRefererSame
		sums.SetLink(ev, page)
	}
}

// knownKeys returns what is published of a request's keys, the client's first.
func knownKeys(table *featurestore.Table, keys *traffic.Keys, now int64) (all []knownKey) {
	for _, d := range []traffic.Dimension{traffic.DimIP, traffic.DimIPAgent, traffic.DimNet64, traffic.DimNet, traffic.DimUserAgent, traffic.DimHost} {
		if i := dimensionIndex(table, d.String()); i >= 0 && keys[d] != 0 {
			all = append(all, newKnownKey(table, d, i, keys[d], now))
		}
	}
	return all
}

// shownFeatures are the features that describe a known key: of each line the first that is known.
var shownFeatures = [][]string{
	{"requests_10m", "requests_1h", "requests_24h"},
	{"distinct_addresses_10m"},
	{"distinct_agents_10m"},
	{"age"},
}

func newKnownKey(table *featurestore.Table, d traffic.Dimension, at int, key uint64, now int64) knownKey {
	columns := table.Schema.Dimensions[at].Columns
	k := knownKey{Dimension: d.String()}
	row := make([]float32, len(columns))
	stamp, ok := table.Row(at, key, row)
	if !ok {
		k.Words = explain.Subject(d) + ": nothing is known"
		return k
	}
	k.Known, k.AgeSeconds, k.Features = true, time.Duration(now-stamp).Seconds(), make(map[string]*float32)
	for i, column := range columns {
		k.Features[column.Name] = nil
		if v := row[i] * featurestore.Decay(now-stamp, column.Decay); v-v == 0 { // finite
			k.Features[column.Name] = &v
		}
	}
	k.Words = strings.Join(append([]string{fmt.Sprintf("%s: last request %s", explain.Subject(d), ago(k.AgeSeconds))}, k.describe(d)...), ", ")
	return k
}

// describe describes the features of a key in words.
func (k *knownKey) describe(d traffic.Dimension) (all []string) {
	for _, names := range shownFeatures {
		at := slices.IndexFunc(names, func(name string) bool { return k.Features[name] != nil && *k.Features[name] >= 0.5 })
		if at >= 0 {
			words, _ := explain.Words(k.Dimension+"/"+names[at], *k.Features[names[at]])
			all = append(all, strings.TrimPrefix(words, explain.Subject(d)+" "))
		}
	}
	return all
}
