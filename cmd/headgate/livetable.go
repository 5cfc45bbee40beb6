package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/app/demo"
)

// liveTable redraws a table in place on a terminal, and prints a line every five seconds elsewhere.
type liveTable struct {
	out    io.Writer
	log    io.Writer                  // for everything but the table
	size   func() (width, height int) // of the terminal; nil: cannot draw
	lines  int                        // of the table on the screen
	width  int                        // of the terminal when the table was drawn
	height int
	said   time.Duration
	mutex  sync.Mutex // guards all fields: log lines come from other goroutines
}

// Write prints a log line. The next table is drawn below it.
func (l *liveTable) Write(line []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.lines = 0
	return l.log.Write(line)
}

func (l *liveTable) show(s demo.Snapshot) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.size == nil {
		l.say(s)
		return
	}
	width, height := l.size()
	table := fit(s, width, height)
	io.WriteString(l.out, l.overwrite(table, width, height))
	l.lines, l.width, l.height = strings.Count(table, "\n"), width, height
}

// overwrite returns the output that draws a table over the one on the screen, line by line. It
// never erases from the first line of the screen on, since tmux keeps what is erased that way in
// its history. If the terminal's size has changed, its lines are wrapped differently and the old
// table's beginning is unknown: the new one is drawn below.
func (l *liveTable) overwrite(table string, width, height int) string {
	if l.lines == 0 || width != l.width || height != l.height {
		return table
	}
	return fmt.Sprintf("\x1b[%dA", l.lines) + strings.ReplaceAll(table, "\n", "\x1b[K\n") + "\x1b[J"
}

func (l *liveTable) say(s demo.Snapshot) {
	if s.Elapsed-l.said < 5*time.Second {
		return
	}
	l.said = s.Elapsed
	var sent, flagged, limited int
	for _, k := range s.Kinds {
		sent, flagged, limited = sent+k.Sent, flagged+k.Flagged, limited+k.Limited
	}
	fmt.Fprintf(l.out, "%4.0f s  %d requests, %d flagged, %d refused with 503, decision p99 %v\n",
		s.Elapsed.Seconds(), sent, flagged, limited, short(s.P99))
}

// fit returns a table that neither wraps nor scrolls, since it could not be drawn over. A table
// that is too long loses its blank lines, then the single kinds of clients; the rest of what is too
// long or too wide is cut.
func fit(s demo.Snapshot, width, height int) string {
	table := renderDemo(s)
	if strings.Count(table, "\n") > height-1 {
		table = withoutBlankLines(table)
	}
	if strings.Count(table, "\n") > height-1 {
		s.Kinds = byTruth(s.Kinds)
		if table = renderDemo(s); strings.Count(table, "\n") > height-1 {
			table = withoutBlankLines(table)
		}
	}
	lines := strings.SplitAfter(table, "\n")
	for i, line := range lines[:len(lines)-1] {
		if runes := []rune(line); len(runes)-1 > width {
			lines[i] = string(runes[:width]) + "\n"
		}
	}
	return strings.Join(lines[:min(len(lines), height-1)], "")
}

func withoutBlankLines(table string) string { return strings.ReplaceAll(table, "\n\n", "\n") }

// byTruth sums up all people as one kind, and all bots as another.
func byTruth(kinds []demo.Kind) []demo.Kind {
	sums := []demo.Kind{{Name: "all people"}, {Name: "all bots", Bot: true}}
	for _, k := range kinds {
		sum := &sums[0]
		if k.Bot {
			sum = &sums[1]
		}
		sum.Sent, sum.Flagged, sum.Limited = sum.Sent+k.Sent, sum.Flagged+k.Flagged, sum.Limited+k.Limited
	}
	return sums
}

func renderDemo(s demo.Snapshot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "headgate  %.0f s   decision p50 %v  p99 %v   %d in flight\n\n", s.Elapsed.Seconds(), short(s.P50), short(s.P99), s.InFlight)
	fmt.Fprintf(&b, "%-14s %-7s %9s %9s %7s  %-20s %6s\n", "client", "truth", "requests", "flagged", "share", "", "503")
	for _, k := range s.Kinds {
		share := percent(k.Flagged, k.Sent)
		fmt.Fprintf(&b, "%-14s %-7s %9d %9d %6.1f%%  %-20s %6d\n", k.Name, kindTruth(k), k.Sent, k.Flagged, share, bar(share, 20), k.Limited)
	}
	fmt.Fprintf(&b, "\n%-22s %9s %9s\n", "origin", "requests", "503")
	for _, o := range s.Origins {
		fmt.Fprintf(&b, "%-22s %9d %9d\n", o.Name, o.Sent, o.Limited)
	}
	return b.String()
}

func kindTruth(k demo.Kind) string {
	switch {
	case k.Name == "log":
		return "?"
	case k.Bot:
		return "bot"
	}
	return "person"
}

func bar(percent float64, width int) string {
	return strings.Repeat("#", int(percent/100*float64(width)+0.5))
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// short drops digits beyond the precision of the measurement.
func short(d time.Duration) time.Duration { return d.Round(100 * time.Nanosecond) }
