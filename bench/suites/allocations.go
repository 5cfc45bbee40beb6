package suites

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/mmapsync"
	"github.com/headgate/headgate/scorer"
)

// Allocations counts the heap allocations of every function on the request path. The promise is 0 for each.
var Allocations = harness.Suite{Name: "allocations", About: "heap allocations of every function on the request path", Run: runAllocations}

func runAllocations(r *harness.Run) error {
	dir, err := memoryDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, part := range []func(*harness.Run, string) error{allocationsOfFilter, allocationsOfSnapshots, allocationsOfLimits, allocationsOfScorer} {
		if err := part(r, dir); err != nil {
			return err
		}
	}
	return nil
}

// allocates reports the mean number of allocations of an operation; its error, if any, is the last call's.
func allocates(r *harness.Run, name string, operation func() error) error {
	const calls = 1000
	return r.Compare(name, []harness.Implementation{{Name: harness.Headgate, Measure: func() ([]harness.Measurement, error) {
		var failed error
		mean := testing.AllocsPerRun(calls, func() {
			if err := operation(); err != nil {
				failed = err
			}
		})
		return []harness.Measurement{{Metric: "allocations", Unit: "allocs/op", Value: mean, N: calls}}, failed
	}}})
}

// allocationsOfFilter measures the filter's three phases on published features, and the read of features by itself.
func allocationsOfFilter(r *harness.Run, dir string) error {
	publisher, err := startPublisher(dir, 1000)
	if err != nil {
		return err
	}
	defer end(publisher)
	filter, err := openFilter(dir, true)
	if err != nil {
		return err
	}
	defer filter.Close()
	ev := visitor(1)
	var state limits.TicketState
	if err := allocates(r, "Filter.Decide, Admit, Done", func() error {
		if d := filter.Decide(&ev); d.Score == 0 {
			return fmt.Errorf("no score: %v", d.Reason)
		}
		admission, ok := filter.Admit(&ev, "127.0.0.1:8081", &state)
		if !ok {
			return fmt.Errorf("refused: %v", admission.Reason)
		}
		filter.Done(&ev, admission.Ticket)
		return nil
	}); err != nil {
		return err
	}
	store, err := featurestore.Open(filepath.Join(dir, "features"))
	if err != nil {
		return err
	}
	defer store.Close()
	names := filter.Features()
	dimensions := map[string]bool{}
	var list []string
	for _, name := range names {
		if d, _, _ := strings.Cut(name, "/"); !dimensions[d] {
			dimensions[d] = true
			list = append(list, d)
		}
	}
	selection := store.Select(list, names)
	dst, request := make([]float32, len(names)), make([]uint64, len(list))
	for i := range request {
		request[i] = hashed(uint64(i))
	}
	return allocates(r, "featurestore.Selection.Read", func() error {
		_, err := selection.Read(dst, request, time.Now().UnixNano())
		return err
	})
}

func allocationsOfSnapshots(r *harness.Run, dir string) error {
	path := filepath.Join(dir, "snapshot")
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		return err
	}
	defer w.Close()
	payload := make([]byte, smallSize)
	if err := allocates(r, "mmapsync.Writer.Publish", func() error {
		_, err := w.Publish(payload)
		return err
	}); err != nil {
		return err
	}
	reader, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		return err
	}
	defer reader.Close()
	return allocates(r, "mmapsync.Reader.Acquire, Snapshot.Release", func() error {
		snapshot, err := reader.Acquire()
		if err == nil {
			snapshot.Release()
		}
		return err
	})
}

func allocationsOfLimits(r *harness.Run, _ string) error {
	estimator, err := limits.NewEstimator(limits.SketchConfig{})
	if err != nil {
		return err
	}
	rate, err := limits.NewRate(limits.RateConfig{})
	if err != nil {
		return err
	}
	key := []byte("127.0.0.1:8081 shop.example.com")
	if err := allocates(r, "limits.Estimator.Add", func() error {
		estimator.Add(key, 1)
		return nil
	}); err != nil {
		return err
	}
	return allocates(r, "limits.Rate.Observe, Rate.Rate", func() error {
		rate.Observe(key, 1)
		rate.Rate(key)
		return nil
	})
}

func allocationsOfScorer(r *harness.Run, dir string) error {
	path := filepath.Join(dir, "small.json")
	if err := syntheticModel(path, 100, []string{"a", "b", "c", "d"}); err != nil {
		return err
	}
	model, err := scorer.LoadFile(path)
	if err != nil {
		return err
	}
	scratch := model.NewScratch()
	values := []float32{1, 2, 3, 4}
	return allocates(r, "scorer.Model.Raw", func() error {
		_, err := model.Raw(scratch, values)
		return err
	})
}
