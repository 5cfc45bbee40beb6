package proxyhook_test

import (
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/headgate/headgate/proxyhook"
)

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestThresholds(t *testing.T) {
	all := proxyhook.Thresholds{TagBelow: 40, ChallengeBelow: 30, ThrottleBelow: 20, DenyBelow: 10}
	hosts := all
	hosts.Hosts = map[string]proxyhook.Thresholds{"open": {}, "closed": {DenyBelow: 100}, "tagged": {TagBelow: 40}}
	for _, c := range []struct {
		what   string
		policy proxyhook.Thresholds
		host   string
		score  uint8
		want   proxyhook.Action
	}{
		{"nothing is below 0", proxyhook.Thresholds{}, "", 1, proxyhook.Allow},
		{"no score at all", proxyhook.Thresholds{}, "", 0, proxyhook.Allow},
		{"at the threshold", all, "", 40, proxyhook.Allow},
		{"below it", all, "", 39, proxyhook.Tag},
		{"at the second", all, "", 30, proxyhook.Tag},
		{"below the second", all, "", 29, proxyhook.Challenge},
		{"at the third", all, "", 20, proxyhook.Challenge},
		{"below the third", all, "", 19, proxyhook.Throttle},
		{"at the last", all, "", 10, proxyhook.Throttle},
		{"below the last", all, "", 9, proxyhook.Deny},
		{"the hardest wins whatever the order of the thresholds", proxyhook.Thresholds{TagBelow: 10, DenyBelow: 50}, "", 5, proxyhook.Deny},
		{"a host of no own", hosts, "other", 9, proxyhook.Deny},
		{"a host without thresholds", hosts, "open", 1, proxyhook.Allow},
		{"a host that lets nobody in", hosts, "closed", 99, proxyhook.Deny},
		{"a host's own are used whole", hosts, "tagged", 1, proxyhook.Tag},
	} {
		if got := c.policy.Judge(&eventOf{Host: c.host}, c.score); got != c.want {
			t.Errorf("%s: %v, expected %v", c.what, got, c.want)
		}
	}
}

// The histogram's quantiles against those of the sorted durations: never too low, at most one
// eighth too high.
func TestHistogram(t *testing.T) {
	var none proxyhook.Histogram
	if q := none.Quantile(0.99); q != 0 {
		t.Errorf("%v of nothing", q)
	}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		var h proxyhook.Histogram
		durations := make([]time.Duration, 1+random.IntN(3000))
		for i := range durations {
			durations[i] = time.Duration(random.Uint64N(1 << (1 + random.Uint64N(34))))
			h.Add(durations[i])
		}
		slices.Sort(durations)
		times := make([]uint64, 32)
		for _, d := range durations {
			times[min(31, int(math.Log2(max(1, float64(d)))))]++
		}
		if got := h.Doublings(); !slices.Equal(got, times) {
			t.Errorf("seed %d: by power of two %v, want %v", seed, got, times)
		}
		for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1} {
			want := durations[min(int(q*float64(len(durations))), len(durations)-1)]
			if got := h.Quantile(q); got <= want || got > want+want/8+1 {
				t.Errorf("seed %d: quantile %v of %d is %v, expected %v to an eighth more", seed, q, len(durations), got, want)
			}
		}
	}
}

// Durations of a wrong clock have a bucket, too.
func TestHistogramBounds(t *testing.T) {
	for _, c := range []struct{ in, want time.Duration }{{-1, 1}, {0, 1}, {7, 8}, {8, 9}, {1 << 62, 1 << 34}} {
		var h proxyhook.Histogram
		h.Add(c.in)
		if got := h.Quantile(0.5); got != c.want {
			t.Errorf("%d: %d, expected %d", c.in, got, c.want)
		}
	}
}
