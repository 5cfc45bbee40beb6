package traffic_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Whatever the facts, they come out of a wire as they went in.
func TestWireKeepsItsFacts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	yes := func() bool { return rng.IntN(2) == 0 }
	for range 5000 {
		f := traffic.WireFacts{Seen: true, AgentAccept: traffic.FieldOrder(rng.IntN(3)), EncodingLanguage: traffic.FieldOrder(rng.IntN(3)),
			LanguageAccept: traffic.FieldOrder(rng.IntN(3)), HintsAgent: traffic.FieldOrder(rng.IntN(3)), Cookie: traffic.CookiePosition(rng.IntN(4))}
		if yes() {
			f.Case, f.HostFirst, f.Connection = traffic.NameCase(rng.IntN(4)), yes(), traffic.ConnectionPosition(rng.IntN(4))
		} else {
			f.Pseudo, f.Settings = uint8(1+rng.IntN(25)), uint8(rng.IntN(64))
			f.Window, f.ConnectionWindow = uint8(rng.IntN(16)), uint8(rng.IntN(16))
			f.PriorityFrames, f.HeadersPriority = yes(), yes()
		}
		print := rng.Uint32()
		w := traffic.MakeWire(f, print)
		if w.Facts() != f || w.Print() != print {
			t.Fatalf("%+v and %x became %+v and %x", f, print, w.Facts(), w.Print())
		}
	}
	if w := traffic.MakeWire(traffic.WireFacts{Pseudo: 3, Window: 4}, 9); w.Facts() != (traffic.WireFacts{}) || w.Print() != 9 {
		t.Errorf("%+v of a wire that was not seen", w.Facts())
	}
	if traffic.Wire(0).Facts() != (traffic.WireFacts{}) {
		t.Error("the zero wire has facts")
	}
}

// What does not fit into a wire does not spill into its neighbours.
func TestWireBoundsItsFacts(t *testing.T) {
	var f traffic.WireFacts
	fields := reflect.ValueOf(&f).Elem()
	for i := range fields.NumField() {
		if v := fields.Field(i); v.Kind() == reflect.Bool {
			v.SetBool(true)
		} else {
			v.SetUint(255)
		}
	}
	got := traffic.MakeWire(f, 0).Facts()
	if got.Pseudo != traffic.OtherPseudoOrder || got.Window != 15 || got.Settings != 63 || got.Cookie != 3 {
		t.Errorf("%+v", got)
	}
}

func TestPseudoOrder(t *testing.T) {
	var orders []string
	for _, a := range "amps" {
		for _, b := range "amps" {
			for _, c := range "amps" {
				for _, d := range "amps" {
					order := string([]rune{a, b, c, d})
					if sorted := []rune(order); slices.Equal(func() []rune { slices.Sort(sorted); return sorted }(), []rune("amps")) {
						orders = append(orders, order)
					} else if code := traffic.PseudoOrder(order); code != traffic.OtherPseudoOrder {
						t.Errorf("%s is %d", order, code)
					}
				}
			}
		}
	}
	for i, order := range orders { // of the alphabet
		if code := traffic.PseudoOrder(order); int(code) != i+1 {
			t.Errorf("%s is %d, want %d", order, code, i+1)
		}
	}
	for order, code := range map[string]uint8{"masp": 8, "mpas": 9, "mpsa": 10, "msap": 11, "amps": 1, "psam": 17, "spma": 24} {
		if got := traffic.PseudoOrder(order); got != code {
			t.Errorf("%s is %d, models know it as %d", order, got, code)
		}
	}
	for _, order := range []string{"", "map", "masp:", "maspm", "MASP"} {
		if code := traffic.PseudoOrder(order); code != traffic.OtherPseudoOrder {
			t.Errorf("%q is %d", order, code)
		}
	}
}

func TestWindowClass(t *testing.T) {
	for size, want := range map[uint32]uint8{0: 0, 1: 1, 65535: 1, 65536: 1, 131072: 2, 4194304: 7, 6291456: 7, 15663105: 8, 33554432: 10,
		1 << 30: 15, 1<<31 - 1: 15, 1<<32 - 1: 15} {
		if got := traffic.WindowClass(size); got != want {
			t.Errorf("%d is of class %d, want %d", size, got, want)
		}
	}
}
