package window

import "time"

// An hours cell counts a key's events by the hour of the day (UTC): 24 counts of a byte, all of
// which are halved when one is full.
const (
	hourWords  = 6
	hoursOfDay = 24
)

type hourCell [hourWords]uint32

func (c *hourCell) add(now int64) {
	hour := int(now / int64(time.Hour) % hoursOfDay)
	if hour < 0 { // before 1970: not the clock's hour, but one of the 24
		hour += hoursOfDay
	}
	if c.count(hour) == 0xff {
		for i := range c {
			c[i] = c[i] >> 1 & 0x7f7f7f7f
		}
	}
	c[hour/4] += 1 << (8 * (hour % 4))
}

func (c *hourCell) count(hour int) uint32 { return c[hour/4] >> (8 * (hour % 4)) & 0xff }

func (c *hourCell) entropy() float32 {
	var counts [hoursOfDay]float64
	for i := range counts {
		counts[i] = float64(c.count(i))
	}
	return float32(entropy(counts[:]))
}
