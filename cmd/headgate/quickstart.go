package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/demo"
)

// quickstartCommand is headgate quickstart.
type quickstartCommand struct {
	For        time.Duration `help:"How long to send simulated traffic." default:"20s"`
	Keep       bool          `help:"Run on until Ctrl-C."`
	Log        string        `help:"Send this access log through the proxy instead of simulated traffic, whole." type:"path" placeholder:"FILE"`
	Speed      float64       `help:"Send the log this many times as fast as it was written." default:"1"`
	MaxSilence time.Duration `help:"Cut longer silences of the log, in the log's time, to this." default:"10s"`
	Seed       uint64        `help:"Seed of the simulated traffic." default:"1"`
	Rate       float64       `help:"Requests per second of the simulated traffic." default:"220"`
	MaxRate    float64       `help:"Requests per second that are never exceeded, however the log's bursts are compressed." default:"1000"`
	Threshold  uint32        `help:"Requests in flight for one origin before it is protected." default:"64"`
	Model      string        `help:"Model to score with. Default: the built-in one." type:"path" placeholder:"FILE"`
	JSON       bool          `name:"json" help:"Print the summary as one JSON object and nothing else on standard output."`
}

// Help is shown by headgate quickstart --help.
func (quickstartCommand) Help() string {
	return `Starts the daemon as a child process, three demo origins of which one (search.demo.test) is slow, a reverse proxy with the
filter linked in, and clients: several kinds of people and of bots, whose truth is known. Everything listens on loopback, and
nothing is left behind.

allowed + flagged = scored. A flagged request has a score below 30; the quick start marks it and lets it go on. limited_503 counts
the requests, of either sort, that were refused because their origin had too many in flight. bots_* and people_* are requests.

With --log the run ends when the whole log has been sent, whatever --for says. Its requests go out with the log's client
addresses, user agents, methods, paths and referers, and the origins answer with its statuses. A speed above 1 makes every client
look busier than it was.

Examples:
  headgate quickstart
  headgate quickstart --for 15s --json
  headgate quickstart --log access.log --speed 2000`
}

// Run runs the demonstration.
func (c *quickstartCommand) Run(ctx context.Context, t *terminal) error {
	if c.Speed <= 0 || c.Rate <= 0 || c.MaxSilence <= 0 || c.For <= 0 || c.MaxRate <= 0 || c.Threshold == 0 {
		return usageError{errors.New("quickstart: --for, --speed, --rate, --max-rate, --max-silence and --threshold must be above 0")}
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	config := demo.Config{
		Executable: executable, For: c.For, Seed: c.Seed, Rate: c.Rate, Speed: c.Speed, MaxSilence: c.MaxSilence,
		MaxRate: c.MaxRate, Threshold: c.Threshold, Model: c.Model,
		Logger: slog.New(slog.NewTextHandler(t.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if c.Keep {
		config.For = 0
	}
	if c.Log != "" {
		f, err := os.Open(c.Log)
		if err != nil {
			return err
		}
		defer f.Close()
		config.Log = f
	}
	live := &liveTable{out: t.err, onTerminal: isTerminal(t.err)}
	config.Show = live.show
	summary, err := demo.Run(ctx, config)
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(summary)
	}
	printDemo(t.out, summary)
	return nil
}

// liveTable redraws a table in place on a terminal, and prints a line every five seconds elsewhere.
type liveTable struct {
	out        io.Writer
	onTerminal bool
	lines      int // of the table on the screen
	said       time.Duration
}

func (l *liveTable) show(s demo.Snapshot) {
	if !l.onTerminal {
		l.say(s)
		return
	}
	table := renderDemo(s)
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
		s.Elapsed.Seconds(), sent, flagged, limited, s.P99)
}

func renderDemo(s demo.Snapshot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "headgate quickstart  %.0f s   decision p50 %v  p99 %v   %d in flight\n\n", s.Elapsed.Seconds(), s.P50, s.P99, s.InFlight)
	fmt.Fprintf(&b, "%-14s %-7s %9s %9s %7s  %-20s %6s\n", "client", "truth", "requests", "flagged", "", "", "503")
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

func printDemo(w io.Writer, s demo.Summary) {
	fmt.Fprintf(w, "requests     %d sent, %d scored, %d without an answer\n", s.Requests, s.Scored, s.Failed)
	fmt.Fprintf(w, "verdicts     %d allowed, %d flagged as bots\n", s.Allowed, s.Flagged)
	if s.Truth != nil {
		fmt.Fprintf(w, "truth        %.1f %% of the bots' requests flagged, %.1f %% of the people's\n",
			percent(s.BotsFlagged, s.BotsSent), percent(s.PeopleFlagged, s.PeopleSent))
	}
	fmt.Fprintf(w, "refused      %d with 503, for %s\n", s.Limited503, cmp.Or(strings.Join(s.LimitedOrigins, ", "), "no origin"))
	fmt.Fprintf(w, "decision     p50 %v, p99 %v\n", time.Duration(s.DecisionNS.P50), time.Duration(s.DecisionNS.P99))
	fmt.Fprintf(w, "events       %d dropped\n", s.EventsDropped)
}
