package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/accesslog"
	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/internal/app/simulated"
	"github.com/headgate/headgate/internal/app/simulator"
	"github.com/headgate/headgate/internal/base/outfile"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/models/corpus"
	"github.com/headgate/headgate/models/worlds"
	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/scorer"
)

// replayCommand is headgate replay.
type replayCommand struct {
	File     string        `arg:"" optional:"" help:"Access log: nginx or Apache, combined or common format, also gzip. - is standard input." type:"path"`
	Out      string        `help:"Write one row per request, as .csv or .jsonl by the name." type:"path" placeholder:"FILE"`
	Model    string        `help:"Model to score with (CatBoost, LightGBM or XGBoost). Default: the built-in one." type:"path" placeholder:"FILE"`
	Features []string      `help:"Write these features only, by full name, such as ip/requests_1m." placeholder:"NAME"`
	Corpus   string        `help:"Replay recorded requests of known clients instead of a log: a file that models/zoo wrote, or a folder of them. Each row has the truth." type:"path" placeholder:"PATH"`
	Simulate time.Duration `help:"Replay this much traffic of the quick start's shop instead of a log. Each row has the truth." placeholder:"DURATION"`
	World    string        `help:"Replay an episode of a simulated site of this kind, or of any, instead of a log. Each row has the truth." placeholder:"KIND"`
	For      time.Duration `help:"Length of the episode of --world, in the traffic's own time. Default: 30m." default:"30m" placeholder:"DURATION"`
	View     string        `help:"What is known of the requests of --world: log, behind, proxy, ja4 or wire. Default: drawn from the seed." placeholder:"VIEW"`
	Rate     float64       `help:"Mean requests per second of --world. Default: drawn from the seed." placeholder:"NUMBER"`
	Seed     uint64        `help:"Seed of the simulated traffic, and of when the clients of a corpus begin." default:"1"`
	Interval time.Duration `help:"Time between two publications: a daemon needs 50ms if it has little to do, and 1s at most by default." default:"1s"`
	MaxKeys  int           `help:"Keys kept in each dimension." default:"131072"`

	HeuristicsOff []string `name:"heuristics-off" help:"Findings to switch off, such as declared_crawler (docs/detection.md)." placeholder:"NAME"`
	JSON          bool     `name:"json" help:"Print the summary as one JSON object."`
}

// Help is shown by headgate replay --help.
func (replayCommand) Help() string {
	return `Runs the features and the model over a log in the log's own time, as fast as it can: each row has what the request path
would have seen at that instant. The same input makes the same bytes. Malformed lines are counted and dropped.

Rows come in the order of time. A line may be up to a minute (or 32,768 lines) late, for instance if a server logs the times at which
requests began. Lines that are later, or from the future, are counted; if more than one in a hundred are, the log is
rejected: pass rotated files with the oldest first, and sort logs merged from several hosts.

A flagged request is one with a score below 30.

Examples:
  headgate replay access.log
  headgate replay access.log.gz --out rows.csv
  zcat $(ls -tr access.log.*.gz) | headgate replay - --out rows.jsonl --features request/path_length,ip/requests_1m
  headgate replay --simulate 10m --seed 7 --out simulated.csv
  headgate replay --corpus models/zoo/corpus --interval 50ms --out zoo.csv
  headgate replay --world shop --seed 7 --for 30m --out rows.csv
  headgate replay --world any --view wire --for 24h --rate 0.5 --out rows.csv

Kinds of --world: ` + strings.Join(worlds.Kinds, ", ") + `.
The truth in a row of --world has six parts separated by colons: person or bot, kind of client, program, disguise, kind of
site, client. models/README.md describes the simulation.`
}

// Run replays the log and prints the summary.
func (c *replayCommand) Run(ctx context.Context, t *terminal) (err error) {
	if err := c.check(); err != nil {
		return usageError{fmt.Errorf("replay: %w", err)}
	}
	format, err := outputFormat(c.Out)
	if err != nil {
		return err
	}
	rules, err := heuristics.New(c.HeuristicsOff)
	if err != nil {
		return usageError{fmt.Errorf("replay: --heuristics-off: %w", err)}
	}
	model, err := loadModel(c.Model)
	if err != nil {
		return err
	}
	p, err := pipeline.New(pipeline.Config{Model: model, Features: c.Features, Rules: rules, Interval: c.Interval,
		Window: window.Config{MaxKeys: c.MaxKeys}})
	if err != nil {
		return err
	}
	progress := &progress{terminal: t}
	source, closeSource, err := c.source(ctx, progress)
	if err != nil {
		return err
	}
	defer closeSource()
	out, err := createOutput(ctx, c.Out, inputInfo(c.File))
	if err != nil {
		return err
	}
	replay := pipeline.Replay{Pipeline: p, Source: source, FlagBelow: proxyhook.DefaultFlagBelow, Format: format, Progress: progress.rows}
	if out != nil {
		replay.Out = out
	}
	start := time.Now()
	summary, err := replay.Run(ctx)
	progress.end()
	if err = out.finish(c.named(err)); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if err := c.report(t, summary, time.Since(start)); err != nil {
		return err
	}
	switch {
	case summary.Rows > 0 || c.File == "":
	case summary.Malformed == 0:
		return fmt.Errorf("%s: the log is empty; name an access log", c.File)
	default:
		return fmt.Errorf("%s: none of its %d lines is an access log line in the combined or common format", c.File, summary.Malformed)
	}
	return nil
}

