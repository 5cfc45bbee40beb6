// Zoo runs real clients against small sites of many kinds, through headgate's filter with TLS, and
// records what they send, with the truth: which program it was, whether a person or an automation
// was behind it, and how it was disguised.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

const usage = `usage: zoo collect --out DIR [--only REGEXP] [--work DIR] [--jobs N] [--seed N] [--no-install] [--keep]
       zoo list [--only REGEXP]

collect installs the clients, lets each loose on local sites in every disguise that it has, and writes one file of a corpus for
each family of clients. In files that are there already it replaces the runs that it has made again. It needs Debian, root (for
a network that nothing leads out of), and Go. list prints the runs: family/program/intent/disguise/site, and how each program is installed.

--only      take the runs whose name matches only; all others stay as they are
--work      where the clients are installed; may be kept for the next time (default: headgate-zoo in the user's cache folder)
--jobs      runs at a time (default 3): most of them wait most of the time
--seed      what is drawn: sites, paths, pauses, disguises (default 1)
--no-install  take what is installed
--keep      keep the folders of the runs in the work folder, with what the programs printed (output.log)

Examples:
  go run ./models/zoo collect --out models/zoo/corpus
  go run ./models/zoo collect --out /tmp/corpus --only '^commandline/curl/'
  go run ./models/zoo list --only stuffing
`

func main() {
	err := run(os.Args[1:])
	var code exitCode
	switch {
	case errors.As(err, &code):
		os.Exit(int(code))
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 2 && args[0] == "cell" {
		return runCell(args[1])
	}
	if len(args) == 0 || args[0] != "collect" && args[0] != "list" {
		fmt.Fprint(os.Stderr, usage)
		return exitCode(2)
	}
	flags := flag.NewFlagSet("zoo "+args[0], flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	c := &collection{}
	cache, _ := os.UserCacheDir()
	flags.StringVar(&c.out, "out", "", "")
	flags.StringVar(&c.work, "work", filepath.Join(cache, "headgate-zoo"), "")
	only := flags.String("only", "", "")
	flags.IntVar(&c.jobs, "jobs", 3, "")
	flags.Uint64Var(&c.seed, "seed", 1, "")
	flags.BoolVar(&c.keep, "keep", false, "")
	noInstall := flags.Bool("no-install", false, "")
	if err := flags.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return exitCode(2)
	}
	var err error
	if c.only, err = regexp.Compile(*only); err != nil {
		return fmt.Errorf("zoo: --only: %w", err)
	}
	if args[0] == "list" {
		c.list()
		return nil
	}
	if c.out == "" || c.jobs < 1 || flags.NArg() > 0 {
		return errors.New("zoo: collect needs --out with a folder, and --jobs of at least 1")
	}
	return c.collect(!*noInstall)
}

// list prints what collect would do.
func (c *collection) list() {
	for _, f := range families() {
		var names []string
		for _, v := range c.visits(f) {
			if v.steps != nil {
				names = append(names, v.name())
			}
		}
		if len(names) == 0 {
			continue
		}
		how := "packages: " + strings.Join(f.apt, " ")
		if f.install != "" {
			how += "; clients/" + f.install
		}
		fmt.Printf("%s: %s\n  %s\n", f.name, how, strings.Join(names, "\n  "))
	}
}

// collect prepares the work folder, outside of the world, and collects within.
func (c *collection) collect(install bool) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if c.work, err = filepath.Abs(c.work); err != nil {
		return err
	}
	if c.out, err = filepath.Abs(c.out); err != nil {
		return err
	}
	var wanted []*family
	for _, f := range families() {
		if len(c.programs(f)) > 0 {
			wanted = append(wanted, f)
		}
	}
	if len(wanted) == 0 {
		return fmt.Errorf("zoo: no run matches %s (zoo list prints all)", c.only)
	}
	if inWorld() {
		return c.run(ctx, wanted)
	}
	for _, folder := range []string{c.work, c.out} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("zoo: making a folder: %w", err)
		}
	}
	if err := c.prepareWork(ctx, wanted, install); err != nil {
		return err
	}
	return enterWorld(ctx)
}

// programs returns the names of a family's programs of which a run is wanted.
func (c *collection) programs(f *family) []string {
	var names []string
	for _, v := range c.visits(f) {
		if v.steps != nil && !slices.Contains(names, v.client.program) {
			names = append(names, v.client.program)
		}
	}
	return names
}

// prepareWork builds headgate and installs the families.
func (c *collection) prepareWork(ctx context.Context, wanted []*family, install bool) error {
	authority, err := openAuthority(c.work)
	if err != nil {
		return err
	}
	if err := authority.trust(filepath.Join(c.work, "certs")); err != nil {
		return err
	}
	if err := unpack("screen", filepath.Join(c.work, "screen")); err != nil {
		return fmt.Errorf("zoo: writing scripts: %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(c.work, "headgate"), "github.com/headgate/headgate/cmd/headgate")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("zoo: building headgate: %w (run zoo in the project's folder): %s", err, out)
	}
	for _, f := range wanted {
		if !install {
			continue
		}
		fmt.Printf("installing %s\n", f.name)
		missing, err := f.setUp(ctx, c.work, c.programs(f))
		for _, what := range missing {
			fmt.Printf("  not to be had: %s\n", what)
		}
		if err != nil {
			fmt.Printf("  %v\n", err)
		}
	}
	return ctx.Err()
}
