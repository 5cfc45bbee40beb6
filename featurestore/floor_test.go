package featurestore_test

import (
	"encoding/binary"
	"math/bits"
	"os"
	"testing"

	"github.com/headgate/headgate/internal/base/prefetch"
	"github.com/headgate/headgate/mmapsync"
)

// floor waits for the memory that a read of a table waits for, and does nothing else: for a random
// bucket in each dimension, all at once, and then for all lines of a random row in each. The
// content of the bucket determines the row, as in any index: two rounds of cache misses, one after
// the other, are the least that any table costs whose index is larger than the caches.
type floor struct {
	reader   *mmapsync.Reader
	snapshot mmapsync.Snapshot
	image    []byte
	parts    [benchDimensions]floorPart
	sum      uint64
}

// floorPart is a directory record of docs/format.md.
type floorPart struct{ capacity, buckets, index, rows, stride uint64 }

func newFloor(b *testing.B, path string) *floor {
	f := new(floor)
	var err error
	if f.reader, err = mmapsync.OpenReader(path, mmapsync.ReaderOptions{}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.reader.Close() })
	f.acquire(b)
	defer f.snapshot.Release()
	for at := 0; at < len(f.image); at += os.Getpagesize() {
		f.sum += uint64(f.image[at])
	}
	le := binary.LittleEndian
	for d := range f.parts {
		entry := f.image[128+128*d:]
		f.parts[d] = floorPart{le.Uint64(entry), le.Uint64(entry[8:]), le.Uint64(entry[16:]), le.Uint64(entry[24:]),
			4 * uint64(le.Uint32(entry[36:]))}
	}
	return f
}

// acquire acquires the current publication; the caller releases it.
func (f *floor) acquire(b *testing.B) {
	var err error
	if f.snapshot, err = f.reader.Acquire(); err != nil {
		b.Fatal(err)
	}
	f.image = f.snapshot.Bytes()
}

// touch reads every page of the current publication.
func (f *floor) touch(b *testing.B) {
	f.acquire(b)
	defer f.snapshot.Release()
	for at := 0; at < len(f.image); at += os.Getpagesize() {
		f.sum += uint64(f.image[at])
	}
}

// wait waits once. The keys are as random as hashes are.
func (f *floor) wait(keys []uint64) {
	var at [benchDimensions]uint64
	for d := range at {
		p := &f.parts[d]
		bucket, _ := bits.Mul64(keys[d], p.buckets)
		at[d] = p.index + 64*bucket
		prefetch.Word(&f.image[at[d]])
	}
	for d := range at {
		p := &f.parts[d]
		row, _ := bits.Mul64(keys[d]*0x9e3779b97f4a7c15+uint64(f.image[at[d]]), p.capacity)
		at[d] = p.rows + p.stride*row
		prefetch.Words(f.image[at[d] : at[d]+p.stride])
	}
	for d := range at {
		row := f.image[at[d] : at[d]+f.parts[d].stride]
		for line := 0; line < len(row); line += 64 {
			f.sum += uint64(row[line])
		}
		f.sum += uint64(row[len(row)-1])
	}
}