// shortestInterval is the shortest interval of a daemon.
const shortestInterval = 10 * time.Millisecond

// check reports options that do not fit together.
func (c *replayCommand) check() error {
	switch {
	case c.sources() != 1 || c.Simulate < 0:
		return errors.New("name one log file, or --corpus with a path, or --simulate with a duration, or --world with a kind of site")
	case c.World == "" && (c.View != "" || c.Rate != 0):
		return errors.New("--view and --rate are for --world")
	case c.For <= 0:
		return errors.New("--for must be above 0")
	case c.Interval < shortestInterval:
		return fmt.Errorf("--interval must be at least %v", shortestInterval)
	case c.MaxKeys <= 0:
		return errors.New("--max-keys must be above 0")
	}
	return nil
}

// named adds what to do to the error of a log that is out of order.
func (c *replayCommand) named(err error) error {
	var order *pipeline.OrderError
	if !errors.As(err, &order) {
		return err
	}
	return fmt.Errorf("%s: %d of %d lines are out of order by more than %v, so that rows would contain later events; "+
		"sort the log by time, or give rotated files the oldest first", c.File, order.Disordered, order.Rows, pipeline.Window)
}

// sources returns the number of inputs that are named.
func (c *replayCommand) sources() (n int) {
	for _, named := range []bool{c.File != "", c.Corpus != "", c.Simulate != 0, c.World != ""} {
		if named {
			n++
		}
	}
	return n
}

func outputFormat(name string) (pipeline.Format, error) {
	switch {
	case name == "", filepath.Ext(name) == ".csv":
		return pipeline.CSV{}, nil
	case filepath.Ext(name) == ".jsonl":
		return &pipeline.JSONL{}, nil
	}
	return nil, usageError{fmt.Errorf("replay: --out %s: the name must end with .csv or .jsonl", name)}
}

func loadModel(file string) (*scorer.Model, error) {
	if file == "" {
		return scorer.Load(models.Default())
	}
	return scorer.LoadFile(file)
}

// source opens the input. Reading it advances the progress.
func (c *replayCommand) source(ctx context.Context, p *progress) (_ pipeline.Source, closeSource func() error, err error) {
	if c.Simulate > 0 {
		return simulated.NewSource(simulator.Config{Seed: c.Seed}, c.Simulate), func() error { return nil }, nil
	}
	if c.Corpus != "" {
		files, err := corpus.ReadAll(c.Corpus)
		return corpus.Source(files, corpus.Mix{Seed: c.Seed}), func() error { return nil }, err
	}
	if c.World != "" {
		source, err := c.world()
		return source, func() error { return nil }, err
	}
	var f io.ReadCloser
	if c.File == "-" {
		f = io.NopCloser(interruptible(ctx, os.Stdin))
	} else if f, p.total, err = openLog(ctx, c.File); err != nil {
		return nil, nil, err
	}
	source, err := pipeline.FromLog(p.reading(f))
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("%s: %w", c.File, err)
	}
	return &namedSource{source, c.File}, f.Close, nil
}

// world starts an episode of --world.
func (c *replayCommand) world() (pipeline.Source, error) {
	kind := c.World
	if kind == "any" {
		kind = ""
	}
	source, err := worlds.NewSource(worlds.Config{Seed: c.Seed, Kind: kind, View: worlds.View(c.View), Duration: c.For, Rate: c.Rate})
	if err != nil {
		return nil, usageError{fmt.Errorf("replay: %w", err)}
	}
	return source, nil
}

// namedSource adds the name of the log to the error that ends reading.
type namedSource struct {
	pipeline.Source
	name string
}

func (s *namedSource) Next(r *pipeline.Record) error {
	err := s.Source.Next(r)
	var malformed *accesslog.LineError
	if err == nil || err == io.EOF || errors.As(err, &malformed) {
		return err
	}
	return fmt.Errorf("%s: %w", s.name, err)
}

// openLog opens a log and returns its size, 0 if unknown. A log may be a named pipe: waiting for
// its writer ends with ctx.
func openLog(ctx context.Context, name string) (_ io.ReadCloser, size int64, err error) {
	f, err := openStream(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("%s: there is no such file; name an access log", name)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory; name a log file", name)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	if info.Mode().IsRegular() {
		return f, info.Size(), nil
	}
	return struct {
		io.Reader
		io.Closer
	}{interruptible(ctx, f), f}, 0, nil
}

// openStream opens a file. Opening a named pipe waits for a writer, until ctx is done.
func openStream(ctx context.Context, name string) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		f, err := os.Open(name)
		done <- opened{f, err}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// interruptible returns a reader whose reads end with ctx: a read from a terminal or a pipe may
