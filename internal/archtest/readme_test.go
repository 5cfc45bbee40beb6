package archtest

import (
	"os"
	"strings"
	"testing"
)

// The first page is short, says in its first lines for whom it is, and has the two commands that a reader tries first, on
// lines of their own.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)
	if words := len(strings.Fields(readme)); words > 1400 {
		t.Errorf("README.md has %d words, 1,400 at most: move what a first reader can do without to docs/", words)
	}
	first, _, _ := strings.Cut(readme, "\n## ")
	if !strings.Contains(first, "reverse proxies written in Go") {
		t.Error("README.md does not say in its first section which proxies it works with")
	}
	for _, command := range []string{"go run ./cmd/headgate quickstart", "go test work"} {
		if !strings.Contains(readme, "\n```\n"+command+"\n```\n") {
			t.Errorf("README.md lacks the block with the command %q", command)
		}
	}
}
