package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// phrase is a way to say something that readers stumble over, and what to write in its place.
type phrase struct {
	words    *regexp.Regexp // without regard to case; line breaks count as spaces
	after    []string       // it is plain English after one of these
	before   []string       // or before one of these
	instead  string
	comments bool // in comments of Go code only
}

var phrases = []phrase{
	{words: words(`whoever`), instead: "name who it is: the operator, a client, another process"},
	{words: words(`whatever comes`), instead: "say what may come: any input, every event"},
	{words: words(`what came of it`), instead: "the result, a summary"},
	{words: words(`is none`), after: []string{"there"}, instead: "is not one, or is invalid"},
	{words: words(`is no `), after: []string{"there"}, before: []string{"longer", "more", "less", "better", "worse", "later"}, instead: "is not a"},
	{words: words(`the one before`), instead: "the previous one, or its name"},
	{words: words(`the former`), instead: "the previous one, or its name"},
	{words: words(`by (?:itself|himself|themselves) alone`), instead: "on its own"},
	{words: words(`serves? on`), before: []string{"the", "a", "port", "ports", "that"}, instead: "stays active"},
	{words: words(`(?:it is|is|are) of one state`), instead: "is consistent"},
	{words: words(`gives`), before: []string{"up", "way", "back"}, instead: "returns, reports, has", comments: true},
}

func words(expression string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b` + expression + `\b`) }

// find returns the phrases in a text, each with some words around it.
func find(text string, comment bool) (found []string) {
	text = strings.Join(strings.Fields(text), " ")
	for _, p := range phrases {
		if p.comments && !comment {
			continue
		}
		for _, at := range p.words.FindAllStringIndex(text, -1) {
			if !p.excused(text[:at[0]], text[at[1]:]) {
				found = append(found, fmt.Sprintf("%q: write %s", around(text, at[0], at[1]), p.instead))
			}
		}
	}
	return found
}

// excused reports whether the text on either side makes the phrase plain English.
func (p phrase) excused(before, after string) bool {
	previous := strings.ToLower(before[strings.LastIndex(strings.TrimRight(before, " "), " ")+1:])
	next, _, _ := strings.Cut(strings.TrimLeft(after, " "), " ")
	return slices.Contains(p.after, strings.Trim(previous, " ,;(\"`")) || slices.Contains(p.before, strings.Trim(next, ".,;:)\"`"))
}

// around returns text[from:to] with about twenty bytes on either side.
func around(text string, from, to int) string {
	return strings.ToValidUTF8(text[max(from-20, 0):min(to+20, len(text))], "")
}

// offence is a phrase in a file.
type offence struct{ file, what string }

// offences returns the phrases in all Go code, comments and texts, and in all Markdown.
func offences(t *testing.T) (all []offence) {
	t.Helper()
	add := func(file string, found []string) {
		for _, what := range found {
			all = append(all, offence{file, what})
		}
	}
	for _, name := range tracked(t, ".go") {
		if strings.HasPrefix(name, "internal/archtest/") { // which has the phrases themselves
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), "../../"+name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Comments {
			add(name, find(c.Text(), true))
		}
		if strings.HasSuffix(name, "_test.go") || ast.IsGenerated(f) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				add(name, find(literal.Value, false))
			}
			return true
		})
	}
	for _, name := range tracked(t, ".md") {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		add(name, find(withoutCode(string(text)), false))
	}
	return all
}

// The language of the project is that of other Go projects: none of the phrases.
func TestVoice(t *testing.T) {
	for _, o := range offences(t) {
		t.Errorf("%s: %s", o.file, o.what)
	}
}

func TestPhrases(t *testing.T) {
	for text, want := range map[string]int{
		"Whoever reads it":                          1,
		"a file that is no model":                   1,
		"there is no model":                         0,
		"the answer is no, and stays so":            0,
		"There is none.":                            0,
		"what is none is the zero value":            1,
		"it is no longer needed, is no more than 3": 0,
		"the model before\nserves   on":             1,
		"the former default, the one before":        2,
		"scored by itself alone":                    1,
		"it gives the length":                       1,
		"it gives up":                               0,
		"forgives":                                  0,
	} {
		if got := find(text, true); len(got) != want {
			t.Errorf("%q: found %q", text, got)
		}
	}
	if got := find("it gives the length", false); len(got) != 0 {
		t.Errorf("a document may say that something gives: %q", got)
	}
}
