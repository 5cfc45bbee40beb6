package scorer

import (
	"strings"
	"testing"
)

// A string is hashed as its bytes are, at every length.
func TestStringsAreHashedAsBytes(t *testing.T) {
	long := strings.Repeat("0123456789abcdefghijklmnop", 12)
	for n := range len(long) {
		var row Row
		row.SetString(0, long[:n])
		row.SetBytes(1, []byte(long[:n]))
		if a, b := row.set[0].hash, row.set[1].hash; a != b {
			t.Errorf("%d bytes: %x as a string, %x as bytes", n, a, b)
		}
	}
}
