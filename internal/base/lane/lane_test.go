package lane_test

import (
	"sync"
	"testing"

	"github.com/headgate/headgate/internal/base/lane"
)

// Goroutines that live at the same time are spread over sixteen ways: no way has more than a
// quarter of them.
func TestGoroutinesAreSpread(t *testing.T) {
	var all, counting sync.WaitGroup
	var mu sync.Mutex
	seen := map[uint32]int{}
	counting.Add(256)
	for range 256 {
		all.Go(func() {
			mu.Lock()
			seen[lane.Hash()>>28]++
			mu.Unlock()
			counting.Done()
			counting.Wait() // keeps the stack until all have theirs
		})
	}
	all.Wait()
	for way, n := range seen {
		if n > 64 {
			t.Errorf("way %d has %d of 256 goroutines", way, n)
		}
	}
}
