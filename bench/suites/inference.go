package suites

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/scorer"
)

// Inference scores single rows with the same model file in headgate and in the library that wrote it.
var Inference = harness.Suite{Name: "inference", About: "one row through 100, 300, 1000 trees, against CatBoost, LightGBM and XGBoost",
	NeedsPeer: true, Run: runInference}

// trained is a model that the set-up script has trained, and the rows to score with it.
type trained struct {
	name, model, rows, cats string // file names; no cats: numeric features alone
	features                int    // numeric
	trees                   int
	library                 func(t trained) (*harness.Driver, error)
	peer                    string
	slowness                int  // about how many times as long as CatBoost's a row takes the peer: it gets fewer
	oneThread               bool // the peer scores batches by one thread alone
}

func trainedModels() (all []trained) {
	sizes := []struct{ trees, features int }{{100, 50}, {300, 100}, {1000, 200}}
	for _, s := range sizes {
		all = append(all, trained{
			name:  fmt.Sprintf("CatBoost, %d trees of depth 6, %d features", s.trees, s.features),
			model: fmt.Sprintf("catboost-%d.cbm", s.trees), rows: fmt.Sprintf("%d.rows", s.trees), features: s.features,
			trees: s.trees, library: startCatBoost, peer: "CatBoost (C++, called from Java)", slowness: 1, oneThread: true,
		})
	}
	all = append(all, trained{
		name:  "CatBoost, 300 trees, 40 numeric and 10 categorical features",
		model: "catboost-categorical.cbm", rows: "categorical.rows", cats: "categorical.cats", features: 40,
		trees: 300, library: startCatBoost, peer: "CatBoost (C++, called from Java)", slowness: 3, oneThread: true,
	})
	for _, s := range sizes {
		all = append(all, trained{
			name:  fmt.Sprintf("LightGBM, %d trees of 31 leaves, %d features", s.trees, s.features),
			model: fmt.Sprintf("lightgbm-%d.txt", s.trees), rows: fmt.Sprintf("%d.rows", s.trees), features: s.features,
			trees: s.trees, slowness: 6, library: startWith("lightgbm_peer", "lightgbm/lib/lib_lightgbm.so"), peer: "LightGBM (C, fast single row)",
		})
	}
	for _, s := range sizes {
		all = append(all, trained{
			name:  fmt.Sprintf("XGBoost, %d trees of depth 6, %d features", s.trees, s.features),
			model: fmt.Sprintf("xgboost-%d.json", s.trees), rows: fmt.Sprintf("%d.rows", s.trees), features: s.features,
			trees: s.trees, slowness: 20, library: startWith("xgboost_peer", "xgboost/lib/libxgboost.so"), peer: "XGBoost (C, in place)",
		})
	}
	return all
}

func runInference(r *harness.Run) error {
	leaves := harness.MissingPeer{Name: "leaves", Reason: "github.com/dmitryikh/leaves is not in every module proxy and is unmaintained",
		Remedy: "it cannot be installed by the set-up script"}
	if !r.RequirePeers {
		_ = r.Miss(leaves)
	}
	for _, t := range trainedModels() {
		if err := t.compare(r); err != nil {
			return fmt.Errorf("%s: %w", t.model, err)
		}
	}
	return nil
}

func modelPath(name string) string { return filepath.Join(harness.PeerDir(), "models", name) }

func (t trained) compare(r *harness.Run) error {
	ours, err := loadTrained(r, t)
	if ours == nil {
		return err
	}
	n := max(r.Size(4_000_000, 30_000_000)/t.trees/t.slowness, len(ours.rows))
	var implementations []harness.Implementation
	for _, tier := range scorer.Tiers() {
		m, err := ours.model.On(tier)
		if err != nil {
			return err
		}
		name := harness.Headgate
		if tier != ours.model.Tier() {
			name += ", " + tier.String()
		}
		implementations = append(implementations, harness.Implementation{Name: name, Measure: func() ([]harness.Measurement, error) {
			return ours.score(m, n)
		}})
	}
	driver, err := t.library(t)
	if err := r.Miss(err); err != nil {
		return err
	}
	if driver != nil {
		defer driver.Close()
		implementations = append(implementations, ours.asked(t.peer, driver, fmt.Sprintf("score %d", n)))
	}
	return r.Compare(t.name, implementations)
}

// loaded is a model with the rows that it scores.
type loaded struct {
	model *scorer.Model
	rows  [][]float32
	cats  [][]string
	sum   *float64 // of the raw outputs, once it is known
}

