package limits

import (
	"encoding/binary"
	"sync/atomic"
)

// A slot's name is the key that it belongs to, for people who look at the table. Nothing is decided by it. It is written
// under the lock of the slot's set and read without, so a reader compares its hash with the slot's tag and takes it for
// nothing where they differ.
//
//	word 0      length in bytes, of which at most nameBytes are kept
//	words 1-15  the bytes, little endian
const (
	nameWords = 16
	nameBytes = 8 * (nameWords - 1)
)

func (l *ledgers) setName(slot uint, name []byte) {
	if l.names == nil {
		return
	}
	words := l.names[slot*nameWords:][:nameWords]
	atomic.StoreUint64(&words[0], uint64(len(name)))
	name = name[:min(len(name), nameBytes)]
	for i := 1; len(name) > 0; i++ {
		var b [8]byte
		name = name[copy(b[:], name):]
		atomic.StoreUint64(&words[i], binary.LittleEndian.Uint64(b[:]))
	}
}

// name is the key of a slot, where it is known and was not cut off.
func (l *ledgers) name(slot uint) (string, bool) {
	if l.names == nil {
		return "", false
	}
	words := l.names[slot*nameWords:][:nameWords]
	n := atomic.LoadUint64(&words[0])
	if n == 0 || n > nameBytes {
		return "", false
	}
	var b [nameBytes]byte
	for i := range words[1:] {
		binary.LittleEndian.PutUint64(b[8*i:], atomic.LoadUint64(&words[1+i]))
	}
	return string(b[:n]), tagOf(Hash(b[:n])) == l.tag(slot).key()
}
