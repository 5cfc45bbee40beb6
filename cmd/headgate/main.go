// Command headgate is the sidecar for HTTP proxies and its tools: run, quickstart, replay, inspect and model. See README.md
// at the root of the project, or headgate --help.
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
)

// commands is the command line. Each command is a struct with a Run method in a file of its own.
type commands struct {
	Run        runCommand        `cmd:"" help:"Run the daemon (sidecar) that turns the proxies' events into published features."`
	Quickstart quickstartCommand `cmd:"" help:"See everything at work on this machine: daemon, proxy, origins and traffic."`
	Replay     replayCommand     `cmd:"" help:"Score an access log offline: one row of features and a score per request."`
	Inspect    inspectCommand    `cmd:"" help:"Show what a daemon has published."`
	Model      modelCommand      `cmd:"" help:"Look at a model, score rows with it, compare it with its library, measure it."`
}

// Exit statuses.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// terminal is what a command talks to.
type terminal struct {
	out io.Writer // results
	err io.Writer // progress, logs and errors
	log *slog.Logger
}

// usageError is an error of the command line: exit status 2.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs a command line and gives its exit status.
func execute(ctx context.Context, args []string, out, errOut io.Writer) int {
	t := &terminal{out: out, err: errOut, log: slog.New(slog.NewTextHandler(errOut, nil))}
	helped := false
	var c commands
	parser, err := kong.New(&c,
		kong.Name("headgate"),
		kong.Description("Scores the requests of HTTP proxies (1 = bot .. 99 = human) and keeps origins from overload."),
		kong.UsageOnError(),
		kong.Writers(out, errOut),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t),
	)
	if err != nil {
		return fail(errOut, err, exitFailure)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if helped {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(errOut, "headgate: %v; see headgate --help\n", err)
		return exitUsage
	}
	err = parsed.Run()
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return fail(errOut, err, exitUsage)
	case errors.Is(err, context.Canceled):
		return fail(errOut, errors.New("interrupted"), exitFailure)
	}
	return fail(errOut, err, exitFailure)
}

// fail prints an error on one line, also where several were joined.
func fail(errOut io.Writer, err error, status int) int {
	fmt.Fprintf(errOut, "headgate: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	return status
}
