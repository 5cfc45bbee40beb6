// Command headgate is the sidecar for HTTP proxies and its tools: run, quickstart, replay, inspect,
// explain, limits, model and version. See README.md at the root of the project, or headgate --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/headgate/headgate/internal/base/plaintext"
)

// commands is the command line. Each command is a struct with a Run method in its own file.
type commands struct {
	Run        runCommand        `cmd:"" help:"Run the daemon (sidecar) that turns the proxies' events into published features."`
	Quickstart quickstartCommand `cmd:"" help:"Run a demonstration on this machine: daemon, proxy, origins and traffic."`
	Replay     replayCommand     `cmd:"" help:"Score an access log offline: one row of features and a score per request."`
	Inspect    inspectCommand    `cmd:"" help:"Show what a daemon has published."`
	Explain    explainCommand    `cmd:"" help:"Explain in words why a client, or a request of a log, has its score."`
	Limits     limitsCommand     `cmd:"" help:"Check a file of connection limits before a daemon gets it."`
	Model      modelCommand      `cmd:"" help:"Examine a model, score rows with it, compare it with its library, measure it."`
	Version    versionCommand    `cmd:"" help:"Print what this binary was built from: version, revision, Go, built-in model."`
	Help       helpCommand       `cmd:"" help:"Show the help of a command."`
}

// Exit statuses.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// terminal is the input and output of a command. Output may contain strings from clients and files,
// so out and err write no control characters except line feeds and tabs.
type terminal struct {
	out    *plaintext.Writer // results
	err    *plaintext.Writer // progress, logs and errors
	log    *slog.Logger
	screen io.Writer // the target of err, for drawing in place
}

func newTerminal(out, errOut io.Writer) *terminal {
	t := &terminal{out: plaintext.NewWriter(out), err: plaintext.NewWriter(errOut), screen: errOut}
	t.log = slog.New(slog.NewTextHandler(t.err, nil))
	return t
}

// usageError is an error of the command line: exit status 2.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs a command line and returns its exit status. Results that could not be written are a
// failure of every command.
func execute(ctx context.Context, args []string, out, errOut io.Writer) int {
	t := newTerminal(out, errOut)
	status, err := t.execute(ctx, args)
	if unwritten := t.out.Flush(); unwritten != nil {
		status, err = exitFailure, fmt.Errorf("writing to standard output: %w", unwritten)
	}
	if err != nil {
		fmt.Fprintf(t.err, "headgate: %s\n", strings.ReplaceAll(err.Error(), "\n", "; ")) // joined errors too
	}
	t.err.Flush()
	return status
}

func (t *terminal) execute(ctx context.Context, args []string) (status int, err error) {
	helped := false
	var c commands
	parser, err := kong.New(&c,
		kong.Name("headgate"),
		kong.Description("Scores the requests of HTTP proxies (1 = bot .. 99 = human) and keeps origins from overload."),
		kong.UsageOnError(),
		kong.Writers(t.out, t.err),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t),
	)
	if err != nil {
		return exitFailure, err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	args = helpArguments(args)
	parsed, err := parser.Parse(args)
	if helped {
		return exitOK, nil
	}
	if err != nil {
		return exitUsage, fmt.Errorf("%w; see headgate --help", err)
	}
	err = parsed.Run()
	var usage usageError
	switch {
	case err == nil:
		return exitOK, nil
	case errors.As(err, &usage):
		return exitUsage, err
	case errors.Is(err, context.Canceled):
		return exitFailure, errors.New("interrupted")
	}
	return exitFailure, err
}
