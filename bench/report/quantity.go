package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// quantity writes a value with three significant digits and a unit that fits its size.
func quantity(value float64, unit string) string {
	base, per, _ := strings.Cut(unit, "/")
	if per != "" {
		per = "/" + per
	}
	switch base {
	case "ns":
		return scaled(value, per, 1000, "ns", "µs", "ms", "s")
	case "B":
		return scaled(value, per, 1024, "B", "KiB", "MiB", "GiB")
	}
	if value >= 10_000 && math.Abs(value) < 1e15 {
		return grouped(int64(math.Round(value))) + " " + unit
	}
	return significant(value) + " " + unit
}

func scaled(value float64, per string, factor float64, units ...string) string {
	unit := 0
	for math.Abs(value) >= factor && unit < len(units)-1 {
		value /= factor
		unit++
	}
	return significant(value) + " " + units[unit] + per
}

// significant writes three significant digits, without an exponent.
func significant(value float64) string {
	if value == 0 || math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Sprint(value)
	}
	decimals := max(2-int(math.Floor(math.Log10(math.Abs(value)))), 0)
	text := strconv.FormatFloat(value, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// grouped writes thousands apart.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
