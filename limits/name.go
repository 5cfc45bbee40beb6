package limits

import (
	"encoding/binary"
	"sync/atomic"
)

// A slot's name is the key that it belongs to. A request counts in a slot only where the name is its key, byte by byte:
// tags are hashes, and a hash that two keys share must not make one answer for the other. Of a key that is too long there
// are its first bytes and a second hash, a fingerprint. A name is written under the lock of its slot's set, while the
// slot is being closed.
//
//	word 0      length in bytes
//	words 1-15  the bytes, little endian, with zeros behind; of a key of more than nameBytes the first prefixBytes, and
//	            in word 15 the fingerprint
const (
	nameWords   = 16
	nameBytes   = 8 * (nameWords - 1)
	prefixBytes = 8 * (nameWords - 2)
)

func (l *ledgers) nameOf(slot uint) *[nameWords]uint64 {
	return (*[nameWords]uint64)(l.names[slot*nameWords:])
}

func (l *ledgers) setName(slot uint, name []byte) {
	words := l.nameOf(slot)
	atomic.StoreUint64(&words[0], uint64(len(name)))
	rest := words[1:]
	if len(name) > nameBytes {
		atomic.StoreUint64(&words[nameWords-1], l.hasher.fingerprint(name))
		name, rest = name[:prefixBytes], words[1:nameWords-1]
	}
	for i := range rest {
		atomic.StoreUint64(&rest[i], wordOf(name))
		name = name[min(len(name), 8):]
	}
}

// isNamed reports whether a slot belongs to the key with this name.
func (l *ledgers) isNamed(slot uint, name []byte) bool {
	words := l.nameOf(slot)
	if atomic.LoadUint64(&words[0]) != uint64(len(name)) {
		return false
	}
	if len(name) > nameBytes {
		if atomic.LoadUint64(&words[nameWords-1]) != l.hasher.fingerprint(name) {
			return false
		}
		name = name[:prefixBytes]
	}
	i := 1
	for ; len(name) >= 8 && i < nameWords; i++ {
		if atomic.LoadUint64(&words[i]) != binary.LittleEndian.Uint64(name) {
			return false
		}
		name = name[8:]
	}
	return len(name) == 0 || atomic.LoadUint64(&words[i&(nameWords-1)]) == wordOf(name)
}

// wordOf returns the first 8 bytes of name, with zeros behind.
func wordOf(name []byte) (word uint64) {
	if len(name) >= 8 {
		return binary.LittleEndian.Uint64(name)
	}
	for i, c := range name {
		word |= uint64(c) << (8 * i)
	}
	return word
}

// name is the key of a slot, where it is short enough to be there whole. It may be read while it is written, so it is
// taken for nothing where its hash is not the tag's.
func (l *ledgers) name(slot uint) (string, bool) {
	words := l.nameOf(slot)
	n := atomic.LoadUint64(&words[0])
	if n == 0 || n > nameBytes {
		return "", false
	}
	var b [nameBytes]byte
	for i := range words[1:] {
		binary.LittleEndian.PutUint64(b[8*i:], atomic.LoadUint64(&words[1+i]))
	}
	return string(b[:n]), tagOf(l.hasher.Hash(b[:n])) == l.tag(slot).key()
}
