package suites

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v4"
	boom "github.com/tylertreat/BoomFilters"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/limits"
)

// Limits is the benchmark of the crate pingora-limits: uniform keys below one million, one and more threads, time and memory.
var Limits = harness.Suite{Name: "limits", About: "counting one million uniform keys, against pingora-limits, maps and a sketch library", Run: runLimits}

const countedKeys = 1_000_000

// keys is splitmix64, as on the crate's side.
type keys uint64

func (k *keys) next() uint32 { return uint32(k.next64() >> 32 * countedKeys >> 32) }

func (k *keys) next64() uint64 {
	*k += 0x9e3779b97f4a7c15
	z := uint64(*k)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// counted is the size of the crate's own benchmark.
var counted = limits.SketchConfig{Rows: 3, Columns: 1024}

// counter counts keys. What it makes is safe for concurrent use unless it says otherwise.
type counter struct {
	name   string
	single bool // for one goroutine only
	make   func() counting
}

// counting adds the next n keys.
type counting func(k *keys, n int)

var counters = []counter{
	{name: harness.Headgate, make: countInSketch},
	{name: "headgate, striped", make: countInStripes},
	{name: "mutex + map", make: countInMap},
	{name: "sharded map (xsync)", make: countInShardedMap},
	{name: "BoomFilters sketch", single: true, make: countInBoom},
}

func countInSketch() counting {
	e, err := limits.NewEstimator(counted)
	if err != nil {
		panic(err) // the size is a constant
	}
	return func(k *keys, n int) {
		own := *k
		for range n {
			e.AddHash(limits.HashUint32(own.next()), 1)
		}
		*k = own
	}
}

// countInStripes adds without learning the estimate.
func countInStripes() counting {
	e, err := limits.NewStripedEstimator(counted, 0)
	if err != nil {
		panic(err)
	}
	return func(k *keys, n int) {
		own := *k
		for range n {
			e.ObserveHash(limits.HashUint32(own.next()), 1)
		}
		*k = own
	}
}

func countInMap() counting {
	var mutex sync.Mutex
	m := map[uint32]uint64{}
	return func(k *keys, n int) {
		for range n {
			key := k.next()
			mutex.Lock()
			m[key]++
			mutex.Unlock()
		}
	}
}

func countInShardedMap() counting {
	m := xsync.NewMap[uint32, *atomic.Uint64]()
	return func(k *keys, n int) {
		for range n {
			key := k.next()
			count, ok := m.Load(key)
			if !ok {
				count, _ = m.LoadOrStore(key, new(atomic.Uint64))
			}
			count.Add(1)
		}
	}
}

// countInBoom uses 3 rows of 1,360 columns, the library's nearest size.
func countInBoom() counting {
	s := boom.NewCountMinSketch(2.0/1024, 0.05)
	return func(k *keys, n int) {
		var b [4]byte
		for range n {
			binary.LittleEndian.PutUint32(b[:], k.next())
			s.Add(b[:])
		}
	}
}

func runLimits(r *harness.Run) error {
	peer, err := startBuilt("limits_peer")
	if err := r.Miss(err); err != nil {
		return err
	}
	if peer != nil {
		defer peer.Close()
	}
	for _, goroutines := range []int{1, 2, 8} {
		if err := compareCounters(r, peer, goroutines); err != nil {
			return err
		}
	}
	if err := compareMemory(r); err != nil {
		return err
	}
	return compareInflight(r, peer)
}

func compareCounters(r *harness.Run, peer *harness.Driver, goroutines int) error {
	n := r.Size(1_000_000, 8_000_000) / goroutines
	var implementations []harness.Implementation
	for _, c := range counters {
		if c.single && goroutines > 1 {
			continue
		}
		count := c.make() // lives through all rounds: after the first a map has all of its keys
		implementations = append(implementations, harness.Implementation{Name: c.name, Measure: func() ([]harness.Measurement, error) {
			return harness.Parallel(goroutines, n, func(g int) func(int) {
				k := keys(g) << 32
				return func(n int) { count(&k, n) }
			}), nil
		}})
	}
	if peer != nil {
		implementations = append(implementations, asked("pingora-limits", peer, fmt.Sprintf("estimator %d %d", goroutines, n)))
	}
	name := fmt.Sprintf("add, %d threads", goroutines)
	if goroutines == 1 {
		name = "add, 1 thread"
	}
	return r.Compare(name, implementations)
}

// compareMemory measures what the heap has grown by once the keys have been counted.
func compareMemory(r *harness.Run) error {
	var implementations []harness.Implementation
	for _, c := range counters {
		implementations = append(implementations, harness.Implementation{Name: c.name, Measure: func() ([]harness.Measurement, error) {
			before := heapInUse()
			count, k := c.make(), keys(0)
			count(&k, 10*countedKeys) // all but one key in 22,000 have come by then
			grown := heapInUse() - before
			runtime.KeepAlive(count)
			return []harness.Measurement{{Metric: "memory", Unit: "B", Value: float64(max(grown, 0)), N: 10 * countedKeys}}, nil
		}})
	}
	return r.Compare("one million keys", implementations)
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// compareInflight measures the beginning and the end of a request.
func compareInflight(r *harness.Run, peer *harness.Driver) error {
	const goroutines = 1
	n := r.Size(1_000_000, 8_000_000)
	inflight, err := limits.NewInflight(limits.SketchConfig{})
	if err != nil {
		return err
	}
	implementations := []harness.Implementation{{Name: harness.Headgate, Measure: func() ([]harness.Measurement, error) {
		return harness.Parallel(goroutines, n, func(g int) func(int) {
			k := keys(g) << 32
			return func(n int) {
				var b [4]byte
				var state limits.TicketState
				for range n {
					binary.LittleEndian.PutUint32(b[:], k.next())
					ticket, _ := inflight.Begin(&state, limits.Hash(b[:]), 1)
					ticket.Done()
				}
			}
		}), nil
	}}}
	if peer != nil {
		implementations = append(implementations, asked("pingora-limits", peer, fmt.Sprintf("inflight %d %d", goroutines, n)))
	}
	return r.Compare("in flight: begin and end", implementations)
}
