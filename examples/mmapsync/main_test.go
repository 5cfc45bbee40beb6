package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMain runs the program itself where a test has started this binary as another process.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// run runs the program as a process of its own.
func run(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), "EXAMPLE_MAIN=1")
	b, err := c.Output()
	return string(b), err
}

// What one process publishes another one reads, also after the first has ended.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "greeting")
	if output, err := run(t, "read", path); err == nil {
		t.Errorf("before anything is published: %q", output)
	}
	for _, text := range []string{"good morning", "good night"} {
		if _, err := run(t, "publish", path, text); err != nil {
			t.Fatal(err)
		}
		if output, err := run(t, "read", path); err != nil || output != text+"\n" {
			t.Errorf("read %q, %v, want %q", output, err, text)
		}
	}
}
