package traffic_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

// A vector has the model's order, each name as often as the model wants it.
func TestVectorOrder(t *testing.T) {
	names := []string{"ip/age", "request/method", "request/none", "none", "request/path_length", "ip/age", "request/", "request/method"}
	v := traffic.NewVector(names)
	if v.Len() != len(names) || !slices.Equal(v.Inter(), []string{"ip/age", "none", "ip/age"}) ||
		!slices.Equal(v.Unknown(), []string{"request/none", "request/"}) {
		t.Fatalf("%d, %q, unknown %q", v.Len(), v.Inter(), v.Unknown())
	}
	dst := []float32{9, 9, 9, 9, 9, 9, 9, 9}
	v.Fill(dst, &traffic.Event{Method: "POST", Path: "/abc"}, []float32{10, nan, 12})
	want := []float32{10, 3, nan, nan, 4, 12, nan, 3}
	if !slices.EqualFunc(dst, want, func(a, b float32) bool { return a == b || a != a && b != b }) {
		t.Errorf("%v, want %v", dst, want)
	}
}

func TestVectorOfNothing(t *testing.T) {
	v := traffic.NewVector(nil)
	if v.Fill(nil, &traffic.Event{}, nil); v.Len() != 0 || v.Inter() != nil || v.Unknown() != nil {
		t.Errorf("%+v", v)
	}
}

// Whatever part of the features a model wants, it gets the values that RequestFeatures returns.
func TestVectorOfSome(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 2000 {
		ev := randomEvent(rng)
		var all [traffic.NumRequestFeatures]float32
		traffic.RequestFeatures(&ev, &all)
		var names []string
		var want []float32
		for range rng.IntN(4) {
			i := rng.IntN(len(all))
			names, want = append(names, traffic.RequestCatalog[i].FullName()), append(want, all[i])
		}
		dst := make([]float32, len(names))
		traffic.NewVector(names).Fill(dst, &ev, nil)
		if !slices.EqualFunc(dst, want, func(a, b float32) bool { return a == b || a != a && b != b }) {
			t.Fatalf("%q of %+v: %v, want %v", names, ev, dst, want)
		}
	}
}
