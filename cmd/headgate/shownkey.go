package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/headgate/headgate/featurestore"
)

// shownKey is a key as people see it: the first 64 bits of HMAC-SHA256, under the table's seed, of
// the dimension's name and the key. Shown keys reveal neither the seed nor an address, even
// together with the addresses of some of them: that would take a search of all 2^64 seeds. A
// table's own keys are not safe to show, since their hash can be inverted: one key and its address
// yield the seed, and the seed yields every address. Users who can read the table have both.
type shownKey uint64

func (k shownKey) String() string               { return fmt.Sprintf("0x%016x", uint64(k)) }
func (k shownKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// parseShownKey parses a key as it is shown. No address, host, fingerprint or user agent in use
// looks like one.
func parseShownKey(s string) (shownKey, bool) {
	figures, ok := strings.CutPrefix(s, "0x")
	if !ok || len(figures) != 16 {
		return 0, false
	}
	key, err := strconv.ParseUint(figures, 16, 64)
	return shownKey(key), err == nil
}

// keyShower computes the shown keys of one dimension. It is for one goroutine.
type keyShower struct {
	mac  hash.Hash
	text []byte // the dimension's name, a zero and 8 bytes for the key
	sum  []byte
}

func newKeyShower(table *featurestore.Table, dimension int) *keyShower {
	name := table.Schema.Dimensions[dimension].Name
	return &keyShower{
		mac:  hmac.New(sha256.New, binary.LittleEndian.AppendUint64(nil, table.Seed)),
		text: append([]byte(name), make([]byte, 9)...),
	}
}

func (s *keyShower) show(key uint64) shownKey {
	binary.LittleEndian.PutUint64(s.text[len(s.text)-8:], key)
	s.mac.Reset()
	s.mac.Write(s.text)
	s.sum = s.mac.Sum(s.sum[:0])
	return shownKey(binary.LittleEndian.Uint64(s.sum))
}

// findShown returns the key of a dimension whose shown key is wanted. It reads all of them.
func findShown(table *featurestore.Table, dimension int, wanted shownKey) (key uint64, ok bool) {
	shower := newKeyShower(table, dimension)
	table.Each(dimension, func(k uint64, _ int64, _ []float32) {
		if !ok && shower.show(k) == wanted {
			key, ok = k, true
		}
	})
	return key, ok
}
