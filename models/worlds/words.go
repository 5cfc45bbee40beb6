package worlds

import (
	"fmt"
	"strings"
)

// Texts are made of syllables, so that a model learns nothing from a site's names. Some words of
// real languages are for queries.
var (
	onsets  = []string{"b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "br", "cl", "dr", "gr", "pl", "st", "tr", "qu", "z", ""}
	nuclei  = []string{"a", "e", "i", "o", "u", "ai", "ea", "ou", "io", "y"}
	codas   = []string{"", "", "", "n", "r", "l", "s", "t", "m", "nd", "rk", "st"}
	queries = []string{"zapatos", "running", "shoes", "comment", "faire", "recette", "gateau", "used", "bike", "best", "laptop", "2024", "ofertas", "cheap", "hotel",
		"ricetta", "biglietti", "horaire", "train", "water", "pump", "manual", "pdf", "how", "to", "fix", "error", "install", "drivers", "wedding", "dress", "naranja",
		"cucina", "jardin", "repair", "near", "me", "size", "42", "black", "review", "compare", "prix", "billig", "kaarten", "fietsen", "mapa", "curso", "online"}
)

func (d *dice) word() string {
	var b strings.Builder
	for range 1 + d.n(3) {
		b.WriteString(pick(d, onsets))
		b.WriteString(pick(d, nuclei))
		b.WriteString(pick(d, codas))
	}
	return b.String()
}

func (d *dice) letters(alphabet string, n int) string {
	var b [64]byte
	for i := range n {
		b[i] = alphabet[d.n(len(alphabet))]
	}
	return string(b[:n])
}

const (
	hexDigits    = "0123456789abcdef"
	digits       = "0123456789"
	alphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// query returns a query as typed into a search box, encoded with the given blank.
func (d *dice) query(blank string) string {
	n := 1 + d.steps(0.55, 4)
	parts := make([]string, n)
	for i := range parts {
		if parts[i] = pick(d, queries); d.chance(0.3) {
			parts[i] = d.word()
		}
		if d.chance(0.05) {
			parts[i] += "%C3%A9"
		}
	}
	return strings.Join(parts, blank)
}

// fill replaces the braces of a pattern:
//
//	{w} word  {W} Word  {s} words-with-hyphens  {S} Words_with_lines  {q} search words
//	{i} number of 1 to 3 digits  {n} of 3 to 7  {g} size of a picture
//	{h} 8 hex digits  {x} 32  {u} UUID  {k} letters and digits
//	{y} year  {m} month  {d} day
func (d *dice) fill(pattern string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(pattern, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteString(d.placeholder(rest[0]))
		pattern = rest[2:]
	}
}

func (d *dice) placeholder(letter byte) string {
	switch letter {
	case 'w':
		return d.word()
	case 'W':
		return capital(d.word())
	case 's':
		return d.slug("-")
	case 'S':
		return capital(d.slug("_"))
	case 'i':
		return fmt.Sprint(d.logUniform(1, 999))
	case 'n':
		return fmt.Sprint(d.logUniform(100, 9_999_999))
	case 'h':
		return d.letters(hexDigits, 8)
	case 'x':
		return d.letters(hexDigits, 32)
	case 'u':
		return d.letters(hexDigits, 8) + "-" + d.letters(hexDigits, 4) + "-4" + d.letters(hexDigits, 3) + "-a" + d.letters(hexDigits, 3) + "-" + d.letters(hexDigits, 12)
	case 'k':
		return d.letters(alphanumeric, d.from(6, 22))
	case 'y':
		return fmt.Sprint(d.from(2009, 2026))
	case 'm':
		return fmt.Sprintf("%02d", d.from(1, 12))
	case 'd':
		return fmt.Sprintf("%02d", d.from(1, 28))
	case 'q':
		return d.query(pick(d, []string{"+", "%20"}))
	}
	return fmt.Sprint(d.from(1, 12) * 100) // g
}

func (d *dice) slug(between string) string {
	words := []string{d.word(), d.word()}
	for range d.steps(0.6, 5) {
		words = append(words, d.word())
	}
	return strings.Join(words, between)
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
