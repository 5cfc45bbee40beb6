package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/models/gate"
)

// The built-in model and the same model in a file come to the same table.
func TestModelGate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bots.cbm")
	if err := os.WriteFile(file, models.Default(), 0o600); err != nil {
		t.Fatal(err)
	}
	status, builtIn, progress := run(t, "model", "gate", "--only", "first")
	if status != exitOK || !strings.Contains(builtIn, "| people's first requests") || strings.Contains(builtIn, "swarm") ||
		!strings.Contains(builtIn, "as wanted; model with SHA-256 ") || !strings.Contains(progress, "people's first requests") {
		t.Errorf("status %d\n%s%s", status, builtIn, progress)
	}
	if status, same, _ := run(t, "model", "gate", file, "--only", "first"); status != exitOK || same != builtIn {
		t.Errorf("status %d, from a file\n%s", status, same)
	}
}

// For scripts there is JSON, and a status that says whether all is as wanted.
func TestModelGateForScripts(t *testing.T) {
	status, out, errOut := run(t, "model", "gate", "--only", "a page's own", "--json", "--strict")
	var results []gate.Result
	if err := json.Unmarshal([]byte(out), &results); err != nil || len(results) != 1 {
		t.Fatalf("%v in %q", err, out)
	}
	if r := results[0]; r.Name == "" || r.Wanted == "" || r.Value == "" {
		t.Errorf("%+v", r)
	}
	if met := results[0].Met; met != (status == exitOK) || !met && !strings.Contains(errOut, "not as wanted") {
		t.Errorf("status %d where met is %v: %s", status, met, errOut)
	}
}

func TestModelGateRefuses(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.cbm")
	if err := os.WriteFile(broken, []byte("CBM1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		arguments []string
		status    int
		says      string
	}{
		{[]string{"--only", "nothing of the kind"}, exitUsage, "no situation has that in its name"},
		{[]string{broken}, exitFailure, "broken.cbm"},
		{[]string{broken + "/none"}, exitFailure, "none"},
	} {
		if status, _, errOut := run(t, append([]string{"model", "gate"}, c.arguments...)...); status != c.status || !strings.Contains(errOut, c.says) {
			t.Errorf("%q: status %d, %s", c.arguments, status, errOut)
		}
	}
}
