package hostlimits_test

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/headgate/headgate/internal/base/countmin"
	"github.com/headgate/headgate/internal/base/keyhash"
	"github.com/headgate/headgate/internal/host/hostlimits"
)

// The smallest file, with eight keys in flight that fill the exact table and a ninth in the sketch,
// is what docs/format.md says, place by place.
func TestFileIsAsDocumented(t *testing.T) {
	path, _ := newHost(t, hostlimits.KeeperConfig{Processes: 1, ExactKeys: 8,
		Sketch: countmin.Size{Rows: 1, Columns: 2}})
	l := must(hostlimits.Join(path, hostlimits.Config{}))
	const key = "10.0.0.1:80 shop"
	var states [9]hostlimits.TicketState
	l.AdmitString(&states[0], key)
	for i := 1; i < len(states); i++ {
		l.AdmitString(&states[i], string(rune('a'+i)))
	}
	l.WriteTallies()
	b := must(os.ReadFile(path))
	word := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	half := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	const (
		ledger = 256
		locks  = ledger + 256
		tags   = locks + 128
		names  = tags + 64
		held   = names + 1024
		cells  = held + 64
		end    = cells + 128
	)
	if len(b) != end || string(b[:8]) != "hglimits" {
		t.Fatalf("%d bytes that begin with %q, want %d", len(b), b[:8], end)
	}
	for i, want := range []uint32{2, 1, 2, 1, 1, 0} {
		// format, rows, columns, sets, processes, zero
		if got := half(8 + 4*i); got != want {
			t.Errorf("at %d: %d, want %d", 8+4*i, got, want)
		}
	}
	if word(32) == 0 || word(40) != 1 || word(48) != 0 || word(ledger) == 0 ||
		word(ledger+8) != 9 || word(locks) != 0 {
		t.Errorf("made %d, %d seats in use, %d freed; the first was taken %d and admitted %d; lock %d",
			word(32), word(40), word(48), word(ledger), word(ledger+8), word(locks))
	}
	hasher := keyhash.New(keyhash.Secret(b[192:208]))
	hash := hasher.Hash([]byte(key))
	if got, want := word(tags)&(1<<60-1), hash&(1<<59-1)|1<<59; got != want {
		t.Errorf("tag %#x, want %#x", got, want)
	}
	if half(names) != uint32(len(key)) || string(b[names+4:][:len(key)]) != key {
		t.Errorf("a name of %d bytes, %q", half(names), b[names+4:][:len(key)])
	}
	if word(held) != 1<<32|1 {
		t.Errorf("the exact counter is %#x, want one admitted and one in flight", word(held))
	}
	column := hasher.Hash([]byte{'a' + 8}) & 1
	if half(cells+4*int(column)) != 1 || half(cells+4*int(1-column)) != 0 {
		t.Errorf("cells %d and %d, want 1 for the ninth key, in column %d", half(cells),
			half(cells+4), column)
	}
}
