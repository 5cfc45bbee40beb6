package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const decisions = "../../docs/decisions/"

// A row of the index: number, file, title, status.
var decisionRow = regexp.MustCompile(`(?m)^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \| (.+) \|$`)

// decisionStatus is "valid", with the pages that replace a part, or the pages that replace the whole.
var decisionStatus = regexp.MustCompile(
	`^(valid|(valid; in part )?replaced by \[\d{4}\]\([^)]+\)((,| and) \[\d{4}\]\([^)]+\))*)$`)

var linkedDecision = regexp.MustCompile(`\[(\d{4})\]\(([^)]+)\)`)

// The index has one row for each decision, in order, with the heading of its page and a status.
func TestDecisionsAreIndexed(t *testing.T) {
	pages, err := filepath.Glob(decisions + "[0-9]*.md")
	if err != nil || len(pages) < 40 {
		t.Fatalf("%d decisions found, %v: the test looks in the wrong place", len(pages), err)
	}
	index, err := os.ReadFile(decisions + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := decisionRow.FindAllStringSubmatch(string(index), -1)
	for i, page := range pages {
		if i >= len(rows) || rows[i][2] != filepath.Base(page) {
			t.Fatalf("docs/decisions/README.md: %s has no row, or not in the order of numbers: add it", filepath.Base(page))
		}
		checkDecision(t, page, rows[i])
	}
	if len(rows) > len(pages) {
		t.Errorf("docs/decisions/README.md: %s has no page", rows[len(pages)][2])
	}
}

func checkDecision(t *testing.T, page string, row []string) {
	t.Helper()
	number, file, title, status := row[1], row[2], row[3], row[4]
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	heading, rest, _ := strings.Cut(string(text), "\n")
	if want := "# " + number + ". " + title; heading != want {
		t.Errorf("%s: its heading is %q, the index says %q", file, heading, want)
	}
	if !strings.HasPrefix(file, number+"-") {
		t.Errorf("%s: the index calls it %s", file, number)
	}
	if !strings.HasPrefix(rest, "\nStatus: ") {
		t.Errorf("%s: the heading is followed by an empty line and a line that begins with \"Status: \"", file)
	}
	if !decisionStatus.MatchString(status) {
		t.Errorf("%s: the index has status %q: valid, [valid; in part] replaced by NUMBER", file, status)
	}
	for _, link := range linkedDecision.FindAllStringSubmatch(status, -1) {
		if _, err := os.Stat(decisions + link[2]); err != nil || !strings.HasPrefix(link[2], link[1]+"-") {
			t.Errorf("%s: the index says it is replaced by %s, which there is not", file, link[0])
		}
	}
}
