package wordmatch

import "math"

// Filter quickly rules out most texts that contain none of its words: it holds three successive
// bytes of each word, in any case. It is immutable.
type Filter struct {
	folds [256]uint8                   // class of each byte, with suffices set if it is a word
	set   [1 << tripleBits / 64]uint64 // one bit for each value of hashTriple
}

const (
	tripleBits = 15
	suffices   = 1 << 7
)

// folded maps the two cases of a letter to one value below suffices. Other bytes may share a value
// too, which only makes more texts worth a search.
func folded(c byte) uint8 { return (c | 0x20) &^ suffices }

func hashTriple(a, b, c uint8) uint {
	return (uint(a)<<10 ^ uint(b)<<5 ^ uint(c)) % (1 << tripleBits)
}

// NewFilter returns a Filter of words, each of which has one byte, or three or more. It chooses the
// three bytes of each word that are rarest in usual, a text of the kind that should be ruled out,
// and prefers bytes with a non-letter to parts of plain words. It panics if a word is empty or has
// two bytes.
func NewFilter(words []string, usual string) *Filter {
	counts := make(map[uint]int)
	for i := 2; i < len(usual); i++ {
		counts[tripleAt(usual, i)] += 2
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

// tripleAt returns the triple that ends at index at of text.
func tripleAt(text string, at int) uint {
	return hashTriple(folded(text[at-2]), folded(text[at-1]), folded(text[at]))
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
		t := tripleAt(word, i)
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

// MayHold reports whether text may contain one of the words; false is certain. It does not branch
// on the bytes, which no processor can predict.
func (f *Filter) MayHold(text string) bool {
	found, a, b := uint64(0), uint8(0), uint8(0)
	for i := range len(text) {
		c := f.folds[text[i]]
		found |= uint64(c / suffices)
		if c %= suffices; i >= 2 {
			t := hashTriple(a, b, c)
			found |= f.set[t/64] >> (t % 64) & 1
		}
		a, b = b, c
	}
	return found != 0
}
