package featurestore_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore"
)

var update = flag.Bool("update", false, "rewrite testdata from what the code writes now")

// The golden file is the image of smallImage in hexadecimal, 16 bytes a line.
const goldenPath = "testdata/table-v1.hex"

func readGolden(t testing.TB) []byte {
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

func writeGolden(t testing.TB, image []byte) {
	t.Helper()
	var text []byte
	for ; len(image) > 0; image = image[min(16, len(image)):] {
		text = append(hex.AppendEncode(text, image[:min(16, len(image))]), '\n')
	}
	if err := os.WriteFile(goldenPath, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// goldenSchema is frozen: the fingerprint is a hash of these bytes.
const goldenSchema = `{"dimensions":[` +
	`{"name":"ip","columns":[{"name":"requests","unit":"requests","decay_ns":60000000000},{"name":"share","unit":"share"}]},` +
	`{"name":"host","columns":[{"name":"rate","unit":"1/s","decay_ns":1000000000}]}]}`

// The format is what the file contains, byte range by byte range, not what the code makes of it.
func TestGoldenFile(t *testing.T) {
	made := smallImage(t)
	if *update {
		writeGolden(t, made)
	}
	golden := readGolden(t)
	if !bytes.Equal(golden, made) {
		t.Errorf("the code writes other bytes than %s holds; go test -run Golden -update rewrites it", goldenPath)
	}
	const (
		schemaAt = 128 + 2*128                               // after the header and two directory records
		ip       = 640                                       // after the schema's 214 bytes, on a cache line
		ipRows   = ip + 2*64                                 // two buckets
		host     = ipRows + 64                               // two rows of five words are 40 bytes
		hostRows = host + 2*64                               //
		size     = hostRows + 64                             // one row of four words
		second   = 256                                       // ticks
		epoch    = 1_758_880_192_000_000_000                 // the whole second 2^31 ticks before the publication
		now      = (1_767_268_800-1_758_880_192)*second + 31 // stamp of the publication: 0.123456789 s are 31 ticks
	)
	if len(golden) != size || string(golden[:8]) != "HGTABLE1" {
		t.Fatalf("%d bytes, beginning with %q", len(golden), golden[:8])
	}
	if got := string(golden[schemaAt:][:len(goldenSchema)]); got != goldenSchema {
		t.Errorf("schema %s", got)
	}
	f := func(v float32) uint64 { return uint64(math.Float32bits(v)) }
	for _, word := range []struct {
		offset, bytes int
		name          string
		want          uint64
	}{
		{8, 4, "version", 1}, {12, 4, "dimensions", 2}, {16, 8, "fingerprint", goldenFingerprint},
		{24, 8, "layout", goldenLayout}, {32, 8, "seed", 7}, {40, 8, "size", size}, {48, 8, "published", noon}, {56, 8, "epoch", epoch},
		{64, 8, "offset of the schema", schemaAt}, {72, 4, "its size", uint64(len(goldenSchema))}, {80, 8, "checksum", goldenChecksum},

		{128, 8, "ip: capacity", 2}, {136, 8, "ip: buckets", 2}, {144, 8, "ip: offset of the buckets", ip},
		{152, 8, "ip: offset of the rows", ipRows}, {160, 4, "ip: columns", 2}, {164, 4, "ip: words of a row", 5},
		{192, 8, "ip: keys", 2}, {200, 8, "ip: rows used", 2}, {208, 8, "ip: free rows", 0}, {216, 8, "ip: random", 0},
		{224, 8, "ip: sum", goldenSums[0]}, {232, 8, "ip: evicted", 0}, {240, 8, "ip: crowded", 0},
		{256, 8, "host: capacity", 1}, {264, 8, "host: buckets", 2}, {272, 8, "host: offset of the buckets", host},
		{280, 8, "host: offset of the rows", hostRows}, {288, 4, "host: columns", 1}, {292, 4, "host: words of a row", 4},
		{320, 8, "host: keys", 1}, {328, 8, "host: rows used", 1}, {336, 8, "host: free rows", 0}, {344, 8, "host: random", 0},
		{352, 8, "host: sum", goldenSums[1]}, {360, 8, "host: evicted", 0}, {368, 8, "host: crowded", 0},

		// m(42) is 0x810879608e4259cc, m(1<<63) is 0x8f780810af31a493: the upper of two buckets is
		// the first one of both.
		{ip + 64, 2, "bucket 1: tag of entry 0", 0x59cc}, {ip + 72, 2, "tag of entry 4", 0xa493}, {ip + 84, 4, "spilled", 0},
		{ip + 88, 4, "row of entry 0", 1}, {ip + 104, 4, "row of entry 4", 2},
		{ipRows, 8, "row 0: key", 42}, {ipRows + 8, 4, "stamp", now}, {ipRows + 12, 4, "requests", f(1)}, {ipRows + 16, 4, "share", f(2)},
		{ipRows + 20, 8, "row 1: key", 1 << 63}, {ipRows + 28, 4, "stamp", now - 3600*second}, {ipRows + 32, 4, "requests", f(3)},
		{ipRows + 36, 4, "share", f(nan)},
		{host + 64, 2, "bucket 1: tag of entry 0", 0x59cc}, {host + 88, 4, "row of entry 0", 1},
		{hostRows, 8, "row 0: key", 42}, {hostRows + 8, 4, "stamp", now - second}, {hostRows + 12, 4, "rate", f(5)},
	} {
		var padded [8]byte
		copy(padded[:], golden[word.offset:][:word.bytes])
		if got := binary.LittleEndian.Uint64(padded[:]); got != word.want {
			t.Errorf("offset %d, %s: %#x, want %#x", word.offset, word.name, got, word.want)
		}
		clear(golden[word.offset:][:word.bytes])
	}
	clear(golden[:8])
	clear(golden[schemaAt:][:len(goldenSchema)])
	if rest := bytes.TrimLeft(golden, "\x00"); len(rest) != 0 {
		t.Errorf("bytes outside the words named are not zero, the first at offset %d", len(golden)-len(rest))
	}
}

// goldenFingerprint is the MetroHash64 of goldenSchema, seed 0x736368656d61.
const goldenFingerprint = 0xfed3d2e4ef57b0c7

// These are MetroHash64 with the seed 0x7461626c65: of the first halves of the two directory
// records; of header and directory with the checksum field zero; of each dimension's rows, summed
// up.
const (
	goldenLayout   = 0xffd0e1c308fcd706
	goldenChecksum = 0xe8051010c405396e
)

var goldenSums = [2]uint64{0x9d04633d1e84725d, 0x32f99499c71da054}

// The file's content can be read.
func TestGoldenFileOpens(t *testing.T) {
	table, err := featurestore.OpenTable(readGolden(t))
	if err != nil {
		t.Fatal(err)
	}
	m := model{
		{42: {noon, []float32{1, 2}}, 1 << 63: {noon - 3600e9, []float32{3, nan}}},
		{42: {noon - 1e9, []float32{5}}},
	}
	m.compare(t, table)
	if table.Published != noon || table.Seed != 7 || !sameSchema(table.Schema, smallSchema()) {
		t.Errorf("%+v", table)
	}
}
