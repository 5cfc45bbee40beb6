package featurestore_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/featurestore"
)

// benchSchema has the given number of dimensions and columns, a quarter of which fade.
func benchSchema(dimensions, columns int) featurestore.Schema {
	var s featurestore.Schema
	for d := range dimensions {
		dimension := featurestore.Dimension{Name: fmt.Sprint("d", d)}
		for c := range columns {
			column := featurestore.Column{Name: fmt.Sprint("c", c)}
			if c%4 == 0 {
				column.Decay = 1e10 << (c / 4 % 4)
			}
			dimension.Columns = append(dimension.Columns, column)
		}
		s.Dimensions = append(s.Dimensions, dimension)
	}
	return s
}

func benchKeys(n int) []uint64 {
	rng := rand.New(rand.NewPCG(9, 9))
	keys := make([]uint64, n)
	for i := range keys {
		keys[i] = rng.Uint64() | 1
	}
	return keys
}

func buildBench(b *testing.B, builder *featurestore.Builder, dimensions, columns int, keys []uint64) {
	sizes := make([]int, dimensions)
	for d := range sizes {
		sizes[d] = len(keys)
	}
	if err := builder.Begin(noon, sizes); err != nil {
		b.Fatal(err)
	}
	putBench(b, builder, dimensions, columns, keys)
}

func putBench(b *testing.B, to table, dimensions, columns int, keys []uint64) {
	row := make([]float32, columns)
	for d := range dimensions {
		for i, key := range keys {
			row[0] = float32(i)
			if err := to.Put(d, key, noon, row); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkRead reads 32 columns of a row in each of five dimensions, as a request does; each read takes other keys,
// at random, so that with a million keys a dimension (680 MB in all) nearly every row is a cache miss.
//
//	go test -run '^$' -bench Read -benchtime 200000x ./featurestore
func BenchmarkRead(b *testing.B) {
	const dimensions, columns = 5, 32
	for _, n := range []int{1000, 200_000} {
		b.Run(fmt.Sprint("keys=", dimensions*n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "features")
			schema, keys := benchSchema(dimensions, columns), benchKeys(n)
			p, err := featurestore.OpenPublisher(path, schema, featurestore.PublisherOptions{Capacity: []int{n}})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			putBench(b, p, dimensions, columns, keys)
			if err := p.Publish(noon); err != nil {
				b.Fatal(err)
			}
			names, all := namesOf(schema)
			selection := openStore(b, path).Select(names, all)
			dst, want := make([]float32, len(all)), make([]uint64, dimensions)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				for d := range want {
					want[d] = keys[(uint64(i)*0x9e3779b97f4a7c15>>20+uint64(d)*7919)%uint64(n)]
				}
				if info, err := selection.Read(dst, want, noon+int64(i)); err != nil || info.Found != dimensions {
					b.Fatal(info, err)
				}
			}
		})
	}
}

// BenchmarkBuild builds an image of a million keys with eight columns, as a daemon does at each publication.
//
//	go test -run '^$' -bench Build -benchtime 3x ./featurestore
func BenchmarkBuild(b *testing.B) {
	const columns = 8
	keys := benchKeys(1_000_000)
	builder, err := featurestore.NewBuilder(benchSchema(1, columns), 1)
	if err != nil {
		b.Fatal(err)
	}
	buildBench(b, builder, 1, columns, keys)
	b.SetBytes(int64(len(builder.Image())))
	b.ReportAllocs()
	for b.Loop() {
		buildBench(b, builder, 1, columns, keys)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/float64(len(keys))*1e9, "ns/key")
}
