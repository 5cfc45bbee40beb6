package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/demo"
)

// liveTable redraws a table in place on a terminal, and prints a line every five seconds elsewhere.
type liveTable struct {
	out   io.Writer
	size  func() (width, height int) // of the terminal; nil: out is none
	lines int                        // of the table on the screen
	said  time.Duration
}

func (l *liveTable) show(s demo.Snapshot) {
	if l.size == nil {
		l.say(s)
		return
	}
	table := fit(renderDemo(s), l.size)
	if l.lines > 0 {
		fmt.Fprintf(l.out, "\x1b[%dA\x1b[J", l.lines)
	}
	io.WriteString(l.out, table)
	l.lines = strings.Count(table, "\n")
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

// fit cuts a table to a terminal: a line that wraps, or one that scrolls away, could not be drawn over.
func fit(table string, size func() (width, height int)) string {
	width, height := size()
	lines := strings.SplitAfter(table, "\n")
	for i, line := range lines[:len(lines)-1] {
		if runes := []rune(line); len(runes)-1 > width {
			lines[i] = string(runes[:width]) + "\n"
		}
	}
	return strings.Join(lines[:min(len(lines), height-1)], "")
}

func renderDemo(s demo.Snapshot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "headgate  %.0f s   decision p50 %v  p99 %v   %d in flight\n\n", s.Elapsed.Seconds(), short(s.P50), short(s.P99), s.InFlight)
	fmt.Fprintf(&b, "%-14s %-7s %9s %9s %7s  %-20s %6s\n", "client", "truth", "requests", "flagged", "share", "", "503")
	for _, k := range s.Kinds {
		truth := "person"
		if k.Bot {
			truth = "bot"
		}
		if k.Name == "log" {
			truth = "?"
		}
		share := percent(k.Flagged, k.Sent)
		fmt.Fprintf(&b, "%-14s %-7s %9d %9d %6.1f%%  %-20s %6d\n", k.Name, truth, k.Sent, k.Flagged, share, bar(share, 20), k.Limited)
	}
	fmt.Fprintf(&b, "\n%-22s %9s %9s\n", "origin", "requests", "503")
	for _, o := range s.Origins {
		fmt.Fprintf(&b, "%-22s %9d %9d\n", o.Name, o.Sent, o.Limited)
	}
	return b.String()
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

// short leaves out digits that the measurement does not give.
func short(d time.Duration) time.Duration { return d.Round(100 * time.Nanosecond) }
