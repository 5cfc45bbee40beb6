package explain

import (
	"math"
	"slices"
	"strconv"
)

// unit formats a value for people.
type unit func(value float32) string

// format formats a value. A nil unit formats a plain number.
func (u unit) format(value float32) string {
	if u == nil {
		return formatNumber(value)
	}
	return u(value)
}

// units are the units of the catalogs, and "excess" for the difference of two shares. Distinct
// counts have the unit of what they count: see lookUpUnit.
var units = map[string]unit{
	"share":      formatShare,
	"excess":     formatExcess,
	"s":          func(v float32) string { return formatDuration(float64(v)) },
	"log2 ms":    func(v float32) string { return formatDuration((math.Exp2(float64(v)) - 1) / 1000) },
	"bits":       func(v float32) string { return formatRatio(math.Exp2(float64(v))) },
	"ratio":      func(v float32) string { return formatRatio(float64(v)) },
	"B":          func(v float32) string { return formatBytes(float64(v)) },
	"B/s":        func(v float32) string { return formatBytes(float64(v)) + "/s" },
	"log2 bytes": func(v float32) string { return formatBytes(math.Exp2(float64(v))) },
	"code":       formatNumber,
	"version":    formatNumber,
	"bool":       formatNumber,
}

// countUnits are the units of counts.
var countUnits = []string{"requests", "responses", "count", "bytes", "segments", "agents", "paths", "hosts", "addresses", "networks",
	"wires", "programs", "sessions", "versions"}

// lookUpUnit returns the unit of a name, or nil if it is unknown.
func lookUpUnit(name string) unit {
	if u, ok := units[name]; ok {
		return u
	}
	if slices.Contains(countUnits, name) {
		return formatCount
	}
	return nil
}

// formatCount formats a count. A fading sum is not a whole number, but is rounded to one.
func formatCount(value float32) string {
	switch v := float64(value); {
	case v == 0:
		return "no"
	case v > 0 && v < 0.5:
		return "less than 1"
	case v > 0 && v < 1e9:
		return grouped(int64(math.Round(v)))
	}
	return formatNumber(value)
}

// grouped formats a whole number in groups of three digits.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

func formatNumber(value float32) string { return strconv.FormatFloat(float64(value), 'g', 4, 32) }

// formatShare formats a share to precede the whole: 45 % of, all, or no requests.
func formatShare(value float32) string {
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

// formatExcess formats the difference of two shares.
func formatExcess(value float32) string {
	points := strconv.FormatFloat(min(math.Abs(100*float64(value)), 100), 'f', 0, 64)
	switch {
	case points == "0":
		return "as often as"
	case value < 0:
		return points + " points less often than"
	}
	return points + " points more often than"
}

// formatRatio formats a ratio or an estimated count.
func formatRatio(v float64) string {
	switch {
	case v >= 0 && v < 10:
		return threeFigures(v)
	case v >= 0 && v < 1e6:
		return formatCount(float32(v))
	}
	return formatNumber(float32(v))
}

// formatBytes formats an amount of data in decimal units.
func formatBytes(v float64) string {
	if v < 0 {
		return formatNumber(float32(v)) + " B"
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

// formatDuration formats a number of seconds in a fitting unit.
func formatDuration(seconds float64) string {
	const almost = 0.9995 // rounds up to the next unit
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

// threeFigures rounds numbers below 1000 to at most three digits.
func threeFigures(v float64) string {
	switch {
	case v < 10:
		return strconv.FormatFloat(math.Round(10*v)/10, 'f', -1, 64)
	case v < 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
