package accesslog_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const layout = "02/Jan/2006:15:04:05 -0700"

// readDates returns the instant of each date, and whether its line was accepted.
func readDates(t *testing.T, dates []string) (nanos []int64, ok []bool) {
	t.Helper()
	var log strings.Builder
	for _, date := range dates {
		fmt.Fprintf(&log, "192.0.2.7 - - [%s] \"GET / HTTP/1.1\" 200 1\n", date)
	}
	nanos, ok = make([]int64, len(dates)), make([]bool, len(dates))
	entries, bad, err := readAll(t, strings.NewReader(log.String()))
	if err != io.EOF || len(entries)+len(bad) != len(dates) {
		t.Fatalf("%d entries and %d line errors of %d dates, end %v", len(entries), len(bad), len(dates), err)
	}
	for _, e := range entries {
		nanos[e.Line-1], ok[e.Line-1] = e.Time, true
	}
	return nanos, ok
}

// checkAgainstTimeParse compares the reader's dates with the standard library's.
func checkAgainstTimeParse(t *testing.T, dates []string) {
	t.Helper()
	nanos, ok := readDates(t, dates)
	for i, date := range dates {
		want, err := time.Parse(layout, date)
		year := want.Year()
		wantOK := err == nil && 1990 <= year && year <= 2100
		if ok[i] != wantOK || (ok[i] && nanos[i] != want.UnixNano()) {
			t.Errorf("%q: got %d, %v; time.Parse gives %v, %v", date, nanos[i], ok[i], want, err)
		}
	}
}

func TestDateEqualsTimeParse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	zones := []string{"+0000", "-0000", "+0530", "-0800", "+1400", "-1200", "+0545", "+2460", "-2400"}
	var dates []string
	day := time.Date(1985, 1, 1, 0, 0, 0, 0, time.UTC)
	for day.Year() <= 2105 {
		for range 1 + rng.IntN(3) { // repeats try the cached day
			clock := day.Add(time.Duration(rng.IntN(86400)) * time.Second)
			dates = append(dates, clock.Format("02/Jan/2006:15:04:05 ")+zones[rng.IntN(len(zones))])
		}
		day = day.AddDate(0, 0, 1+rng.IntN(20))
	}
	checkAgainstTimeParse(t, dates)
}

func TestDateAtItsLimits(t *testing.T) {
	checkAgainstTimeParse(t, []string{
		"29/Feb/2024:00:00:00 +0000", "29/Feb/2023:00:00:00 +0000", "29/Feb/2000:23:59:59 +0000",
		"29/Feb/2100:00:00:00 +0000", "31/Apr/2024:00:00:00 +0000", "30/Apr/2024:00:00:00 +0000",
		"00/Jan/2024:00:00:00 +0000", "32/Jan/2024:00:00:00 +0000", "31/Dec/2016:23:59:60 +0000",
		"01/Jan/2024:24:00:00 +0000", "01/Jan/2024:23:60:00 +0000", "01/Jan/1970:00:00:00 +2460",
		"31/Dec/2100:23:59:59 -2460", "01/Jan/2101:00:00:00 +0000", "31/Dec/1989:23:59:59 +0000",
		"01/Jan/1990:00:00:00 +2460", "31/Dec/9999:23:59:59 +0000", "31/Dec/1969:23:59:59 +0000", "01/Jan/0001:00:00:00 +0000",
		"01/JAN/2024:00:00:00 +0000", "01/jan/2024:00:00:00 +0000", "01/Jam/2024:00:00:00 +0000",
		"01/Jan/2024:00:00:00 +2500", "01/Jan/2024:00:00:00 +0061", "01/Jan/2024:00:00:00  0000",
		"01/Jan/2024 00:00:00 +0000", "01-Jan-2024:00:00:00 +0000", "01/Jan/2024:00:00:00 00000",
	})
}

// TestDateWithOneByteChanged tries texts that are nearly dates.
func TestDateWithOneByteChanged(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	const bytes = "0123456789/: +-JFMASONDanebrpyulgctov.,"
	var dates []string
	for range 20000 {
		date := []byte(stamp)
		date[rng.IntN(len(date))] = bytes[rng.IntN(len(bytes))]
		dates = append(dates, string(date))
	}
	checkAgainstTimeParse(t, dates)
}
