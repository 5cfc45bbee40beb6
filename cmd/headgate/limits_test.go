package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLimitsCheck(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.json", `{"key": ["origin", "host"], "threshold": 200, "retry_after": "2s", "shed_from": 0.8,
		"adaptive": {"latency": "250ms", "floor": 8},
		"overrides": {"http://10.0.0.1:8080  SHOP.example:443": 20, "10.0.0.1:8080 *.example": 3, "10.0.0.1:8080 a b": 1}}`)
	status, out, errOut := run(t, "limits", "check", good)
	for _, want := range []string{"origin and host", "threshold: 200", "retry after: 2s", "0.8", "250ms, down to 8", "2 overrides",
		`20  "10.0.0.1:8080 shop.example"`, "2 warnings", "wildcards", `"10.0.0.1:8080 a b": it can never match`} {
		if status != exitOK || errOut != "" || !strings.Contains(out, want) {
			t.Errorf("status %d, error %q, no %q in:\n%s", status, errOut, want, out)
		}
	}
	status, out, _ = run(t, "limits", "check", good, "--json")
	var checked checkedLimits
	if err := json.Unmarshal([]byte(out), &checked); err != nil || status != exitOK || len(checked.Warnings) != 2 ||
		len(checked.Overrides) != 2 || checked.Overrides[1].Key != "10.0.0.1:8080 shop.example" || checked.Policy.Threshold != 200 {
		t.Errorf("status %d, %v: %s", status, err, out)
	}
	for name, text := range map[string]string{"misspelt": `{"treshold": 1}`, "twice": `{"overrides": {"o a": 1, "o A": 2}}`, "empty": ""} {
		path := file(name, text)
		if status, out, errOut := run(t, "limits", "check", path); status != exitFailure || out != "" ||
			!strings.Contains(errOut, path) || strings.Count(errOut, "\n") != 1 {
			t.Errorf("%s: status %d, out %q, error %q", name, status, out, errOut)
		}
		status, out, errOut := run(t, "limits", "check", "--json", path)
		if err := json.Unmarshal([]byte(out), &checked); err != nil || checked.Error == "" || status != exitFailure || errOut == "" {
			t.Errorf("%s: status %d, %v: %s %s", name, status, err, out, errOut)
		}
	}
	if status, _, errOut := run(t, "limits", "check", filepath.Join(folder, "missing")); status != exitFailure || !strings.Contains(errOut, "missing") {
		t.Errorf("no file: status %d, %q", status, errOut)
	}
	if status, out, _ := run(t, "limits", "check", "--help"); status != exitOK || !strings.Contains(out, "headgate limits check limits.json") {
		t.Errorf("help: status %d, %s", status, out)
	}
}
