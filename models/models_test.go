package models_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/internal/app/simulated"
	"github.com/headgate/headgate/internal/app/simulator"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/models/gate"
	"github.com/headgate/headgate/scorer"
)

func load(t *testing.T, data []byte) *scorer.Model {
	t.Helper()
	model, err := scorer.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

func inputs(m *scorer.Model) (names []string) {
	for _, f := range m.Features() {
		names = append(names, f.Name)
	}
	return names
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	data, err = io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// table returns the header and the numbers of a fixture; an empty field is NaN.
func table(t *testing.T, name string, bits int) (header []string, rows [][]float64) {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(fixture(t, name))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records[1:] {
		row := make([]float64, len(record))
		for i, field := range record {
			if row[i] = math.NaN(); field == "" {
				continue
			}
			if row[i], err = strconv.ParseFloat(field, bits); err != nil {
				t.Fatal(err)
			}
		}
		rows = append(rows, row)
	}
	return records[0], rows
}

// TestDefaultGivesCatBoostsBits runs the embedded model and its JSON export over rows for which CatBoost itself gave
// the results, as train.py wrote them down.
func TestDefaultGivesCatBoostsBits(t *testing.T) {
	header, rows := table(t, "default_rows.csv.gz", 32)
	_, want := table(t, "default_raw.csv.gz", 64)
	if len(rows) != 1000 || len(want) != len(rows) {
		t.Fatalf("%d rows, %d results", len(rows), len(want))
	}
	for form, data := range map[string][]byte{"cbm": models.Default(), "json": fixture(t, "default.json.gz")} {
		model := load(t, data)
		if names := inputs(model); !slices.Equal(names, header) {
			t.Fatalf("%s: inputs %q, the rows have %q", form, names, header)
		}
		scratch, values := model.NewScratch(), make([]float32, len(header))
		for i := range rows {
			for j, v := range rows[i] {
				values[j] = float32(v)
			}
			got, err := model.Raw(scratch, values)
			if err != nil {
				t.Fatal(err)
			}
			if math.Float64bits(got) != math.Float64bits(want[i][0]) {
				t.Errorf("%s, row %d: %v, CatBoost says %v", form, i, got, want[i][0])
			}
		}
	}
}

// TestInputsAreComputed holds the model's inputs to the vocabulary of this release: one that nobody computes would be
// NaN for ever.
func TestInputsAreComputed(t *testing.T) {
	known := map[string]bool{}
	for _, f := range traffic.Catalog() {
		known[f.FullName()] = true
	}
	names := inputs(load(t, models.Default()))
	vector := traffic.NewVector(names)
	if unknown := vector.Unknown(); len(unknown) > 0 {
		t.Errorf("no single-request features: %q", unknown)
	}
	if len(vector.Inter()) == 0 {
		t.Error("the model reads no inter-request feature")
	}
	for _, name := range vector.Inter() {
		if !known[name] {
			t.Errorf("not in the catalog: %q", name)
		}
	}
}

// forbidden are features of a request that the model must not read, with the reason.
var forbidden = map[string]string{
	"request/agent_crawler": "a finding, before any model", "request/agent_tool": "as agent_crawler", "request/agent_headless": "as agent_crawler",
	"request/agent_missing": "as agent_crawler", "request/agent_browser_version": "grows old", "request/agent_os_version": "grows old",
	"request/path_length": "sites by heart", "request/path_depth": "sites by heart", "request/path_digits": "sites by heart",
	"request/path_upper": "sites by heart", "request/path_entropy": "sites by heart", "request/query_length": "sites by heart",
}

// What strangers share may be read where a flood of one of them leaves it as it is, so that nobody condemns the others by
// copying their user agent, and nobody hides among them.
func TestInputsCannotBePoisoned(t *testing.T) {
	catalog := make(map[string]traffic.Feature)
	for _, f := range traffic.Catalog() {
		catalog[f.FullName()] = f
	}
	for _, name := range inputs(load(t, models.Default())) {
		if why, ok := forbidden[name]; ok {
			t.Errorf("%s: %s", name, why)
		}
		if f, ok := catalog[name]; ok && !f.Steady() {
			t.Errorf("%s: a flood moves it for everybody", name)
		}
	}
}

// TestFlagsSimulatedBots counts every request of the first 15 s, each client's first ones too, on seeds that the
// model was not trained on. Time is virtual: the result is the same everywhere.
func TestFlagsSimulatedBots(t *testing.T) {
	for _, seed := range []uint64{2001, 2002, 2003} {
		bots, people := flagged(t, simulator.Config{Seed: seed}, 15*time.Second)
		t.Logf("seed %d: %.1f %% of the bots' requests flagged, %.1f %% of the people's", seed, 100*bots, 100*people)
		if bots < 0.80 || people > 0.05 {
			t.Errorf("seed %d: %.3f of the bots' requests flagged, want at least 0.80; %.3f of the people's, want at most 0.05",
				seed, bots, people)
		}
	}
}

// flagged returns the shares of bots' and people's requests with a score below 30.
func flagged(t *testing.T, config simulator.Config, duration time.Duration) (bots, people float64) {
	t.Helper()
	p, err := pipeline.New(pipeline.Config{Model: load(t, models.Default()), Features: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	source := simulated.NewSource(config, duration)
	var record pipeline.Record
	requests, below := map[bool]float64{}, map[bool]float64{}
	for {
		if err = source.Next(&record); err != nil {
			break
		}
		bot := strings.HasPrefix(record.Truth, "bot:")
		requests[bot]++
		if p.Score(&record.Event).Score < 30 {
			below[bot]++
		}
	}
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return below[true] / requests[true], below[false] / requests[false]
}

// The card has the table that headgate model gate prints of this model, and says of which model it is.
func TestCardHasTheGates(t *testing.T) {
	card, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	results, err := gate.Run(load(t, models.Default()), gate.Situations(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := gate.Write(&table, results); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&table, "\n%d of %d as wanted; model with SHA-256 %x\n", gate.Met(results), len(results), sha256Of(models.Default())[:8])
	if !bytes.Contains(card, table.Bytes()) {
		t.Errorf("README.md does not have what `go run ./cmd/headgate model gate` prints:\n%s", &table)
	}
	t.Log("\n" + table.String())
}

func sha256Of(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}
