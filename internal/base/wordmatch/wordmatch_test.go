package wordmatch_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/base/wordmatch"
)

type hit struct{ word, end int }

func search(m *wordmatch.Matcher, text []byte) (hits []hit) {
	s := m.Search(text)
	for {
		word, end, ok := s.Next()
		if !ok {
			return hits
		}
		hits = append(hits, hit{word, end})
	}
}

// naive compares each word at each index.
func naive(words []wordmatch.Word, text []byte) (hits []hit) {
	lower := slices.Clone(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	letter := func(i int) bool { return i >= 0 && i < len(lower) && 'a' <= lower[i] && lower[i] <= 'z' }
	for end := range len(lower) + 1 {
		var here []hit
		for i, w := range words {
			from := end - len(w.Text)
			if from >= 0 && string(lower[from:end]) == w.Text && !(w.Begin && letter(from-1)) && !(w.End && letter(end)) {
				here = append(here, hit{i, end})
			}
		}
		slices.SortStableFunc(here, func(a, b hit) int { return len(words[b.word].Text) - len(words[a.word].Text) })
		hits = append(hits, here...)
	}
	return hits
}

var sample = []wordmatch.Word{
	{Text: "he"}, {Text: "she"}, {Text: "his"}, {Text: "hers"}, {Text: "bot", End: true}, {Text: "cubot"}, {Text: "scan", Begin: true},
	{Text: "a"}, {Text: "aaa"}, {Text: "../"}, {Text: "\xff\x00"}, {Text: "he"}, {Text: "[-"}, {Text: "@"},
}

func TestSearch(t *testing.T) {
	m := wordmatch.New(sample)
	for _, text := range []string{"", "ushers", "USHERS", "cubot robot robots", "scan a scanner, netscan", "aaaa", "../../", "\xff\x00\xff\x00", "h", "HiS@[-",
		"`{@[^he", strings.Repeat("she", 400)} {
		if got, want := search(m, []byte(text)), naive(sample, []byte(text)); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestAnchored(t *testing.T) {
	for text, want := range map[string]wordmatch.Word{
		"a": {Text: "a"}, "^a": {Text: "a", Begin: true}, "a$": {Text: "a", End: true}, "^a$": {Text: "a", Begin: true, End: true},
	} {
		if got := wordmatch.Anchored(text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

func TestNothingToFind(t *testing.T) {
	if hits := search(wordmatch.New(nil), []byte("anything")); hits != nil {
		t.Error(hits)
	}
}

func TestUnusableWordsPanic(t *testing.T) {
	for name, words := range map[string][]wordmatch.Word{
		"empty": {{Text: ""}}, "upper case": {{Text: "aB"}}, "too many": make([]wordmatch.Word, wordmatch.MaxWords+1),
		"too long": {{Text: strings.Repeat("ab", 1<<15)}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			wordmatch.New(words)
		}()
	}
}

func TestSearchAllocatesNothing(t *testing.T) {
	m, text := wordmatch.New(sample), bytes.Repeat([]byte("ushers "), 40)
	found := 0
	if n := testing.AllocsPerRun(100, func() {
		s := m.Search(text)
		for _, _, ok := s.Next(); ok; _, _, ok = s.Next() {
			found++
		}
	}); n != 0 || found == 0 {
		t.Errorf("%v allocations, %d found", n, found)
	}
}

// FuzzSearch compares searches of any text for any words with a naive search.
func FuzzSearch(f *testing.F) {
	f.Add("he she his hers", "ushers", uint8(0))
	f.Add("a aa aaa", "aaaa b aa", uint8(5))
	f.Add("bot cubot", "Cubot bots", uint8(255))
	f.Fuzz(func(t *testing.T, list, text string, flags uint8) {
		var words []wordmatch.Word
		for i, w := range strings.Fields(strings.Map(lowerASCII, list)) {
			if len(words) < 100 && len(w) < 100 {
				words = append(words, wordmatch.Word{Text: w, Begin: flags>>(i%4)&1 == 1, End: flags>>(4+i%4)&1 == 1})
			}
		}
		if got, want := search(wordmatch.New(words), []byte(text)), naive(words, []byte(text)); !slices.Equal(got, want) {
			t.Errorf("%+v in %q: %v, want %v", words, text, got, want)
		}
	})
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func BenchmarkSearch(b *testing.B) {
	m := wordmatch.New(sample)
	text := []byte("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36")
	b.ReportAllocs()
	for b.Loop() {
		s := m.Search(text)
		for _, _, ok := s.Next(); ok; _, _, ok = s.Next() {
		}
	}
}

// A text that a Filter rules out contains none of the words, and a Filter rules out the texts it is
// made for.
func TestFilter(t *testing.T) {
	f := wordmatch.NewFilter([]string{"/.env", "passwd", "~", "\xff\x00\xff", "abc"}, "/index.html /static/app.css")
	for _, text := range []string{"/.env", "/x/.ENV", "/etc/PASSwd", "~", "/a~", "~b", "\xff\x00\xff", "xAbC"} {
		if !f.MayHold(text) {
			t.Errorf("%q is passed over", text)
		}
	}
	for _, text := range []string{"", "/", "ab", "/index.html", "/static/app.css"} {
		if f.MayHold(text) {
			t.Errorf("%q is not passed over", text)
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("usual text", "ual", "a USUAL one")
	f.Add("", "x", "")
	f.Fuzz(func(t *testing.T, usual, word, before string) {
		if len(word) == 0 || len(word) == 2 {
			return
		}
		if text := before + word + usual; !wordmatch.NewFilter([]string{word}, usual).MayHold(text) {
			t.Errorf("%q is passed over, which holds %q", text, word)
		}
	})
}
