package accesslog

import "time"

// stampLen is the width of a date, which both servers write in the same form.
const stampLen = len("02/Jan/2006:15:04:05 -0700")

// firstYear and lastYear bound the years that are accepted. HTTP is from 1990; an earlier year
// comes from a machine without a clock, a later one is made up. Every instant between them fits
// into int64 nanoseconds in any zone.
const firstYear, lastYear = 1990, 2100

// dateCache converts dates to instants. It keeps the last day and zone, which rarely change from
// line to line, so that most lines cost only the time of day.
type dateCache struct {
	key      [len("02/Jan/2006") + len(" -0700")]byte
	midnight int64 // seconds since the epoch at 00:00:00 of that day in that zone
	valid    bool
}

// parse accepts exactly the texts of stampLen bytes that time.Parse accepts for
// the layout "02/Jan/2006:15:04:05 -0700", within the years above.
func (c *dateCache) parse(b []byte) (nanos int64, ok bool) {
	if len(b) != stampLen {
		return 0, false
	}
	var key [len(c.key)]byte
	copy(key[:11], b[:11])
	copy(key[11:], b[20:])
	if !c.valid || key != c.key {
		c.key = key
		c.midnight, c.valid = parseDay(key[:11], key[11:])
	}
	hour, okH := twoDigits(b[12], b[13])
	minute, okM := twoDigits(b[15], b[16])
	second, okS := twoDigits(b[18], b[19])
	if !c.valid || !okH || !okM || !okS || b[11] != ':' || b[14] != ':' || b[17] != ':' ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return (c.midnight + int64(hour*3600+minute*60+second)) * 1e9, true
}

// parseDay reads "02/Jan/2006" and " -0700" and returns that midnight in seconds since the epoch.
func parseDay(day, zone []byte) (int64, bool) {
	d, okD := twoDigits(day[0], day[1])
	month := parseMonth(day[3], day[4], day[5])
	century, okC := twoDigits(day[7], day[8])
	year, okY := twoDigits(day[9], day[10])
	offset, okZ := parseZone(zone)
	year += century * 100
	if !okD || !okC || !okY || !okZ || day[2] != '/' || day[6] != '/' || month == 0 ||
		year < firstYear || year > lastYear {
		return 0, false
	}
	t := time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
	if d == 0 || t.Day() != d { // time.Date carries 31 April over to 1 May
		return 0, false
	}
	return t.Unix() - offset, true
}

// parseZone reads " -0700" and returns seconds east of UTC. Like time.Parse it accepts 24 hours and
// 60 minutes.
func parseZone(b []byte) (int64, bool) {
	hours, okH := twoDigits(b[2], b[3])
	minutes, okM := twoDigits(b[4], b[5])
	if !okH || !okM || b[0] != ' ' || hours > 24 || minutes > 60 {
		return 0, false
	}
	seconds := int64(hours*3600 + minutes*60)
	switch b[1] {
	case '+':
		return seconds, true
	case '-':
		return -seconds, true
	}
	return 0, false
}

// parseMonth returns the month of an English abbreviation in any case, or 0.
func parseMonth(a, b, c byte) time.Month {
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	a, b, c = a|0x20, b|0x20, c|0x20 // turns no other byte into a letter
	for i := 0; i < len(names); i += 3 {
		if names[i] == a && names[i+1] == b && names[i+2] == c {
			return time.Month(i/3 + 1)
		}
	}
	return 0
}

func twoDigits(tens, ones byte) (int, bool) {
	t, o := tens-'0', ones-'0'
	return int(t)*10 + int(o), t <= 9 && o <= 9
}
