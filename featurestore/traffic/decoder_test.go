package traffic_test

import (
	"math"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Events that this release encodes are decoded without a new string where their strings came
// before. Two strings in one place of a decoder drive each other out; where they are is by chance,
// so that one decoder of several is asked for.
func TestDecoderAllocatesNothing(t *testing.T) {
	var encoded [][]byte
	for _, ev := range benchEvents()[:50] {
		encoded = append(encoded, marshal(t, &ev))
	}
	var ev traffic.Event
	least := math.Inf(1)
	for range 20 {
		d := traffic.NewDecoder()
		least = min(least, testing.AllocsPerRun(10, func() {
			for _, b := range encoded {
				if err := d.Decode(b, &ev); err != nil {
					t.Fatal(err)
				}
			}
		}))
	}
	if least != 0 {
		t.Errorf("%v allocations", least)
	}
}

// What was decoded before changes nothing.
func TestDecoderReadsWhatWasEncoded(t *testing.T) {
	d := traffic.NewDecoder()
	var got traffic.Event
	for _, want := range benchEvents() {
		want.Origin, want.Open, want.Wire = strings.Repeat("o", int(want.Time)%400), want.Time%2 == 0, traffic.Wire(want.Time)
		if err := d.Decode(marshal(t, &want), &got); err != nil || got != want {
			t.Fatalf("%+v became %+v: %v", want, got, err)
		}
	}
}

// FuzzDecoder decodes any bytes as UnmarshalMsg does.
func FuzzDecoder(f *testing.F) {
	for _, seed := range eventSeeds(f) {
		f.Add(seed)
	}
	d := traffic.NewDecoder()
	f.Fuzz(func(t *testing.T, b []byte) {
		var want, got traffic.Event
		_, failed := want.UnmarshalMsg(b)
		err := d.Decode(b, &got)
		if (err == nil) != (failed == nil) || err == nil && got != want {
			t.Errorf("%+v, %v; want %+v, %v", got, err, want, failed)
		}
	})
}
