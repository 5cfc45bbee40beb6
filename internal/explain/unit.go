package explain

import (
	"math"
	"slices"
	"strconv"
)

// unit writes a value as people read it.
type unit func(value float32) string

// write writes a value. One of a unit that has no way of its own is a plain number.
func (u unit) write(value float32) string {
	if u == nil {
		return shownNumber(value)
	}
	return u(value)
}

// units are those of the catalogs, and "excess" for a share that is a difference. Distinct counts have
// the unit of what they count: see unitOf.
var units = map[string]unit{
	"share":      shownShare,
	"excess":     shownExcess,
	"s":          func(v float32) string { return shownDuration(float64(v)) },
	"log2 ms":    func(v float32) string { return shownDuration((math.Exp2(float64(v)) - 1) / 1000) },
	"bits":       func(v float32) string { return shownRatio(math.Exp2(float64(v))) },
	"ratio":      func(v float32) string { return shownRatio(float64(v)) },
	"B":          func(v float32) string { return shownBytes(float64(v)) },
	"B/s":        func(v float32) string { return shownBytes(float64(v)) + "/s" },
	"log2 bytes": func(v float32) string { return shownBytes(math.Exp2(float64(v))) },
	"code":       shownNumber,
	"version":    shownNumber,
	"bool":       shownNumber,
}

// counted are the units of numbers of things.
var counted = []string{"requests", "responses", "count", "bytes", "segments", "agents", "paths", "hosts", "addresses", "networks",
	"wires", "programs", "sessions", "versions"}

// unitOf returns how a unit is written; nil if it is none of those that are known.
func unitOf(name string) unit {
	if u, ok := units[name]; ok {
		return u
	}
	if slices.Contains(counted, name) {
		return shownCount
	}
	return nil
}

// shownCount writes a number of things. A sum that fades is no whole number, and reads as one.
func shownCount(value float32) string {
	switch v := float64(value); {
	case v == 0:
		return "no"
	case v > 0 && v < 0.5:
		return "less than 1"
	case v > 0 && v < 1e9:
		return grouped(int64(math.Round(v)))
	}
	return shownNumber(value)
}

// grouped writes a whole number in groups of three figures.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

func shownNumber(value float32) string { return strconv.FormatFloat(float64(value), 'g', 4, 32) }

// shownShare writes a share before what it is a share of: 45 % of, all, or no requests.
func shownShare(value float32) string {
	switch v := 100 * float64(value); {
	case v <= 0:
		return "no"
	case v < 1:
		return "under 1 % of"
	case v >= 100:
		return "all"
	case v > 99:
		return "over 99 % of"
	default:
		return strconv.FormatFloat(v, 'f', 0, 64) + " % of"
	}
}

// shownExcess writes the difference of two shares.
func shownExcess(value float32) string {
	points := strconv.FormatFloat(min(math.Abs(100*float64(value)), 100), 'f', 0, 64)
	switch {
	case points == "0":
		return "as often as"
	case value < 0:
		return points + " points less often than"
	}
	return points + " points more often than"
}

// shownRatio writes a ratio, or how many there seem to be of what is not counted.
func shownRatio(v float64) string {
	switch {
	case v >= 0 && v < 10:
		return threeFigures(v)
	case v >= 0 && v < 1e6:
		return shownCount(float32(v))
	}
	return shownNumber(float32(v))
}

// shownBytes writes an amount of data in decimal units.
func shownBytes(v float64) string {
	if v < 0 {
		return shownNumber(float32(v)) + " B"
	}
	scaled, prefix := v, ""
	for _, p := range []string{"k", "M", "G", "T"} {
		if scaled < 1000 {
			break
		}
		scaled, prefix = scaled/1000, p
	}
	return threeFigures(scaled) + " " + prefix + "B"
}

// shownDuration writes a number of seconds in the unit that fits.
func shownDuration(seconds float64) string {
	const almost = 0.9995 // what would be rounded to a whole one of the next unit
	for _, u := range []struct {
		from, length float64
		name         string
	}{{2 * 86400, 86400, " days"}, {3600, 3600, " h"}, {60, 60, " min"}, {1, 1, " s"}, {0.001, 0.001, " ms"}} {
		if seconds >= almost*u.from {
			return threeFigures(seconds/u.length) + u.name
		}
	}
	return "less than 1 ms"
}

// threeFigures rounds so that no more than three figures are left of a number below 1000.
func threeFigures(v float64) string {
	switch {
	case v < 10:
		return strconv.FormatFloat(math.Round(10*v)/10, 'f', -1, 64)
	case v < 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
