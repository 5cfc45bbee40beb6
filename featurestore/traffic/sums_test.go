package traffic_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/dgryski/go-metro"
	"github.com/headgate/headgate/featurestore/traffic"
)

// cutPaths returns two long paths that had the same hash when that was MetroHash under a seed that
// everybody knows: a difference that survives under a quarter of all states, tried with a few
// beginnings.
func cutPaths(t *testing.T) (a, b string) {
	t.Helper()
	inverse := uint64(1)
	for range 6 {
		inverse *= 2 - 0x30BC5B29*inverse
	}
	for n := range 100 {
		first := append(bytes.Repeat([]byte{'/', byte('A' + n%50)}, traffic.MaxPath/2), bytes.Repeat([]byte("0123456789abcdef"), 4)...)
		second := bytes.Clone(first)
		for at, n := range map[int]uint64{24: 1 << 63, 40: 1 << 63, 56: 1 << 34 * inverse} {
			word := second[traffic.MaxPath+at:]
			binary.LittleEndian.PutUint64(word, binary.LittleEndian.Uint64(word)+n)
		}
		if metro.Hash64(first, 0x68656164676174) == metro.Hash64(second, 0x68656164676174) {
			return string(first), string(second)
		}
	}
	t.Fatal("no pair found")
	return "", ""
}

func TestCutTextsOfClientsDoNotCollide(t *testing.T) {
	a, b := cutPaths(t)
	for seed := range uint64(1000) {
		var first, second traffic.Event
		traffic.NewSums(seed).SetPath(&first, a)
		traffic.NewSums(seed).SetPath(&second, b)
		if first.Path != second.Path || first.PathSum == second.PathSum {
			t.Fatalf("under seed %d: %#x and %#x", seed, first.PathSum, second.PathSum)
		}
	}
	var one, other traffic.Event
	traffic.NewSums(1).SetSession(&one, "abc")
	traffic.NewSums(2).SetSession(&other, "abc")
	if one.Session == other.Session || one.Session == 0 {
		t.Errorf("sessions %#x and %#x", one.Session, other.Session)
	}
	if traffic.NewSums(1).SetSession(&one, ""); one.Session != 0 {
		t.Error("no cookie is a session")
	}
}

func TestSumsAllocateNothing(t *testing.T) {
	a, _ := cutPaths(t)
	var ev traffic.Event
	sums := traffic.NewSums(1)
	if n := testing.AllocsPerRun(100, func() { sums.SetPath(&ev, a); sums.SetUserAgent(&ev, a); sums.SetSession(&ev, a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
