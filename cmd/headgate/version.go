package main

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/headgate/headgate/models"
)

// versionCommand is headgate version.
type versionCommand struct{}

// Help is shown by headgate version --help.
func (versionCommand) Help() string {
	return `Facts that the build did not record, such as the revision under go run, are "unknown". The model is the built-in one; its SHA-256 is
that of its file (sha256sum models/default.cbm).

Examples:
  headgate version`
}

// Run prints what this binary was built from.
func (versionCommand) Run(t *terminal) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	printVersion(t.out, info)
	return nil
}

func printVersion(w io.Writer, info *debug.BuildInfo) {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	revision := cmp.Or(settings["vcs.revision"], "unknown")
	if at := settings["vcs.time"]; at != "" {
		revision += " of " + at
	}
	if settings["vcs.modified"] == "true" {
		revision += ", modified"
	}
	fmt.Fprintf(w, "headgate   %s\n", cmp.Or(info.Main.Version, "unknown"))
	fmt.Fprintf(w, "revision   %s\n", revision)
	fmt.Fprintf(w, "go         %s %s/%s\n", info.GoVersion, runtime.GOOS, runtime.GOARCH)
	fmt.Fprintf(w, "model      sha256 %x\n", sha256.Sum256(models.Default()))
}
