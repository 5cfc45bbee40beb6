package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// A build from a repository has all of it; the model is known by the hash of its file.
func TestVersion(t *testing.T) {
	file, err := os.ReadFile("../../models/default.cbm")
	if err != nil {
		t.Fatal(err)
	}
	hash := fmt.Sprintf("%x", sha256.Sum256(file))
	status, out, errOut := run(t, "version")
	if status != exitOK || errOut != "" {
		t.Fatalf("exit status %d, %q", status, errOut)
	}
	want := regexp.MustCompile(`^headgate   \S+\nrevision   .+\ngo         ` + regexp.QuoteMeta(runtime.Version()) + `\S* \w+/\w+\nmodel      sha256 ` + hash + `\n$`)
	if !want.MatchString(out) {
		t.Errorf("printed:\n%s\nwant %s", out, want)
	}
	if status, _, _ := run(t, "version", "extra"); status != exitUsage {
		t.Errorf("version extra: exit status %d", status)
	}
}

func TestVersionOfBuilds(t *testing.T) {
	stamped := &debug.BuildInfo{GoVersion: "go1.99", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.time", Value: "2026-04-01T00:00:00Z"}, {Key: "vcs.modified", Value: "true"}}}
	clean := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123abc"}, {Key: "vcs.modified", Value: "false"}}}
	for _, c := range []struct {
		info  *debug.BuildInfo
		wants []string
	}{
		{stamped, []string{"headgate   v1.2.3\n", "revision   0123abc of 2026-04-01T00:00:00Z, modified\n", "go         go1.99 "}},
		{clean, []string{"headgate   unknown\n", "revision   0123abc\n"}},
		{&debug.BuildInfo{}, []string{"revision   unknown\n"}},
	} {
		var b strings.Builder
		printVersion(&b, c.info)
		for _, want := range c.wants {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %q in:\n%s", want, b.String())
			}
		}
	}
}

// headgate help is --help, also of commands and their subcommands, and knows no command that there
// is not.
func TestHelpCommand(t *testing.T) {
	for _, line := range []string{"", "run", "quickstart", "model", "model gate", "version", "limits check", "help"} {
		_, want, _ := run(t, append(strings.Fields(line), "--help")...)
		status, out, errOut := run(t, append([]string{"help"}, strings.Fields(line)...)...)
		if status != exitOK || errOut != "" || out != want || !strings.Contains(out, "Usage:") {
			t.Errorf("help %s: exit status %d, %q, printed:\n%s", line, status, errOut, out)
		}
	}
	for _, line := range []string{"help bogus", "help model bogus", "help run extra"} {
		status, out, errOut := run(t, strings.Fields(line)...)
		if status != exitUsage || out != "" {
			t.Errorf("%s: exit status %d, printed:\n%s", line, status, out)
		}
		checkOneLine(t, line, errOut, strings.Fields(line)[len(strings.Fields(line))-1])
	}
}
