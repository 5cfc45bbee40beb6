// Command bench measures headgate beside what a user would pick instead, on the same machine in the same run.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/bench/fetch"
	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/bench/ipc"
	"github.com/headgate/headgate/bench/proxy"
	"github.com/headgate/headgate/bench/report"
	"github.com/headgate/headgate/bench/suites"
)

// suites in the order in which they run.
var all = []harness.Suite{
	ipc.Suite,
	suites.Mmapsync,
	fetch.Suite,
	suites.Publish,
	suites.Limits,
	suites.Inference,
	suites.Batch,
	suites.Decision,
	suites.Ingest,
	proxy.Suite,
	suites.Allocations,
}

const usage = `usage: go run ./bench [flags] [SUITE...]

Measures headgate beside its peers, in turns, on this machine. Without SUITE all suites run.

suites:
%s
flags:
%s
examples:
  bench/peers/setup                                  install the peers (Debian packages, Rust crates, Python wheels)
  go run ./bench -quick                              every suite, smaller and shorter
  go run ./bench -quick -json limits | jq .          one suite, one object per line
  go run ./bench -require-peers -out report          the full run: report/index.html and report/results.json
  go run ./bench -require-peers -report bench/RESULTS.md -readme README.md
                                                     the full run, into the documents of the project
  go run ./bench -from bench/results/results.json -report bench/RESULTS.md -readme README.md
                                                     the documents again, from the results of that run
`

func main() {
	harness.RunChild()
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	quick, json, requirePeers, alone   bool
	out, from, report, readme, profile string
	names                              []string
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&o.quick, "quick", false, "smaller sizes and fewer rounds: at most ten minutes for all suites on two cores")
	flags.BoolVar(&o.json, "json", false, "print one JSON object per result to standard output")
	flags.StringVar(&o.out, "out", "", "write index.html and results.json to this `folder`")
	flags.StringVar(&o.from, "from", "", "measure nothing: take the results of an earlier run from this results.json `file`")
	flags.StringVar(&o.report, "report", "", "write all tables to this Markdown `file`, plots and results.json to a folder beside it")
	flags.StringVar(&o.readme, "readme", "", "put the headlines between the marks in this Markdown `file`")
	flags.StringVar(&o.profile, "profile", "", "write a processor profile of this process to this `file`; go build uses bench/default.pgo")
	flags.BoolVar(&o.requirePeers, "require-peers", false, "a missing peer is an error")
	flags.BoolVar(&o.alone, "no-peers", false, "only the suites that say something without peers")
	flags.Usage = func() { fmt.Fprintf(stderr, usage, listOfSuites(), listOfFlags(flags)) }
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.names = flags.Args()
	return o, nil
}

func run(args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err == flag.ErrHelp {
		return nil
	}
	if err != nil {
		return err
	}
	if o.from != "" {
		return again(o, stdout)
	}
	return measure(o, args, stdout, stderr)
}

// again writes what was asked for from stored results.
func again(o options, stdout io.Writer) error {
	if len(o.names) > 0 || o.quick || o.json {
		return errors.New("-from measures nothing: leave out suites, -quick and -json")
	}
	rep, err := report.Read(o.from)
	if err != nil {
		return err
	}
	return finish(o, rep, stdout)
}

func measure(o options, args []string, stdout, stderr io.Writer) error {
	chosen, err := choose(o)
	if err != nil {
		return err
	}
	r := &harness.Run{Quick: o.quick, RequirePeers: o.requirePeers, Log: stderr}
	if o.json {
		encoder := json.NewEncoder(stdout)
		r.OnResult = func(result harness.Result) { _ = encoder.Encode(result) }
	}
	stop, err := startProfile(o.profile)
	if err != nil {
		return err
	}
	start := time.Now()
	err = errors.Join(doAll(r, chosen), stop())
	return errors.Join(err, finish(o, report.New(r, start, args), stdout))
}

// doAll goes on after a failure: what one suite has measured is not lost for that of another.
func doAll(r *harness.Run, suites []harness.Suite) error {
	var failed []error
	for _, s := range suites {
		failed = append(failed, r.Do(s))
	}
	return errors.Join(failed...)
}

// startProfile writes a processor profile to path until stop is called; it does nothing where path is empty.
func startProfile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// choose returns the suites that were asked for.
func choose(o options) (chosen []harness.Suite, err error) {
	for _, name := range o.names {
		if !slices.ContainsFunc(all, func(s harness.Suite) bool { return s.Name == name }) {
			return nil, fmt.Errorf("there is no suite %q; there are: %s", name, strings.Join(suiteNames(), ", "))
		}
	}
	for _, s := range all {
		if o.alone && s.NeedsPeer {
			continue
		}
		if len(o.names) == 0 || slices.Contains(o.names, s.Name) {
			chosen = append(chosen, s)
		}
	}
	return chosen, nil
}

// finish writes what was asked for; people without a file get the table on the screen.
func finish(o options, rep *report.Report, stdout io.Writer) error {
	if !o.json {
		if err := rep.Text(stdout); err != nil {
			return err
		}
	}
	if o.out != "" {
		if err := rep.Write(o.out); err != nil {
			return err
		}
	}
	if o.report != "" {
		if err := rep.WriteMarkdown(o.report, all); err != nil {
			return err
		}
	}
	if o.readme != "" {
		return rep.UpdateReadme(o.readme)
	}
	return nil
}

func suiteNames() (names []string) {
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

func listOfSuites() string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "  %-12s %s\n", s.Name, s.About)
	}
	return b.String()
}

func listOfFlags(flags *flag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *flag.Flag) {
		name, about := flag.UnquoteUsage(f)
		fmt.Fprintf(&b, "  -%-20s %s\n", strings.TrimSpace(f.Name+" "+name), about)
	})
	return b.String()
}
