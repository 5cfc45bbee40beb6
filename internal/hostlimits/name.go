package hostlimits

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/headgate/headgate/internal/mmap"
)

// A slot's name is the key that it belongs to. A request counts in a slot only where the name is its key, byte by byte:
// tags are hashes, and a hash that two keys share must not make one answer for the other. Of a key that is too long there
// are its first bytes and a second hash, a fingerprint. A name is written under the lock of its slot's set, while the
// slot is being closed: by stores that come before the tag's, and need no more order than that.
//
//	word 0      bits 0-31 length in bytes, bits 32-63 the first 4 bytes
//	words 1-15  the bytes that follow, little endian, with zeros behind in the last word; words behind that have no
//	            defined content. Of a key of more than nameBytes there are the first prefixBytes, and in word 15 the
//	            fingerprint
const (
	nameWords   = 16
	nameBytes   = 4 + 8*(nameWords-1)
	prefixBytes = nameBytes - 8
)

func (l *ledgers) nameOf(slot uint) *[nameWords]uint64 {
	return (*[nameWords]uint64)(l.names[slot*nameWords:])
}

func (l *ledgers) setName(slot uint, name []byte) {
	words := l.nameOf(slot)
	first, rest := beginName(name)
	mmap.StoreReleaseAt(&words[0], first)
	if len(name) > nameBytes {
		mmap.StoreReleaseAt(&words[nameWords-1], l.hasher.Fingerprint(name))
		rest = rest[:prefixBytes-4]
	}
	for i := 1; len(rest) > 0; i++ {
		mmap.StoreReleaseAt(&words[i&(nameWords-1)], wordOf(rest))
		rest = rest[min(len(rest), 8):]
	}
}

// isNamed reports whether a slot belongs to the key with this name.
func (l *ledgers) isNamed(slot uint, name []byte) bool {
	n, words := len(name), l.nameOf(slot)
	if n < 8 || n > nameBytes {
		return l.isNamedOddly(words, name)
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

// isNamedOddly is isNamed for names of a word or less, and those that are too long.
func (l *ledgers) isNamedOddly(words *[nameWords]uint64, name []byte) bool {
	first, rest := beginName(name)
	if atomic.LoadUint64(&words[0]) != first {
		return false
	}
	if len(name) < 8 {
		return len(rest) == 0 || atomic.LoadUint64(&words[1]) == wordOf(rest)
	}
	if atomic.LoadUint64(&words[nameWords-1]) != l.hasher.Fingerprint(name) {
		return false
	}
	rest = rest[:prefixBytes-4]
	for i := 1; len(rest) >= 8; i++ {
		if atomic.LoadUint64(&words[i&(nameWords-1)]) != wordOf(rest) {
			return false
		}
		rest = rest[8:]
	}
	return true
}

// beginName returns word 0 of a name, and what is not in it.
func beginName(name []byte) (first uint64, rest []byte) {
	n := uint64(len(name))
	if len(name) >= 4 {
		return n | uint64(binary.LittleEndian.Uint32(name))<<32, name[4:]
	}
	return n | wordOf(name)<<32, nil
}

// wordOf returns the first 8 bytes of name, with zeros behind.
func wordOf(name []byte) (word uint64) {
	n := len(name)
	switch {
	case n >= 8:
		return binary.LittleEndian.Uint64(name)
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(name)) | uint64(binary.LittleEndian.Uint32(name[n-4:]))<<(8*(n-4)&63)
	case n > 0:
		return uint64(name[0]) | uint64(name[n/2])<<(8*(n/2)&63) | uint64(name[n-1])<<(8*(n-1)&63)
	}
	return 0
}

// name is the key of a slot, where it is short enough to be there whole. It may be read while it is written, so it is
// taken for nothing where its hash is not the tag's.
func (l *ledgers) name(slot uint) (string, bool) {
	words := l.nameOf(slot)
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
	return string(b[:n]), tagOf(l.hasher.Hash(b[:n])) == l.tag(slot).key()
}
