package plaintext_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/headgate/headgate/internal/base/plaintext"
)

// A terminal only displays these texts.
func TestControlCharactersAreEscaped(t *testing.T) {
	for s, want := range map[string]string{
		"":                              "",
		"curl/8.5.0 (ä, 世, 🙂)":          "curl/8.5.0 (ä, 世, 🙂)",
		"two\nlines\tand a tab":         "two\nlines\tand a tab",
		"\x1b[2J\x1b]0;title\a":         `\x1b[2J\x1b]0;title\x07`,
		"back\rover\b":                  `back\x0dover\x08`,
		"\x00\x7f":                      `\x00\x7f`,
		"\u009b31m":                     `\xc2\x9b31m`, // a control sequence in one character
		"\xff\xfeä\xe4":                 `\xff\xfeä\xe4`,
		"\xed\xa0\x80":                  `\xed\xa0\x80`, // half of a surrogate pair
		"user\u202egnp.exe\u2066\u200f": `user\u202egnp.exe\u2066\u200f`,
		`\x1b`:                          `\x1b`,
		"\ufffd":                        "\ufffd",
	} {
		if got := string(plaintext.Append(nil, s)); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

// A spreadsheet takes each of these for text.
func TestFormulasBecomeTexts(t *testing.T) {
	for s, want := range map[string]string{
		"":                       "",
		"/index.html":            "/index.html",
		`=HYPERLINK("http://x")`: `'=HYPERLINK("http://x")`,
		"+1":                     "'+1",
		"-":                      "'-",
		"@SUM(A1)":               "'@SUM(A1)",
		"\t=1":                   "'\t=1",
		"\r=1":                   `'\x0d=1`,
		"\n=1":                   "'\n=1",
		"'quoted'":               "''quoted'",
		"a=1":                    "a=1",
	} {
		if got := string(plaintext.AppendCell(nil, s)); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

// The output does not depend on how the text is split into writes.
func TestWriterJoinsWhatWritesCut(t *testing.T) {
	const text = "ä\x1b[0m 世\xff\u009b🙂\xf0\x9f"
	want := string(plaintext.Append(nil, text))
	for size := 1; size <= len(text); size++ {
		var out bytes.Buffer
		w := plaintext.NewWriter(&out)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if written, err := io.WriteString(w, rest[:n]); err != nil || written != n {
				t.Fatalf("%d of %d bytes written, %v", written, n, err)
			}
			rest = rest[n:]
		}
		if err := w.Flush(); err != nil || out.String() != want {
			t.Errorf("in writes of %d bytes: %q, %v, want %q", size, out.String(), err, want)
		}
	}
}

// Every call after the first error returns that error.
func TestWriterKeepsTheFirstError(t *testing.T) {
	full := errors.New("no space left on device")
	w := plaintext.NewWriter(failing{full})
	if _, err := io.WriteString(w, "a"); err != full {
		t.Errorf("Write returns %v, want %v", err, full)
	}
	if err := w.Flush(); err != full {
		t.Errorf("Flush returns %v, want %v", err, full)
	}
}

type failing struct{ error }

func (f failing) Write([]byte) (int, error) { return 0, f.error }

func FuzzAppendCell(f *testing.F) {
	for _, s := range []string{"", "=1", "\x1b[31m", "\xff", "世\u202e", "'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		cell := string(plaintext.AppendCell(nil, s))
		if !utf8.ValidString(cell) {
			t.Errorf("%q becomes %q, which is not UTF-8", s, cell)
		}
		if cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
			t.Errorf("%q becomes %q, a formula", s, cell)
		}
		for _, r := range cell {
			if r != '\n' && r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q becomes %q with the control character %U", s, cell, r)
			}
		}
	})
}
