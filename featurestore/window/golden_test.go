package window_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

var update = flag.Bool("update", false, "rewrite testdata from what the code writes now")

// goldenPath is a checkpoint of two clients in hexadecimal, 16 bytes a line, as a little-endian
// machine writes it.
const goldenPath = "testdata/checkpoint-v4.hex"

// goldenFeatures have a state of each kind.
var goldenFeatures = []traffic.Feature{
	{Dimension: traffic.DimIP, Name: "requests_1m", Unit: "requests", Fold: traffic.Fold{Kind: traffic.FoldSum, Window: time.Minute}},
	{Dimension: traffic.DimIP, Name: "paths_1m", Unit: "paths", Fold: traffic.Fold{Kind: traffic.FoldDistinct, Window: time.Minute, Object: traffic.ObjectPaths}},
	{Dimension: traffic.DimIP, Name: "since", Unit: "pages", Fold: traffic.Fold{Kind: traffic.FoldSince, Measure: traffic.MeasurePages, Per: traffic.MeasureAssets}},
	{Dimension: traffic.DimIP, Name: "streak", Unit: "events", Fold: traffic.Fold{Kind: traffic.FoldStreak, Measure: traffic.MeasureNotFound}},
	{Dimension: traffic.DimIP, Name: "seen", Unit: "bool", Fold: traffic.Fold{Kind: traffic.FoldSeen, Measure: traffic.MeasureRobotsFiles}},
	{Dimension: traffic.DimIP, Name: "age", Unit: "s", Fold: traffic.Fold{Kind: traffic.FoldAge}},
	{Dimension: traffic.DimIP, Name: "gap_min", Unit: "s", Fold: traffic.Fold{Kind: traffic.FoldGapMin, Window: time.Hour}},
	{Dimension: traffic.DimIP, Name: "page_gap", Unit: "log2 ms", Fold: traffic.Fold{Kind: traffic.FoldGapMean, Measure: traffic.MeasureDocuments}},
	{Dimension: traffic.DimIP, Name: "peak", Unit: "requests", Fold: traffic.Fold{Kind: traffic.FoldPeak, Window: time.Minute, Memory: 24 * time.Hour}},
	{Dimension: traffic.DimIP, Name: "links", Unit: "requests", Fold: traffic.Fold{Kind: traffic.FoldSum, Window: time.Minute, Measure: traffic.MeasureLinksFollowed}},
	{Dimension: traffic.DimIP, Name: "posts", Unit: "requests", Fold: traffic.Fold{Kind: traffic.FoldSum, Window: time.Minute, Measure: traffic.MeasurePostsRepeated}},
	{Dimension: traffic.DimIP, Name: "usual", Unit: "share", Fold: traffic.Fold{Kind: traffic.FoldUsual, Window: time.Hour, Measure: traffic.MeasureAssets, Per: traffic.MeasureRequests}},
	{Dimension: traffic.DimIP, Name: "lag", Unit: "versions", Fold: traffic.Fold{Kind: traffic.FoldLast, Measure: traffic.MeasureVersionLag}},
	{Dimension: traffic.DimIP, Name: "hours", Unit: "bits", Fold: traffic.Fold{Kind: traffic.FoldHourEntropy}},
	{Dimension: traffic.DimUserAgent, Name: "mobile", Unit: "bool", Fold: traffic.Fold{Kind: traffic.FoldAgent, Fact: traffic.AgentMobile}},
}

func goldenConfig() window.Config {
	return window.Config{Features: goldenFeatures, MaxKeys: 4, Promote: 1}
}

// goldenAggregator has seen three requests of two clients, and a clock that was set.
func goldenAggregator(t *testing.T) *window.Aggregator {
	a := newAggregator(t, goldenConfig())
	a.Clock(window.Instant{Wall: noon, Boot: 5, Running: 1e9})
	a.Clock(window.Instant{Wall: noon + 3601e9, Boot: 5, Running: 2e9}) // an hour ahead
	for i, client := range []uint64{1, 2, 1} {
		o := traffic.Observation{Time: noon + 3601e9 + int64(i)*1e9, Keys: traffic.Keys{traffic.DimIP: client, traffic.DimUserAgent: 9}, Agent: "curl/8.0"}
		o.Measures[traffic.MeasureRequests], o.Measures[traffic.MeasurePages], o.Measures[traffic.MeasureDocuments] = 1, 1, 1
		o.Measures[traffic.MeasurePosts], o.Objects[traffic.ObjectPaths], o.Page = 1, 77, 78
		a.Add(&o)
	}
	a.Tick(noon + 3605e9)
	return a
}

// The format is what docs/format.md says. It is read back with all that was kept.
func TestGoldenCheckpoint(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the golden file is of a little-endian machine: run on one")
	}
	path := filepath.Join(t.TempDir(), "checkpoint")
	checkpoint(t, goldenAggregator(t), path)
	made, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		writeHex(t, made)
	}
	golden := readHex(t)
	if !bytes.Equal(golden, made) {
		t.Errorf("the code writes other bytes than %s holds; a changed format gets a new version, then go test -run Golden -update", goldenPath)
	}
	header := golden[16 : 16+binary.LittleEndian.Uint32(golden[8:])]
	for _, name := range []string{"sum requests 1m0s", "distinct paths 30s", "since pages assets", "streak not_found", "seen robots_files",
		"first", "gaps 30m0s", "gaps documents 0s", "peak requests 1m0s 24h0m0s", "last version_lag", "fleet 12h 4", "usual 1h0m0s", "usual assets requests 1h0m0s", "past links_followed", "past posts_repeated", "hours", "agent mobile", "agent crawler"} {
		if !bytes.Contains(header, []byte(name)) {
			t.Errorf("the header does not name %q", name)
		}
	}
	if err := os.WriteFile(path, golden, 0o600); err != nil {
		t.Fatal(err)
	}
	a := restored(t, goldenConfig(), path)
	if set := a.Clock(window.Instant{Wall: noon + 10e9, Boot: 5, Running: 11e9}); set != -time.Hour {
		t.Errorf("the clock was set by %v since the checkpoint, want an hour back", set)
	}
	row := make([]float32, len(goldenFeatures))
	last, ok := a.Row(traffic.DimIP, 1, row)
	if !ok || last != noon+3e9 || row[1] != 1 || row[2] != 2 || row[5] != 2 || row[6] != 2 {
		t.Errorf("%v %v %v", ok, last-noon, row)
	}
}

func readHex(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(goldenPath)
	if err != nil {
		t.Fatal(err)
	}
	golden, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return golden
}

func writeHex(t testing.TB, b []byte) {
	t.Helper()
	var text []byte
	for ; len(b) > 0; b = b[min(16, len(b)):] {
		text = append(hex.AppendEncode(text, b[:min(16, len(b))]), '\n')
	}
	if err := os.MkdirAll(filepath.Dir(goldenPath), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenPath, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
