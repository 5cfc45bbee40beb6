package scorer

import (
	"strings"
	"testing"
)

// A string is hashed as its bytes are, at every length.
func TestStringsAreHashedAsBytes(t *testing.T) {
	long := strings.Repeat("0123456789abcdefghijklmnop", 12)
	for n := range len(long) {
		var scratch Scratch
		scratch.SetString(0, long[:n])
		scratch.SetBytes(1, []byte(long[:n]))
		if a, b := scratch.values[0].hash, scratch.values[1].hash; a != b {
			t.Errorf("%d bytes: %x as a string, %x as bytes", n, a, b)
		}
	}
}
