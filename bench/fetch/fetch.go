// Package fetch measures what a request path pays for its features: one row of 32 float32 from each of five dimensions, under random keys, by
// headgate's table and by the stores that people use instead.
//
// It leans towards the peers: their clients are bare loops over a blocking Unix socket without a library in between, one connection, all five
// keys in one round trip; LMDB is read in C, in process, within one transaction. Every side ends with 160 float32 in the caller's memory.
package fetch

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/headgate/headgate/bench/harness"
)

// Suite compares the stores.
var Suite = harness.Suite{Name: "features", About: "features of one request: 5 dimensions x 32 floats, against memcached, Redis, LMDB, a Go map behind a socket",
	Run: run}

// store is a filled store that returns the features of one request.
type store interface {
	fetch(keys *[dimensions]uint64, dst []float32, now int64) error
	close()
}

// maker fills a store with keys rows in each dimension.
type maker struct {
	name string
	make func(dir string, keys int) (store, error)
}

var makers = []maker{
	{harness.Headgate, makeTable},
	{"memcached", makeMemcached},
	{"Redis", makeRedis},
	{"Go map behind a socket", makeServer},
}

func run(r *harness.Run) error {
	keys := r.Size(1_000_000, 10_000_000) / dimensions
	dir, err := os.MkdirTemp(harness.MemoryDir(), "headgate-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sides, err := fill(r, dir, keys)
	defer func() {
		for _, s := range sides {
			s.close()
		}
	}()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d million keys", dimensions*keys/1_000_000)
	if err := r.Compare(name+", back to back", implementations(r, sides, keys, backToBack)); err != nil {
		return err
	}
	load, err := startLoad(runtime.NumCPU())
	if err != nil {
		return err
	}
	defer load.stop()
	return r.Compare(name+", a busy process per core", implementations(r, sides, keys, busy))
}

// pace is how fetches follow each other.
type pace struct {
	interval time.Duration // slept between two; 0: none
	loop     func(n int, operation harness.Operation) (*harness.Latency, error)
}

const busyInterval = 500 * time.Microsecond

var (
	backToBack = pace{loop: harness.BackToBack}
	busy       = pace{busyInterval, func(n int, operation harness.Operation) (*harness.Latency, error) {
		return harness.Paced(n, busyInterval, operation)
	}}
)

// fetches is how many make one round.
func (p pace) fetches(r *harness.Run) int {
	if p.interval > 0 {
		return r.Size(1000, 4000)
	}
	return r.Size(20_000, 100_000)
}

// side is a store that is ready to be measured: in this process, or in a driver.
type side struct {
	name   string
	store  store
	driver *harness.Driver
}

func (s side) close() {
	if s.driver != nil {
		s.driver.Close()
		return
	}
	s.store.close()
}

// fill makes all stores that can be had.
func fill(r *harness.Run, dir string, keys int) (sides []side, err error) {
	for _, m := range makers {
		s, err := m.make(dir, keys)
		if err != nil {
			if err := r.Miss(err); err != nil {
				return sides, fmt.Errorf("%s: %w", m.name, err)
			}
			continue
		}
		sides = append(sides, side{name: m.name, store: s})
	}
	driver, err := startLMDB(dir, keys)
	if err != nil {
		return sides, r.Miss(err)
	}
	return append(sides, side{name: "LMDB (C, in process)", driver: driver}), nil
}

func implementations(r *harness.Run, sides []side, keys int, p pace) (all []harness.Implementation) {
	n := p.fetches(r)
	for i, s := range sides {
		measure := func() ([]harness.Measurement, error) { return fetchAll(s.store, keys, n, p, uint64(i)) }
		if s.driver != nil {
			measure = func() ([]harness.Measurement, error) {
				return s.driver.Ask(fmt.Sprintf("fetch %d %d", n, p.interval.Nanoseconds()))
			}
		}
		all = append(all, harness.Implementation{Name: s.name, Measure: measure})
	}
	return all
}

// fetchAll fetches n times, and checks what it gets. The keys are drawn beforehand: a request has its own.
func fetchAll(s store, keys, n int, p pace, seed uint64) ([]harness.Measurement, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	requests := make([][dimensions]uint64, n)
	for i := range requests {
		for d := range requests[i] {
			requests[i][d] = keyOf(d, int(mix(seed<<40+uint64(i*dimensions+d))%uint64(keys)))
		}
	}
	dst := make([]float32, dimensions*columns)
	latency, err := p.loop(n, func(i int, now int64) error {
		request := &requests[i]
		if err := s.fetch(request, dst, now); err != nil {
			return err
		}
		for d, key := range request {
			if want := valueOf(key, columns-1); dst[d*columns+columns-1] != want {
				return fmt.Errorf("key %#x: the last feature is %v, not %v", key, dst[d*columns+columns-1], want)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return latency.Measurements(), nil
}
