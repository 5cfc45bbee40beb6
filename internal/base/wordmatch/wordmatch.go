// Package wordmatch finds many words in a text in one pass, whatever the case of its ASCII letters.
// It uses the automaton of Aho and Corasick (Efficient string matching, CACM 18(6), 1975) with
// every transition filled in. A search allocates nothing, and takes one step for each byte.
package wordmatch

import (
	"fmt"
	"math/bits"
	"strings"
)

// MaxWords bounds the words of a Matcher, and maxStates its states.
const (
	MaxWords  = 1 << 12
	maxStates = wordsEnd
)

// Word is a word to find.
type Word struct {
	Text  string // not empty, without upper-case letters
	Begin bool   // whether it must not follow a letter
	End   bool   // whether no letter may follow it
}

// Anchored parses a Word: a leading ^ sets Begin, and a trailing $ sets End.
func Anchored(text string) (w Word) {
	w.Text, w.Begin = strings.CutPrefix(text, "^")
	w.Text, w.End = strings.CutSuffix(w.Text, "$")
	return w
}

// Matcher finds its words. It is immutable.
type Matcher struct {
	words   []Word
	classes [256]uint8 // equivalence class of each byte
	count   uint32     // of classes
	shift   uint8      // a state has 1<<shift transitions: no multiplication
	next    []uint16   // state<<shift + class to state; with wordsEnd if words end at the new state
	first   []uint16   // index in ends of the words that end at a state
	ends    []uint16   // words, longest first; none terminates a list
}

const (
	none     = 1<<16 - 1
	wordsEnd = 1 << 15
)

// New returns a Matcher of words, which it numbers by their index. It panics if a word is empty or
// has an upper-case letter, or if there are too many: words are constants of the program.
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

// classify assigns a class to each byte that occurs in a word, and class 0 to all others.
// Upper-case letters share the class of their lower-case letter.
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

// builder builds the states. State 0 is the root; it also marks a missing transition, since none
// leads to the root.
type builder struct {
	*Matcher
	wordsAt [][]uint16 // the words that end at a state
}

func (b *builder) add() uint16 {
	if len(b.wordsAt) == maxStates {
		panic("wordmatch: the words are too long together")
	}
	b.next = append(b.next, make([]uint16, 1<<b.shift)...)
	b.wordsAt = append(b.wordsAt, nil)
	return uint16(len(b.wordsAt) - 1)
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
	b.wordsAt[state] = append(b.wordsAt[state], number)
}

// link fills in the transitions in the order of depth: a missing transition is that of the state's
// longest suffix. The words that end at the suffix end at the state too.
func (b *builder) link() {
	suffix := make([]uint16, len(b.wordsAt))
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
				b.wordsAt[to] = append(b.wordsAt[to], b.wordsAt[fallback]...)
				queue = append(queue, to)
			} else {
				b.next[at] = fallback
			}
		}
	}
	b.first = make([]uint16, len(b.wordsAt))
	for state, words := range b.wordsAt {
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

// Search is a search in progress.
type Search struct {
	matcher *Matcher
	text    []byte
	at      int    // index of the next byte
	pending uint16 // index in ends
	state   uint16
}

// Search starts a search of text, which must not change before the search ends.
func (m *Matcher) Search(text []byte) Search { return Search{matcher: m, text: text} }

// Next returns the number of the next word and the index after its end. Words come in the order of
// their ends, longer ones first. ok is false after the last one.
func (s *Search) Next() (word, end int, ok bool) {
	m := s.matcher
	for {
		for w := m.ends[s.pending]; w != none; w = m.ends[s.pending] {
			s.pending++
			if s.isBounded(&m.words[w]) {
				return int(w), s.at, true
			}
		}
		if !s.advance() {
			return 0, 0, false
		}
	}
}

// advance moves to the next index where a word ends.
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

// isBounded reports whether the text around the word that ends here satisfies Begin and End.
func (s *Search) isBounded(w *Word) bool {
	if from := s.at - len(w.Text); w.Begin && from > 0 && isLetter(s.text[from-1]) {
		return false
	}
	return !w.End || s.at == len(s.text) || !isLetter(s.text[s.at])
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
