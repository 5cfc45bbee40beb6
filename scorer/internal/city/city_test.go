package city

import (
	"strings"
	"testing"
)

// The first four come from CatBoost's own tests of its Java package; the others, of the lengths
// that the function treats apart, are what CatBoost 1.2.10 stored for one-hot values in a model.
func TestCityHash64(t *testing.T) {
	long := strings.Repeat("0123456789abcdefghijklmnop", 12)
	for _, c := range []struct {
		text string
		want int32
	}{
		{"foo", -553946371},
		{"bar", 50123586},
		{"baz", 825262476},
		{"\U0001F621", 11426516},
		{long[:0], 797982799},
		{long[:1], -1438285038},
		{long[:3], -1535750419},
		{long[:4], 313949378},
		{long[:8], 868295947},
		{long[:9], 250717821},
		{long[:16], -1649659113},
		{long[:17], -445042630},
		{long[:32], -134454458},
		{long[:48], -1436572543},
		{long[:64], 325407212},
		{long[:65], -1679935897},
		{long[:128], 1781398371},
		{long[:129], -1259925047},
		{long[:192], -7989345},
		{long[:193], 930571920},
		{long[:256], -123455473},
		{long[:300], -701385336},
	} {
		if got := int32(Hash64([]byte(c.text))); got != c.want {
			t.Errorf("%.40q: %d, expected %d", c.text, got, c.want)
		}
	}
}
