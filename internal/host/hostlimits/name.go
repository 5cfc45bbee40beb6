package hostlimits

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/headgate/headgate/internal/base/mmap"
)

// An exact counter's name is its key. A request counts in a counter only if its key is the name,
// byte by byte: tags are hashes, and two keys with the same hash must not share a counter. For a
// key that is too long the name has its first bytes and a second hash, a fingerprint. A name is
// written under the lock of the counter's set, while the counter is being closed, by stores that
// come before the tag's and need no other order.
//
//	word 0      bits 0-31 length in bytes, bits 32-63 the first 4 bytes
//	words 1-15  the bytes that follow, little endian, padded with zeros to a whole word; the
//	            words after that are undefined. For a key of more than nameBytes: its first
//	            prefixBytes, and in word 15 the fingerprint
const (
	nameWords   = 16
	nameBytes   = 4 + 8*(nameWords-1)
	prefixBytes = nameBytes - 8
)

func (l *ledgers) nameAt(counter uint) *[nameWords]uint64 {
	return (*[nameWords]uint64)(l.names[counter*nameWords:])
}

func (l *ledgers) setName(counter uint, name []byte) {
	words := l.nameAt(counter)
	first, rest := beginName(name)
	mmap.StoreReleaseAt(&words[0], first)
	if len(name) > nameBytes {
		mmap.StoreReleaseAt(&words[nameWords-1], l.hasher.Fingerprint(name))
		rest = rest[:prefixBytes-4]
	}
	for i := 1; len(rest) > 0; i++ {
		mmap.StoreReleaseAt(&words[i&(nameWords-1)], firstWord(rest))
		rest = rest[min(len(rest), 8):]
	}
}

// isNamed reports whether a counter belongs to the key with this name.
func (l *ledgers) isNamed(counter uint, name []byte) bool {
	n, words := len(name), l.nameAt(counter)
	if n < 8 || n > nameBytes {
		return l.isNamedByParts(words, name)
	}
	if atomic.LoadUint64(&words[0]) != uint64(n)|uint64(binary.LittleEndian.Uint32(name))<<32 {
		return false
	}
	i, rest := 1, name[4:]
	for ; len(rest) >= 8; i++ {
		if atomic.LoadUint64(&words[i&(nameWords-1)]) != binary.LittleEndian.Uint64(rest) {
			return false
		}
		rest = rest[8:]
	}
	last := binary.LittleEndian.Uint64(name[n-8:]) >> (64 - 8*uint(len(rest)))
	return len(rest) == 0 || atomic.LoadUint64(&words[i&(nameWords-1)]) == last
}

// isNamedByParts is isNamed for names of a word or less, and for those that are too long.
func (l *ledgers) isNamedByParts(words *[nameWords]uint64, name []byte) bool {
	first, rest := beginName(name)
	if atomic.LoadUint64(&words[0]) != first {
		return false
	}
	if len(name) < 8 {
		return len(rest) == 0 || atomic.LoadUint64(&words[1]) == firstWord(rest)
	}
	if atomic.LoadUint64(&words[nameWords-1]) != l.hasher.Fingerprint(name) {
		return false
	}
	rest = rest[:prefixBytes-4]
	for i := 1; len(rest) >= 8; i++ {
		if atomic.LoadUint64(&words[i&(nameWords-1)]) != firstWord(rest) {
			return false
		}
		rest = rest[8:]
	}
	return true
}

// beginName returns word 0 of a name, and the bytes that are not in it.
func beginName(name []byte) (first uint64, rest []byte) {
	n := uint64(len(name))
	if len(name) >= 4 {
		return n | uint64(binary.LittleEndian.Uint32(name))<<32, name[4:]
	}
	return n | firstWord(name)<<32, nil
}

// firstWord returns the first 8 bytes of name, padded with zeros.
func firstWord(name []byte) (word uint64) {
	n := len(name)
	switch {
	case n >= 8:
		return binary.LittleEndian.Uint64(name)
	case n >= 4:
		first, last := binary.LittleEndian.Uint32(name), binary.LittleEndian.Uint32(name[n-4:])
		return uint64(first) | uint64(last)<<(8*(n-4)&63)
	case n > 0:
		return uint64(name[0]) | uint64(name[n/2])<<(8*(n/2)&63) | uint64(name[n-1])<<(8*(n-1)&63)
	}
	return 0
}

// name returns the key of a counter, if it is short enough to be there whole. It may be read while
// it is written: the result is false if the hash of what was read is not the tag's.
func (l *ledgers) name(counter uint) (string, bool) {
	words := l.nameAt(counter)
	first := atomic.LoadUint64(&words[0])
	n := uint32(first)
	if n == 0 || n > nameBytes {
		return "", false
	}
	var b [nameBytes]byte
	binary.LittleEndian.PutUint32(b[:], uint32(first>>32))
	for i := range words[1:] {
		binary.LittleEndian.PutUint64(b[4+8*i:], atomic.LoadUint64(&words[1+i]))
	}
	return string(b[:n]), newTag(l.hasher.Hash(b[:n])) == l.tag(counter).key()
}
