package archtest

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// columns is the width of a line of Markdown, so that documents read side by side and differences are those of words.
const columns = 100

// linkTarget is what a line may have beyond its width, since it cannot be broken.
var linkTarget = regexp.MustCompile(`\]\([^)]*\)|https?://\S+`)

// tooWide returns the numbers of lines that are too wide. Tables, headings and code are left alone: they cannot be broken.
func tooWide(text string) (numbers []int) {
	inside := false
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\n")
		start := strings.TrimLeft(line, " ")
		if strings.HasPrefix(start, "```") {
			inside = !inside
		}
		if inside || strings.HasPrefix(start, "|") || strings.HasPrefix(start, "#") {
			continue
		}
		if utf8.RuneCountInString(linkTarget.ReplaceAllString(line, "]")) > columns {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

func TestWidthOfMarkdown(t *testing.T) {
	for _, name := range tracked(t, ".md") {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if numbers := tooWide(string(text)); len(numbers) > 0 {
			t.Errorf("%s: lines %v have more than %d columns", name, numbers, columns)
		}
	}
}

func TestTooWide(t *testing.T) {
	long := strings.Repeat("word ", 25)
	for text, want := range map[string]int{
		long:                              1,
		"short\n\n* " + long:              1,
		"| " + long + "|":                 0,
		"# " + long:                       0,
		"```\n" + long + "\n```\n":        0,
		"```\ncode\n```\n" + long:         1,
		strings.Repeat("ü", 100):          0,
		strings.Repeat("ü", 101):          1,
		"[a](" + strings.Repeat("x", 120): 1,
		"[a](" + strings.Repeat("x", 120) + ") and so on": 0,
	} {
		if got := tooWide(text); len(got) != want {
			t.Errorf("%q: lines %v", text, got)
		}
	}
}
