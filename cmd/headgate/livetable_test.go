package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/app/demo"
	"github.com/headgate/headgate/internal/app/simulator"
)

// snapshot is a demonstration with large numbers.
func snapshot() demo.Snapshot {
	s := demo.Snapshot{Elapsed: 1234 * time.Second, P50: 18432 * time.Nanosecond, P99: 1_048_576 * time.Nanosecond, InFlight: 1024}
	for _, k := range simulator.Kinds() {
		s.Kinds = append(s.Kinds, demo.Kind{Name: k.Name, Bot: k.Bot, Sent: 9_999_999, Flagged: 9_999_999, Limited: 999_999})
	}
	for _, name := range simulator.Hosts {
		s.Origins = append(s.Origins, demo.Origin{Name: name, Sent: 9_999_999, Limited: 999_999})
	}
	return s
}

// screen is a terminal: what it shows, and what has scrolled away at its top. It knows what the
// live table may send, and writes down everything else.
type screen struct {
	width, height int
	lines         [][]rune // shown
	row, column   int
	history       []string // scrolled away
	foreign       []string // escape sequences that it does not know
}

func newScreen(width, height int) *screen {
	return &screen{width: width, height: height, lines: make([][]rune, height)}
}

func (s *screen) Write(text []byte) (int, error) {
	for rest := string(text); rest != ""; {
		if strings.HasPrefix(rest, "\x1b") {
			rest = s.escape(rest)
			continue
		}
		r := []rune(rest)[0]
		rest = rest[len(string(r)):]
		s.put(r)
	}
	return len(text), nil
}

// escape performs the sequence at the begin of text and returns what follows.
func (s *screen) escape(text string) string {
	end := strings.IndexFunc(text[2:], func(r rune) bool { return r >= '@' && r <= '~' }) + 2
	n, err := strconv.Atoi(text[2:end])
	switch known := text[1] == '['; {
	case known && text[end] == 'A' && err == nil:
		s.row = max(s.row-n, 0)
	case known && text[2:end+1] == "K":
		s.clear(s.row)
	case known && text[2:end+1] == "J" && s.row > 0: // from the first row on, tmux keeps what is erased
		for row := s.row; row < s.height; row++ {
			s.clear(row)
		}
	default:
		s.foreign = append(s.foreign, text[:end+1])
	}
	return text[end+1:]
}

func (s *screen) clear(row int) {
	if row > s.row {
		s.lines[row] = nil
	} else if len(s.lines[row]) > s.column {
		s.lines[row] = s.lines[row][:s.column]
	}
}

func (s *screen) put(r rune) {
	switch r {
	case '\r':
		s.column = 0
	case '\n': // a terminal of a program that writes line feeds returns to the first column
		s.feed()
		s.column = 0
	default:
		if s.column == s.width {
			s.feed()
			s.column = 0
		}
		for len(s.lines[s.row]) <= s.column {
			s.lines[s.row] = append(s.lines[s.row], ' ')
		}
		s.lines[s.row][s.column] = r
		s.column++
	}
}

func (s *screen) feed() {
	if s.row < s.height-1 {
		s.row++
		return
	}
	s.history = append(s.history, string(s.lines[0]))
	s.lines = append(s.lines[1:], nil)
}

