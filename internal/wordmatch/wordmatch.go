// Package wordmatch finds many words in a text in one pass over it, whatever the case of its ASCII letters: the automaton of
// Aho and Corasick (Efficient string matching, CACM 18(6), 1975) with every transition filled in. A search allocates nothing,
// and takes one step for each byte.
package wordmatch

import (
	"fmt"
	"math/bits"
	"strings"
)

// MaxWords bounds the words of a Matcher, and maxStates what they are made into.
const (
	MaxWords  = 1 << 12
	maxStates = wordsEnd
)

// Word is something to be found.
type Word struct {
	Text  string // not empty, without upper-case letters
	Begin bool   // it counts only where no letter is before it
	End   bool   // it counts only where no letter is behind it
}

// Anchored returns a Word from its text with ^ before it where Begin is meant, and $ behind it for End.
func Anchored(text string) (w Word) {
	w.Text, w.Begin = strings.CutPrefix(text, "^")
	w.Text, w.End = strings.CutSuffix(w.Text, "$")
	return w
}

// Matcher finds its words. It is never changed.
type Matcher struct {
	words   []Word
	classes [256]uint8 // of bytes that no word tells apart
	count   uint32     // of classes
	shift   uint8      // 1<<shift: places of a state in next, so that a step needs no multiplication
	next    []uint16   // of state<<shift + class; with wordsEnd where words end at the state that it leads to
	first   []uint16   // of a state: place in ends of the words that end there
	ends    []uint16   // words, longest first; none ends a list
}

const (
	none     = 1<<16 - 1
	wordsEnd = 1 << 15
)

// New returns a Matcher of words. Their numbers are their places. It panics where a word is empty or has an upper-case
// letter, or where there are too many: words are constants of the program.
func New(words []Word) *Matcher {
	m := &Matcher{words: words, ends: []uint16{none}}
	if len(words) > MaxWords {
		panic(fmt.Sprintf("wordmatch: %d words, at most %d are possible", len(words), MaxWords))
	}
	m.classify()
	b := builder{Matcher: m}
	b.add()
	for i, w := range words {
		b.insert(uint16(i), w.Text)
	}
	b.link()
	return m
}

// classify gives each byte that occurs in a word a class of its own, and all others class 0. Upper-case letters have their
// lower-case letter's.
func (m *Matcher) classify() {
	m.count = 1
	for _, w := range m.words {
		if w.Text == "" {
			panic("wordmatch: a word is empty")
		}
		for i := range len(w.Text) {
			c := w.Text[i]
			if 'A' <= c && c <= 'Z' {
				panic(fmt.Sprintf("wordmatch: %q has an upper-case letter", w.Text))
			}
			if m.classes[c] == 0 {
				m.classes[c] = uint8(m.count)
				m.count++
			}
		}
	}
	for c := 'a'; c <= 'z'; c++ {
		m.classes[c-'a'+'A'] = m.classes[c]
	}
	m.shift = uint8(bits.Len32(m.count - 1))
}

// builder makes the states. 0 is the root; a transition that is not there yet is 0 as well, since none leads to the root.
type builder struct {
	*Matcher
	own [][]uint16 // the words that end at a state
}

func (b *builder) add() uint16 {
	if len(b.own) == maxStates {
		panic("wordmatch: the words are too long together")
	}
	b.next = append(b.next, make([]uint16, 1<<b.shift)...)
	b.own = append(b.own, nil)
	return uint16(len(b.own) - 1)
}

func (b *builder) insert(number uint16, text string) {
	state := uint16(0)
	for i := range len(text) {
		at := uint32(state)<<b.shift + uint32(b.classes[text[i]])
		if b.next[at] == 0 {
			to := b.add()
			b.next[at] = to
		}
		state = b.next[at]
	}
	b.own[state] = append(b.own[state], number)
}

// link fills in the transitions in the order of depth: where a state has none of its own, it has its longest suffix's. The words
// that end at the suffix end at the state too.
func (b *builder) link() {
	suffix := make([]uint16, len(b.own))
	queue := []uint16{0}
	for i := 0; i < len(queue); i++ {
		state := queue[i]
		for class := range b.count {
			at := uint32(state)<<b.shift + class
			fallback := uint16(0)
			if state != 0 {
				fallback = b.next[uint32(suffix[state])<<b.shift+class]
			}
			if to := b.next[at]; to != 0 {
				suffix[to] = fallback
				b.own[to] = append(b.own[to], b.own[fallback]...)
				queue = append(queue, to)
			} else {
				b.next[at] = fallback
			}
		}
	}
	b.first = make([]uint16, len(b.own))
	for state, words := range b.own {
		if len(words) > 0 {
			b.first[state] = uint16(len(b.ends))
			b.ends = append(append(b.ends, words...), none)
		}
	}
	for at, to := range b.next {
		if b.first[to] != 0 {
			b.next[at] |= wordsEnd
		}
	}
}

// Search is a search that is under way.
type Search struct {
	matcher *Matcher
	text    []byte
	at      int    // of the next byte
	pending uint16 // place in ends
	state   uint16
}

// Search begins a search of text, which must not change before it has ended.
func (m *Matcher) Search(text []byte) Search { return Search{matcher: m, text: text} }

// Next returns the number of the next word and the place behind it. Words come in the order of their ends, longer ones first;
// not ok: there are no more.
func (s *Search) Next() (word, end int, ok bool) {
	m := s.matcher
	for {
		for w := m.ends[s.pending]; w != none; w = m.ends[s.pending] {
			s.pending++
			if s.stands(&m.words[w]) {
				return int(w), s.at, true
			}
		}
		if !s.advance() {
			return 0, 0, false
		}
	}
}

// advance goes on to the next place where a word ends.
func (s *Search) advance() bool {
	next, classes, shift, state := s.matcher.next, &s.matcher.classes, s.matcher.shift&15, uint(s.state)
	for i := s.at; i < len(s.text); i++ {
		to := next[state<<shift+uint(classes[s.text[i]])]
		state = uint(to &^ wordsEnd)
		if to >= wordsEnd {
			s.at, s.state, s.pending = i+1, uint16(state), s.matcher.first[state]
			return true
		}
	}
	s.at = len(s.text)
	return false
}

// stands reports whether what is around the word that ends here is what the word wants.
func (s *Search) stands(w *Word) bool {
	if from := s.at - len(w.Text); w.Begin && from > 0 && isLetter(s.text[from-1]) {
		return false
	}
	return !w.End || s.at == len(s.text) || !isLetter(s.text[s.at])
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
