package pipeline_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/headgate/headgate/featurestore/pipeline"
)

// BenchmarkReplay reads, scores and writes a log of simulated traffic with all features, as headgate replay does:
//
//	go test -bench Replay ./featurestore/pipeline
func BenchmarkReplay(b *testing.B) {
	const lines = 5000
	log := simulatedLog(1, lines)
	model := testModel(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(log)))
	for b.Loop() {
		source, err := pipeline.FromLog(bytes.NewReader(log))
		if err != nil {
			b.Fatal(err)
		}
		r := pipeline.Replay{Pipeline: newPipeline(b, pipeline.Config{Model: model}), Source: source, Out: io.Discard, Format: pipeline.CSV{}}
		if s, err := r.Run(b.Context()); err != nil || s.Rows != lines {
			b.Fatalf("%d rows, %v", s.Rows, err)
		}
	}
	b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "lines/s")
}
