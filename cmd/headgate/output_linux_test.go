package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Results that could not be written are a failure, whatever the command: a script that reads them
// must not take nothing, or half, for the whole.
func TestResultsThatCannotBeWrittenAreAFailure(t *testing.T) {
	t.Setenv(asMain, "1")
	dir := publishTraffic(t, 3)
	log := write(t, filepath.Join(t.TempDir(), "a.log"), smallLog(20))
	model := filepath.Join("..", "..", "featurestore", "pipeline", "testdata", "model.json")
	for _, args := range [][]string{
		{"--help"},
		{"replay", log},
		{"replay", log, "--json"},
		{"quickstart", "--log", log, "--speed", "1000"},
		{"quickstart", "--log", log, "--speed", "1000", "--json"},
		{"inspect", dir},
		{"inspect", dir, "--top", "ip/requests_1m", "--json"},
		{"inspect", dir, "--verify"},
		{"model", "info", model},
	} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skipf("%v: run this where /dev/full is, as it is on Linux", err)
		}
		var errOut printed
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		status := execute(ctx, args, full, &errOut)
		cancel()
		full.Close()
		if status != exitFailure || !strings.HasSuffix(errOut.String(), "standard output: write /dev/full: no space left on device\n") {
			t.Errorf("%q: exit status %d, %q", args, status, errOut.String())
		}
	}
}

// What a file or a client named shows on a terminal as text and does nothing to it.
func TestNamesDoNothingToTheTerminal(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "featurestore", "pipeline", "testdata", "model.json"))
	if err != nil {
		t.Fatal(err)
	}
	const name = "request/agent_mozilla"
	if !bytes.Contains(text, []byte(name)) {
		t.Fatalf("the model does not look at %s", name)
	}
	dir := t.TempDir()
	model := write(t, filepath.Join(dir, "m.json"), bytes.ReplaceAll(text, []byte(name), []byte(`\u001b]0;owned\u0007\u009b31m`)))
	log := write(t, filepath.Join(dir, "a.log"), smallLog(20))
	for _, args := range [][]string{{"model", "info", model}, {"replay", log, "--model", model}, {"model", "info", filepath.Join(dir, "\x1b[2J")}} {
		_, out, errOut := run(t, args...)
		if printed := out + errOut; strings.ContainsAny(printed, "\x1b\x07\u009b") || !strings.Contains(printed, `\x1b`) {
			t.Errorf("%q prints %q", args, printed)
		}
	}
}

// smallMemory runs a command of headgate as a process that has 8 MiB in /dev/shm, as in a small
// container, and with the temporary files in the directory tmp.
func smallMemory(t *testing.T, tmp string, prepare string, args ...string) (status int, out, errOut string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root: run this as root")
	}
	script := "mount --make-rprivate / && mount -t tmpfs -o size=8m tmpfs /dev/shm && " + prepare + ` exec "$0" "$@"`
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", script, os.Args[0]}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	cmd.Env = append(os.Environ(), asMain+"=1", "TMPDIR="+tmp)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// Where /dev/shm is too small, the quick start takes the place of temporary files, and says so.
func TestQuickstartInLittleMemory(t *testing.T) {
	log := write(t, filepath.Join(t.TempDir(), "a.log"), smallLog(20))
	status, out, errOut := smallMemory(t, t.TempDir(), "", "quickstart", "--log", log, "--speed", "1000", "--json")
	if status != exitOK || !strings.Contains(out, `"requests":20,`) || !strings.Contains(errOut, "dir=/dev/shm") ||
		!strings.Contains(errOut, "no space left on device") {
		t.Errorf("exit status %d, %s%s", status, out, errOut)
	}
}

// If neither is usable, it ends with the daemon's error, as soon as there is one.
func TestQuickstartWithoutRoom(t *testing.T) {
	tmp := t.TempDir()
	status, out, errOut := smallMemory(t, tmp, "mount -t tmpfs -o size=8m tmpfs "+tmp+" &&", "quickstart", "--for", "1s")
	lines := strings.Split(strings.TrimSpace(errOut), "\n")
	last := lines[len(lines)-1]
	if status != exitFailure || out != "" || !strings.HasPrefix(last, "headgate: quickstart: ") || !strings.Contains(last, "no space left on device") {
		t.Errorf("exit status %d, %s%s", status, out, errOut)
	}
}
