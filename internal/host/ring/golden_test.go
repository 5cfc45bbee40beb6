package ring_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"testing"

	"github.com/headgate/headgate/internal/host/ring"
)

var update = flag.Bool("update", false, "rewrite testdata from what the code writes now")

const goldenPath = "testdata/v1-4x64.ring"

// The golden file is a ring of four cells of 64 bytes after: six events, four of them delivered;
// one claim left open; one event; one drop.
func goldenRing(t *testing.T) []byte {
	p, c, mem := newPair(t, ring.Config{Cells: 4, CellSize: 64})
	for n := range uint64(4) {
		put(p, 0x0a0a0a0a0a0a0a00+n)
	}
	drain(c)
	put(p, 0x0b0b0b0b0b0b0b04)
	put(p, 0x0b0b0b0b0b0b0b05)
	p.Claim()
	put(p, 0x0b0b0b0b0b0b0b07)
	put(p, 0)
	return mem
}

// The format is what the file says, byte range by byte range, not what the code makes of it.
func TestGoldenFile(t *testing.T) {
	made := goldenRing(t)
	if *update {
		if err := os.WriteFile(goldenPath, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(goldenPath)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(golden, made) {
		t.Errorf("the code writes other bytes than %s holds; go test -run Golden -update rewrites it", goldenPath)
	}
	if len(golden) != 512+4*64 || string(golden[:8]) != "HGEVRING" {
		t.Fatalf("%d bytes, beginning with %q", len(golden), golden[:8])
	}
	for _, word := range []struct {
		offset, bytes int
		name          string
		want          uint64
	}{
		{8, 4, "version", 1}, {12, 4, "cells", 4}, {16, 4, "cell size", 64},
		{128, 8, "tail", 8}, {256, 8, "head", 4}, {384, 8, "dropped", 1},
		{512, 8, "cell 0: position 4 complete", 5}, {520, 4, "its length", 8}, {528, 8, "its event",
			0x0b0b0b0b0b0b0b04},
		{576, 8, "cell 1: position 5 complete", 6}, {584, 4, "its length", 8}, {592, 8, "its event",
			0x0b0b0b0b0b0b0b05},
		{640, 8, "cell 2: position 6 claimed", 6}, {648, 4, "left over: length", 8}, {656, 8,
			"left over: event", 0x0a0a0a0a0a0a0a02},
		{704, 8, "cell 3: position 7 complete", 8}, {712, 4, "its length", 8}, {720, 8, "its event",
			0x0b0b0b0b0b0b0b07}} {
		var padded [8]byte
		copy(padded[:], golden[word.offset:][:word.bytes])
		if got := binary.LittleEndian.Uint64(padded[:]); got != word.want {
			t.Errorf("offset %d, %s: %#x, want %#x", word.offset, word.name, got, word.want)
		}
		clear(golden[word.offset:][:word.bytes])
	}
	clear(golden[:8])
	if rest := bytes.TrimLeft(golden, "\x00"); len(rest) != 0 {
		t.Errorf("bytes outside the words named are not zero, the first at offset %d",
			len(golden)-len(rest))
	}
}
