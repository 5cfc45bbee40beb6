package wordmatch

import "math"

// Filter tells quickly of most texts that they have none of some words: of each word three bytes in a row are in its set,
// whatever the case of their letters. It is never changed.
type Filter struct {
	folds [256]uint8                   // what a byte counts as, with suffices set where it is a word by itself
	set   [1 << tripleBits / 64]uint64 // a bit for each value of tripleOf
}

const (
	tripleBits = 15
	suffices   = 1 << 7
)

// folded maps the two cases of a letter to one value below suffices. Others may share one, too, which only makes more texts
// worth a search.
func folded(c byte) uint8 { return (c | 0x20) &^ suffices }

func tripleOf(a, b, c uint8) uint {
	return (uint(a)<<10 ^ uint(b)<<5 ^ uint(c)) % (1 << tripleBits)
}

// NewFilter returns a Filter of words, which are of one byte or of three and more. Of each word it takes the three bytes that
// are rarest in usual, text of the kind that should be passed over, and among these rather some with a mark than a part of a
// plain word. It panics where a word is empty or has two bytes.
func NewFilter(words []string, usual string) *Filter {
	counts := make(map[uint]int)
	for i := 2; i < len(usual); i++ {
		counts[tripleIn(usual, i)] += 2
	}
	f := new(Filter)
	for c := range f.folds {
		f.folds[c] = folded(byte(c))
	}
	for _, word := range words {
		f.add(word, counts)
	}
	return f
}

// tripleIn returns the triple that ends at a place of text.
func tripleIn(text string, at int) uint {
	return tripleOf(folded(text[at-2]), folded(text[at-1]), folded(text[at]))
}

func (f *Filter) add(word string, counts map[uint]int) {
	switch len(word) {
	case 1:
		f.folds[word[0]] |= suffices
		return
	case 0, 2:
		panic("wordmatch: a word is empty or of two bytes")
	}
	best, least := uint(0), math.MaxInt
	for i := 2; i < len(word); i++ {
		t := tripleIn(word, i)
		n := counts[t]
		if isLetter(word[i-2]) && isLetter(word[i-1]) && isLetter(word[i]) {
			n++
		}
		if n < least {
			best, least = t, n
		}
	}
	f.set[best/64] |= 1 << (best % 64)
}

// MayHold reports whether text may hold one of the words. If it returns false, it holds none. It does not branch on the
// bytes, which no processor foresees.
func (f *Filter) MayHold(text string) bool {
	found, a, b := uint64(0), uint8(0), uint8(0)
	for i := range len(text) {
		c := f.folds[text[i]]
		found |= uint64(c / suffices)
		if c %= suffices; i >= 2 {
			t := tripleOf(a, b, c)
			found |= f.set[t/64] >> (t % 64) & 1
		}
		a, b = b, c
	}
	return found != 0
}