func (s *screen) text() string {
	var b strings.Builder
	for _, line := range s.lines {
		b.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// The table is drawn over itself, whatever the size of the terminal: nothing of an earlier one is
// left on the screen, or above it, and no sequence is sent but to move up and to erase.
func TestLiveTableIsDrawnOver(t *testing.T) {
	for _, size := range []struct{ width, height int }{{80, 24}, {120, 50}, {40, 24}, {80, 22}, {80, 20}, {80, 14}, {80, 10}, {20, 5}} {
		s := newScreen(size.width, size.height)
		fmt.Fprint(s, "$ headgate quickstart\n")
		l := &liveTable{out: s, size: func() (int, int) { return size.width, size.height }}
		for second := range 5 {
			shown := snapshot()
			shown.Elapsed = time.Duration(second) * time.Second
			shown.Kinds[0].Name = strings.Repeat("x", 14-2*second) // a shorter line leaves nothing of a longer one
			l.show(shown)
		}
		text := s.text()
		if !strings.Contains(text, "headgate  4 s") || strings.Count(text, "headgate  ") != 1 {
			t.Errorf("%v: the last table is not on the screen, or not alone:\n%s", size, text)
		}
		if above := strings.Join(s.history, "\n"); strings.Contains(above, "headgate  ") {
			t.Errorf("%v: tables have scrolled away:\n%s", size, above)
		}
		if len(s.foreign) > 0 {
			t.Errorf("%v: sequences %q", size, s.foreign)
		}
	}
}

// What matters most is on a small terminal too: what happened to people, to bots, and to each
// origin.
func TestLiveTableOfSmallTerminals(t *testing.T) {
	for _, c := range []struct {
		height      int
		all, people bool // single kinds are shown; their sums are
		blank       bool // blank lines are
	}{{24, true, false, true}, {22, true, false, true}, {20, true, false, false}, {14, false, true, true}, {10, false, true, false}, {9, false, true, false}} {
		s := newScreen(80, c.height)
		l := &liveTable{out: s, size: func() (int, int) { return 80, c.height }}
		l.show(snapshot())
		text := s.text()
		if got := strings.Contains(text, "\nswarm "); got != c.all {
			t.Errorf("%d rows: single kinds are shown: %v", c.height, got)
		}
		if got := strings.Contains(text, "\nall people ") && strings.Contains(text, "\nall bots "); got != c.people {
			t.Errorf("%d rows: people and bots are shown: %v", c.height, got)
		}
		if got := strings.Contains(text, "\n\norigin"); got != c.blank {
			t.Errorf("%d rows: blank lines are shown: %v", c.height, got)
		}
		for _, origin := range simulator.Hosts {
			if !strings.Contains(text, "\n"+origin) {
				t.Errorf("%d rows: %s is not shown:\n%s", c.height, origin, text)
			}
		}
	}
	sums := byTruth(snapshot().Kinds)
	people := 0
	for _, k := range snapshot().Kinds {
		if !k.Bot {
			people++
		}
	}
	if sums[0].Sent != people*9_999_999 || sums[0].Flagged != people*9_999_999 || sums[0].Limited != people*999_999 || sums[0].Bot || !sums[1].Bot {
		t.Errorf("people and bots are %+v", sums)
	}
}

// A log line stays on the screen, above the next table.
func TestLogLinesStay(t *testing.T) {
	s := newScreen(80, 50)
	l := &liveTable{out: s, log: s, size: func() (int, int) { return 80, 50 }}
	l.show(snapshot())
	fmt.Fprintln(l, "a warning")
	l.show(snapshot())
	l.show(snapshot())
	text := s.text()
	if warning := strings.Index(text, "a warning\nheadgate  "); warning < 0 || strings.Count(text, "headgate  ") != 2 {
		t.Errorf("the screen after a warning between two tables:\n%s", text)
	}
}

// A terminal that got another size has broken the lines anew: the table is drawn below, not over
// something else.
func TestLiveTableAfterResize(t *testing.T) {
	width := 80
	s := newScreen(80, 50)
	l := &liveTable{out: s, size: func() (int, int) { return width, 50 }}
	l.show(snapshot())
	width = 60
	l.show(snapshot())
	l.show(snapshot())
	if text := s.text(); strings.Count(text, "headgate  ") != 2 {
		t.Errorf("the screen after a change of the size:\n%s", text)
	}
}

// The end of the quick start fits 80 columns, and says what to do next.
func TestQuickstartSummaryFits(t *testing.T) {
	var b strings.Builder
	s := demo.Summary{Requests: 4437, Findings: map[string]uint64{}}
	for _, name := range []string{"damning_path", "declared_crawler", "declared_tool", "first_fetch", "headless", "injection", "unknown_client"} {
		s.Findings[name] = 12345
	}
	printDemo(&b, s)
	for line := range strings.Lines(b.String()) {
		if len(line) > 81 || strings.HasSuffix(line, " \n") {
			t.Errorf("%q is too wide, or ends with a space", line)
		}
	}
	for _, want := range []string{"declared_tool 12345,\n             first_fetch 12345", "\nnext         ", "headgate replay access.log", "README.md"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the summary lacks %q:\n%s", want, b.String())
		}
	}
}