// wait for ever.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{in}, struct{ io.Reader }{r}, make([]byte, 1<<18))
		in.CloseWithError(err)
	}()
	return out
}

// output is a buffered result file.
type output struct {
	*bufio.Writer
	file *outfile.File
	name string
}

// inputInfo describes the input file, or is nil if the input is not a file.
func inputInfo(name string) fs.FileInfo {
	var info fs.FileInfo
	var err error
	if name == "-" {
		info, err = os.Stdin.Stat()
	} else {
		info, err = os.Stat(name)
	}
	if err != nil {
		return nil
	}
	return info
}

// createOutput creates the file of --out, made from source (see outfile.Create), or returns nil
// without --out.
func createOutput(ctx context.Context, name string, source fs.FileInfo) (*output, error) {
	if name == "" {
		return nil, nil
	}
	f, err := outfile.Create(ctx, name, source)
	if err != nil {
		return nil, fmt.Errorf("--out %s: %w", name, err)
	}
	return &output{bufio.NewWriterSize(f, 1<<20), f, name}, nil
}

// finish completes the output, or discards it after an error. A nil output needs neither.
func (o *output) finish(err error) error {
	if o == nil {
		return err
	}
	if err == nil {
		err = o.Flush()
	}
	if err != nil {
		o.file.Discard()
		return err
	}
	if err := o.file.Commit(); err != nil {
		return fmt.Errorf("--out %s: %w", o.name, err)
	}
	return nil
}

func (c *replayCommand) report(t *terminal, s pipeline.Summary, took time.Duration) error {
	for _, e := range s.MalformedLines {
		fmt.Fprintf(t.err, "line %d: %s: %s\n", e.Line, e.Reason, e.Text)
	}
	if more := s.Malformed - len(s.MalformedLines); more > 0 {
		fmt.Fprintf(t.err, "and %d more malformed lines\n", more)
	}
	if len(s.Unknown) > 0 {
		fmt.Fprintf(t.err, "the model has features that this release does not compute: %s\n", strings.Join(s.Unknown, ", "))
	}
	rate := float64(s.Rows+s.Malformed) / took.Seconds()
	if c.JSON {
		return json.NewEncoder(t.out).Encode(struct {
			pipeline.Summary
			Seconds        float64 `json:"seconds"`
			LinesPerSecond float64 `json:"lines_per_second"`
		}{s, took.Seconds(), rate})
	}
	return c.printSummary(t.out, s, took, rate)
}

func (c *replayCommand) printSummary(w io.Writer, s pipeline.Summary, took time.Duration, rate float64) error {
	fmt.Fprintf(w, "requests    %d, %d of them not HTTP; %d malformed lines dropped\n", s.Rows, s.NoHTTP, s.Malformed)
	if s.Rows > 0 {
		fmt.Fprintf(w, "period      %s to %s\n", s.First.Format(time.RFC3339), s.Last.Format(time.RFC3339))
		fmt.Fprintf(w, "flagged     %d (%.1f %%)\n", s.Flagged, 100*float64(s.Flagged)/float64(s.Rows))
		if len(s.Findings) > 0 {
			fmt.Fprintf(w, "findings    %s\n", counts(s.Findings))
		}
		printScores(w, s)
	}
	c.printHistory(w, s)
	fmt.Fprintf(w, "speed       %.0f lines/s, %.2f s\n", rate, took.Seconds())
	if c.Out != "" {
		fmt.Fprintf(w, "rows        %s\n", c.Out)
	}
	return nil
}

// printHistory prints what rows lack of their history, and what to do.
func (c *replayCommand) printHistory(w io.Writer, s pipeline.Summary) {
	if len(s.Evicted)+len(s.Waiting) > 0 {
		fmt.Fprintf(w, "history     incomplete: keys evicted: %s; events of keys without a row: %s; keep more keys: --max-keys %d\n",
			counts(s.Evicted), counts(s.Waiting), 4*c.MaxKeys)
	}
	if s.Backward+s.Ahead > 0 {
		fmt.Fprintf(w, "order       %d lines came more than a minute late, %d are from the future: given the time of the line before; sort the log by time\n",
			s.Backward, s.Ahead)
	}
	if s.Early > 0 {
		fmt.Fprintf(w, "early       %d requests counted before their second was over, there were too many in it\n", s.Early)
	}
}

// counts formats numbers by name.
func counts[N int | uint64](named map[string]N) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(named)) {
		all = append(all, fmt.Sprintf("%s %d", name, named[name]))
	}
	return cmp.Or(strings.Join(all, ", "), "none")
}

// printScores draws the scores as bars of at most 40 characters.
func printScores(w io.Writer, s pipeline.Summary) {
	most := 1
	for _, n := range s.Scores {
		most = max(most, n)
	}
	fmt.Fprintln(w, "scores      1 = bot .. 99 = human")
	for i, n := range s.Scores {
		fmt.Fprintf(w, "  %2d-%2d %8d %s\n", max(1, 10*i), 10*i+9, n, strings.Repeat("#", (40*n+most-1)/most))
	}
}
