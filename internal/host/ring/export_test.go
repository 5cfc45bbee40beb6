package ring

import (
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
)

// What the tests need beyond the API: rings on the heap, and the offsets of the words they damage.
const (
	TailOffset    = tailOffset
	HeadOffset    = headOffset
	DroppedOffset = droppedOffset
	HeaderSize    = headerSize
	PayloadOffset = payloadOffset
	OrphanAge     = orphanAge
)

// NewMemory returns the bytes of an empty ring on the heap.
func NewMemory(cfg Config) []byte {
	cfg, err := cfg.complete()
	if err != nil {
		panic(err)
	}
	mem := mmap.Aligned(int(cfg.fileSize()))
	format(mem, cfg)
	return mem
}

// ProduceInto returns a producer on mem, which must hold a valid header.
func ProduceInto(mem []byte) *Producer {
	q, err := parse(mem)
	if err != nil {
		panic(err)
	}
	return &Producer{q: q}
}

// Attach returns a consumer on mem.
func Attach(mem []byte, gone func() bool) (*Consumer, error) { return attach(mem, gone) }

// SetLimit lowers the number of rings that s attaches to.
func (s *Set) SetLimit(n int) { s.limit = n }

// ScanAt is Scan at another time.
func (s *Set) ScanAt(now time.Time) error { return s.scan(now) }

// DieAtHeadStore frees the held cell and stops where the second of the two stores would be made.
func (c *Consumer) DieAtHeadStore() {
	defer func() {
		if recover() == nil {
			panic("the store to head did not happen")
		}
	}()
	c.q.head = nil
	c.Release()
}
