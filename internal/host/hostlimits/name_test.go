package hostlimits_test

import (
	"bytes"
	"testing"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// Keys that share a hash, which no client can construct, are distinguished by their names, of any
// length.
func TestSlotsAreKeysByNameNotByHash(t *testing.T) {
	for _, n := range []int{1, 3, 4, 7, 8, 9, 11, 12, 13, 26, 119, 120, 121, 123, 124, 125, 126,
		300, 2000} {
		l := must(hostlimits.NewLimiter(hostlimits.Config{Threshold: 1}))
		var keys [3][]byte
		for i := range keys {
			keys[i] = bytes.Repeat([]byte{'k'}, n)
			keys[i][n-1] += byte(i)
			if a, ok := l.AdmitHashed(new(hostlimits.TicketState), 0x123456789abcdef,
				keys[i]); !ok || a.Estimate != 1 {
				t.Errorf("%d bytes, key %d: %+v", n, i, a)
			}
		}
		for i := range keys {
			if a, ok := l.AdmitHashed(new(hostlimits.TicketState), 0x123456789abcdef,
				keys[i]); ok || a.Reason != hostlimits.OverThreshold {
				t.Errorf("%d bytes, key %d for the second time: %+v", n, i, a)
			}
		}
	}
}