// loadTrained reads a model and its rows. It returns nil if the peer that trains them is missing.
func loadTrained(r *harness.Run, t trained) (*loaded, error) {
	if _, err := os.Stat(modelPath(t.model)); err != nil {
		return nil, r.Miss(harness.MissingPeer{Name: t.peer, Reason: "its model " + t.model + " is not there", Remedy: harness.SetUp})
	}
	m, err := scorer.LoadFile(modelPath(t.model))
	if err != nil {
		return nil, err
	}
	l := &loaded{model: m}
	data, err := os.ReadFile(modelPath(t.rows))
	if err != nil {
		return nil, err
	}
	for len(data) >= 4*t.features {
		row := make([]float32, max(t.features, len(m.Features())))
		for i := range t.features {
			row[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		l.rows, data = append(l.rows, row), data[4*t.features:]
	}
	if t.cats == "" {
		return l, nil
	}
	text, err := os.ReadFile(modelPath(t.cats))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		l.cats = append(l.cats, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	if len(l.cats) != len(l.rows) {
		return nil, fmt.Errorf("%d rows and %d lines of categories", len(l.rows), len(l.cats))
	}
	return l, nil
}

// sumOfOutputs is the metric by which both sides show that they compute the same: the sum of the raw outputs of one pass over the rows, in their
// order, in float64.
const sumOfOutputs = "sum of raw outputs"

// score is what the drivers do: one pass for the sum, and n rows for the time.
func (l *loaded) score(m *scorer.Model, n int) ([]harness.Measurement, error) {
	scratch := m.NewScratch()
	one := func(i int) (raw float64) {
		if l.cats != nil {
			first := len(l.rows[i]) - len(l.cats[i])
			for c, value := range l.cats[i] {
				scratch.SetString(first+c, value)
			}
		}
		raw, _ = m.Raw(scratch, l.rows[i]) // NaN with an error
		return raw
	}
	sum, rest := 0.0, 0.0
	for i := range l.rows {
		sum += one(i)
	}
	start := time.Now()
	for i := range n {
		rest += one(i % len(l.rows))
	}
	took := float64(time.Since(start))
	if math.IsNaN(rest) {
		return nil, errors.New("an output is not a number")
	}
	return l.check([]harness.Measurement{harness.NsPerOp(took, int64(n)), {Metric: sumOfOutputs, Value: sum}})
}

// asked is a library that a driver measures, whose outputs must add up to ours.
func (l *loaded) asked(name string, d *harness.Driver, request string) harness.Implementation {
	return harness.Implementation{Name: name, Measure: func() ([]harness.Measurement, error) {
		measurements, err := d.Ask(request)
		if err != nil {
			return nil, err
		}
		return l.check(measurements)
	}}
}

// check takes the sum out of measurements. It must be the same bits in every round of every implementation.
func (l *loaded) check(measurements []harness.Measurement) (kept []harness.Measurement, err error) {
	for _, m := range measurements {
		switch {
		case m.Metric != sumOfOutputs:
			kept = append(kept, m)
		case l.sum == nil:
			l.sum = &m.Value
		case *l.sum != m.Value:
			return nil, fmt.Errorf("the raw outputs add up to %v, those of the first implementation to %v", m.Value, *l.sum)
		}
	}
	return kept, nil
}

// startCatBoost starts the Java driver.
func startCatBoost(t trained) (*harness.Driver, error) {
	java, err := harness.FindInstalled("java")
	if err != nil {
		return nil, err
	}
	classes := filepath.Join(harness.PeerDir(), "java")
	if _, err := os.Stat(filepath.Join(classes, "CatBoostPeer.class")); err != nil {
		return nil, harness.MissingPeer{Name: t.peer, Reason: "there is no " + classes, Remedy: harness.SetUp}
	}
	cats := "-"
	if t.cats != "" {
		cats = modelPath(t.cats)
	}
	return harness.StartDriver(java, "-cp", classes+"/*:"+classes, "CatBoostPeer", modelPath(t.model), modelPath(t.rows), fmt.Sprint(t.features), cats)
}

// startWith starts a C driver with a shared library of a Python wheel.
func startWith(program, library string) func(trained) (*harness.Driver, error) {
	return func(t trained) (*harness.Driver, error) {
		path, err := harness.FindBuilt(program)
		if err != nil {
			return nil, err
		}
		found, err := filepath.Glob(filepath.Join(harness.PeerDir(), "venv/lib/python3*/site-packages", library))
		if err != nil || len(found) == 0 {
			return nil, harness.MissingPeer{Name: t.peer, Reason: "there is no " + library, Remedy: harness.SetUp}
		}
		return harness.StartDriver(path, found[0], modelPath(t.model), modelPath(t.rows), fmt.Sprint(t.features))
	}
}
