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

	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/app/demo"
)

// quickstartCommand is headgate quickstart.
type quickstartCommand struct {
	For        time.Duration `help:"Time to send simulated traffic." default:"20s"`
	Keep       bool          `help:"Keep running until Ctrl-C."`
	Log        string        `help:"Send this whole access log through the proxy instead of simulated traffic." type:"path" placeholder:"FILE"`
	Speed      float64       `help:"Factor by which the log is sent faster than it was written." default:"1"`
	MaxSilence time.Duration `help:"Shorten longer silences of the log, in the log's time, to this." default:"10s"`
	Seed       uint64        `help:"Seed of the simulated traffic." default:"1"`
	Rate       float64       `help:"Requests per second of the simulated traffic." default:"220"`
	MaxRate    float64       `help:"Most requests per second, also if bursts are compressed. 0: 1000, or twice --rate if that is more." default:"0"`
	Threshold  uint32        `help:"Requests in flight for one origin before it is protected." default:"64"`
	Model      string        `help:"Model to score with. Default: the built-in one." type:"path" placeholder:"FILE"`
	Shadow     string        `help:"Shadow model: its scores are only counted." type:"path" placeholder:"FILE"`
	JSON       bool          `name:"json" help:"Print the summary as one JSON object and nothing else on standard output."`

	HeuristicsOff []string `name:"heuristics-off" help:"Findings to switch off (docs/detection.md)." placeholder:"NAME"`
}

// Help is shown by headgate quickstart --help.
func (quickstartCommand) Help() string {
	return `Starts the daemon as a child process, three demo origins of which one (search.demo.test) is slow, a reverse proxy with the
filter linked in, and clients: several kinds of people and of bots, whose truth is known. Everything listens on loopback, and all
files are removed at the end.

allowed + flagged = scored. A flagged request has a score below 30; the quick start marks it and forwards it. limited_503 counts
allowed and flagged requests that were refused to protect their origin. bots_* and people_* are requests.

Both model files are checked once a second; a new file is loaded and used. The decisions of the --shadow model are counted and shown
at the end; it flags nothing.

With --log the run ends when the whole log has been sent; --for has no effect. Its requests have the log's client
addresses, user agents, methods, paths and referers, and the origins answer with its statuses. A speed above 1 makes every client
look busier than it was.

Examples:
  headgate quickstart
  headgate quickstart --for 15s --json
  headgate quickstart --shadow candidate.cbm
  headgate quickstart --log access.log --speed 2000`
}

// Run runs the demonstration.
func (c *quickstartCommand) Run(ctx context.Context, t *terminal) error {
	if c.Speed <= 0 || c.Rate <= 0 || c.MaxSilence <= 0 || c.For <= 0 || c.MaxRate < 0 || c.Threshold == 0 {
		return usageError{errors.New("quickstart: --for, --speed, --rate, --max-silence and --threshold must be above 0, --max-rate not below")}
	}
	if _, err := heuristics.New(c.HeuristicsOff); err != nil {
		return usageError{fmt.Errorf("quickstart: --heuristics-off: %w", err)}
	}
	for _, file := range []string{c.Model, c.Shadow} { // before anything is started
		if _, err := loadModel(file); err != nil {
			return fmt.Errorf("quickstart: %w", err)
		}
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	live := &liveTable{out: t.screen, log: t.err, size: terminalSize(t.screen)}
	config := demo.Config{
		Executable: executable, For: c.For, Seed: c.Seed, Rate: c.Rate, Speed: c.Speed, MaxSilence: c.MaxSilence,
		MaxRate: c.MaxRate, Threshold: c.Threshold, Model: c.Model, Shadow: c.Shadow, HeuristicsOff: c.HeuristicsOff,
		Logger: slog.New(slog.NewTextHandler(live, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if c.Keep {
		config.For = 0
	}
	if c.Log != "" {
		f, _, err := openLog(ctx, c.Log)
		if err != nil {
			return err
		}
		defer f.Close()
		config.Log, config.LogName = f, c.Log
	}
	config.Show = live.show
	summary, err := demo.Run(ctx, config)
	if err != nil {
		return fmt.Errorf("quickstart: %w", err)
	}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(summary)
	}
	if live.lines > 0 {
		fmt.Fprintln(t.err)
	}
	printDemo(t.out, summary)
	return nil
}

func printDemo(w io.Writer, s demo.Summary) {
	fmt.Fprintf(w, "requests     %d sent, %d scored, %d without an answer\n", s.Requests, s.Scored, s.Failed)
	if s.Malformed > 0 {
		fmt.Fprintf(w, "dropped      %d lines that are not access log lines\n", s.Malformed)
	}
	if s.CutShort {
		fmt.Fprintln(w, "cut short    this machine could not send as fast as --rate and --max-rate ask for")
	}
	fmt.Fprintf(w, "verdicts     %d allowed, %d flagged as bots\n", s.Allowed, s.Flagged)
	if len(s.Findings) > 0 {
		fmt.Fprintf(w, "findings     %s\n", indented(counts(s.Findings)))
	}
	if s.Truth != nil {
		fmt.Fprintf(w, "truth        %.1f %% of the bots' requests flagged, %.1f %% of the people's\n",
			percent(s.BotsFlagged, s.BotsSent), percent(s.PeopleFlagged, s.PeopleSent))
	}
	if s.Shadow != nil {
		fmt.Fprintf(w, "shadow       would have flagged %d of %d: %d more, %d fewer; %d without a score\n",
			s.Shadow.Flagged, s.Shadow.Judged, s.Shadow.FlaggedOfAllowed, s.Shadow.AllowedOfFlagged, s.Shadow.Failed)
	}
	fmt.Fprintf(w, "refused      %d with 503, for %s\n", s.Limited503, cmp.Or(strings.Join(s.LimitedOrigins, ", "), "no origin"))
	fmt.Fprintf(w, "decision     p50 %v, p99 %v\n", short(time.Duration(s.DecisionNS.P50)), short(time.Duration(s.DecisionNS.P99)))
	fmt.Fprintf(w, "events       %d dropped\n", s.EventsDropped)
	fmt.Fprint(w, nextSteps)
}

// nextSteps says what to do after the quick start.
const nextSteps = `
next         score a log of yours: headgate replay access.log
             link the filter into a Go proxy: "Link it in" in README.md
`

// indented breaks a list at spaces, so that it fits a terminal of 80 columns after the name of its
// line.
func indented(list string) string {
	const indent, width = 13, 80
	var b strings.Builder
	column := indent
	for i, word := range strings.SplitAfter(list, ", ") {
		if n := len(strings.TrimSpace(word)); i > 0 && column+n > width {
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		}
		b.WriteString(word)
		column += len(word)
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}
