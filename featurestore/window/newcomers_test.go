package window_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
)

// strangers is net/new_address_excess_10m of what was just sent.
func (w *town) strangers(o traffic.Observation) float32 {
	var v [1]float32
	w.a.Select([]string{"net/new_address_excess_10m"}).Read(v[:], &o.Keys, o.Time)
	return v[0]
}

func in24(c byte, i int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, c, byte(1 + i%250)}) }

// One client that takes the addresses of its network in turn stands out after a few requests, and
// so it does while it uses them a second time.
func TestAddressesInTurnStandOut(t *testing.T) {
	w := newTown(t)
	w.live(20)
	for i := range 500 {
		w.now += int64(50 * time.Millisecond)
		v := w.strangers(w.send(in24(113, i), popular, fmt.Sprintf("/item/%d", i), 200, 0))
		if i > 20 && i <= 250 && v < 0.5 || i > 250 && v < 0.25 {
			t.Fatalf("after %d requests: %v", i, v)
		}
	}
}

// Many people in one network exceed nothing: they ask for what people ask for. Nor does a first
// visitor of a network, or one whose neighbours flood the site from few addresses.
func TestNeighboursAreNoStrangers(t *testing.T) {
	w := newTown(t)
	w.live(60)
	if v := w.strangers(w.visit(in24(7, 1))); v > 0.1 {
		t.Errorf("a first visitor's network: %v", v)
	}
	for i := range 300 {
		w.now += int64(2 * time.Second)
		if v := w.strangers(w.visit(in24(113, i))); v > 0.1 {
			t.Fatalf("after %d neighbours: %v", i, v)
		}
	}
	for i := range 20_000 {
		w.now += int64(6 * time.Millisecond)
		w.send(in24(113, i%20), popular, fmt.Sprintf("/guess/%d.php", i), 404, 0)
	}
	if v := w.strangers(w.visit(in24(113, 30))); v > 0.1 {
		t.Errorf("beside a flood: %v", v)
	}
}

// Where everybody comes for a single page, many people in one network are no strangers either.
func TestStrangersAreOfTheSite(t *testing.T) {
	w := newTown(t)
	single := func(client netip.Addr) float32 {
		w.now += int64(3 * time.Second)
		return w.strangers(w.send(client, popular, "/", 200, 0))
	}
	for range 1200 {
		single(w.person())
	}
	for i := range 200 {
		if v := single(in24(113, i)); v > 0.35 {
			t.Fatalf("after %d: %v", i, v)
		}
	}
}
