package xgboost

import (
	"encoding/binary"
	"math"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// ubj is a document in XGBoost's dialect of Universal Binary JSON (ubjson.org, draft 12): every
// value is a marker and its content. Numbers are big-endian. An array may begin with "$", the
// marker of all its elements, and "#", their number; with "#" there is no closing bracket. A key is
// its length, as a number, and its bytes.
type ubj struct {
	data []byte
	pos  int
}

// maxNesting bounds how deep values that are skipped may nest.
const maxNesting = 64

// IsUBJ reports whether data is UBJ, not JSON: the opening brace is followed by the marker of a
// length, in JSON by a quote or space.
func IsUBJ(data []byte) bool {
	if len(data) < 2 || data[0] != '{' {
		return false
	}
	switch data[1] {
	case 'L', 'l', 'I', 'i', 'U':
		return true
	}
	return false
}

func newUBJ(data []byte) document { return &ubj{data: data} }

func (u *ubj) format() string { return formatUBJ }

func (u *ubj) damaged(reason string, args ...any) error {
	return forest.Damaged(formatUBJ, reason, args...)
}

// take consumes n bytes.
func (u *ubj) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(u.data)-u.pos) {
		return nil, u.damaged("%d bytes are expected at offset %d, the file has %d", n, u.pos,
			len(u.data))
	}
	taken := u.data[u.pos : u.pos+int(n)]
	u.pos += int(n)
	return taken, nil
}

// marker consumes the marker of a value.
func (u *ubj) marker() (byte, error) {
	b, err := u.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// accept consumes the next byte if it is the given one.
func (u *ubj) accept(marker byte) bool {
	if u.pos < len(u.data) && u.data[u.pos] == marker {
		u.pos++
		return true
	}
	return false
}

// width returns the number of bytes of a value of fixed length, or -1.
func width(marker byte) int64 {
	switch marker {
	case 'Z', 'T', 'F', 'N':
		return 0
	case 'i', 'U', 'C':
		return 1
	case 'I':
		return 2
	case 'l', 'd':
		return 4
	case 'L', 'D':
		return 8
	}
	return -1
}

// number decodes a number or truth value; ok is false for another kind of value.
func number(marker byte, b []byte) (v float64, ok bool) {
	switch marker {
	case 'F':
		return 0, true
	case 'T':
		return 1, true
	case 'i':
		return float64(int8(b[0])), true
	case 'U':
		return float64(b[0]), true
	case 'I':
		return float64(int16(binary.BigEndian.Uint16(b))), true
	case 'l':
		return float64(int32(binary.BigEndian.Uint32(b))), true
	case 'L':
		return float64(int64(binary.BigEndian.Uint64(b))), true
	case 'd':
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b))), true
	case 'D':
		return math.Float64frombits(binary.BigEndian.Uint64(b)), true
	}
	return 0, false
}

// length consumes a number that says how many bytes or elements follow.
func (u *ubj) length() (int64, error) {
	marker, err := u.marker()
	if err != nil {
		return 0, err
	}
	b, err := u.take(max(width(marker), 0))
	if err != nil {
		return 0, err
	}
	v, ok := number(marker, b)
	if !ok || marker == 'd' || marker == 'D' || v < 0 || v > float64(len(u.data)) {
		return 0, u.damaged("no length at offset %d", u.pos)
	}
	return int64(v), nil
}

func (u *ubj) string() (string, error) {
	n, err := u.length()
	if err != nil {
		return "", err
	}
	b, err := u.take(n)
	return string(b), err
}

func (u *ubj) expect(marker byte) error {
	if !u.accept(marker) {
		return u.damaged("no %q at offset %d", marker, u.pos)
	}
	return nil
}

func (u *ubj) object(each func(key string) error) error {
	if err := u.expect('{'); err != nil {
		return err
	}
	for !u.accept('}') {
		key, err := u.string()
		if err != nil {
			return err
		}
		if err := each(key); err != nil {
			return err
		}
	}
	return nil
}

// opening consumes the beginning of an array: the marker of all elements, or 0, and how many there
// are, or -1.
func (u *ubj) opening() (marker byte, count int64, err error) {
	if err := u.expect('['); err != nil {
		return 0, 0, err
	}
	if u.accept('$') {
		if marker, err = u.marker(); err != nil {
			return 0, 0, err
		}
		if width(marker) <= 0 {
			return 0, 0, u.damaged("an array of elements %q at offset %d", marker, u.pos)
		}
		if err := u.expect('#'); err != nil {
			return 0, 0, err
		}
		count, err = u.length()
		return marker, count, err
	}
	if u.accept('#') {
		count, err = u.length()
		return 0, count, err
	}
	return 0, -1, nil
}

func (u *ubj) array(each func(i int) error) error {
	marker, count, err := u.opening()
	if err != nil {
		return err
	}
	if marker != 0 {
		return u.damaged("an array of numbers before offset %d where one of values was expected",
			u.pos)
	}
	for i := 0; int64(i) != count; i++ {
		if count < 0 && u.accept(']') {
			return nil
		}
		if err := each(i); err != nil {
			return err
		}
	}
	return nil
}

func (u *ubj) text() (string, error) {
	if err := u.expect('S'); err != nil {
		return "", err
	}
	return u.string()
}

func (u *ubj) integers() ([]int32, error) {
	return ubjNumbers(u, func(marker byte, b []byte) (int32, bool) {
		// XGBoost has features numbered in 32 bits without sign, and marks a missing parent by the
		// largest number.
		v, ok := number(marker, b)
		return int32(v), ok && v == math.Trunc(v) && v >= math.MinInt32 && v <= math.MaxInt32
	})
}

func (u *ubj) longs() ([]int64, error) {
	return ubjNumbers(u, func(marker byte, b []byte) (int64, bool) {
		if marker == 'L' { // more than a float64 holds
			return int64(binary.BigEndian.Uint64(b)), true
		}
		v, ok := number(marker, b)
		return int64(v), ok && forest.IsWhole(v)
	})
}

func (u *ubj) floats() ([]float32, error) {
	return ubjNumbers(u, func(marker byte, b []byte) (float32, bool) {
		v, ok := number(marker, b)
		return float32(v), ok
	})
}

// ubjNumbers reads an array of numbers, with a marker for all or one for each.
func ubjNumbers[T any](u *ubj, convert func(marker byte, b []byte) (T, bool)) (values []T,
	err error) {
	marker, count, err := u.opening()
	if err != nil {
		return nil, err
	}
	if marker != 0 {
		if count > int64(len(u.data)-u.pos)/width(marker) {
			return nil, u.damaged("%d elements at offset %d, the file has %d bytes", count, u.pos,
				len(u.data))
		}
		values = make([]T, 0, count)
	}
	for i := int64(0); i != count; i++ {
		if count < 0 && u.accept(']') {
			return values, nil
		}
		element := marker
		if marker == 0 {
			if element, err = u.marker(); err != nil {
				return nil, err
			}
		}
		b, err := u.take(max(width(element), 0))
		if err != nil {
			return nil, err
		}
		converted, fits := convert(element, b)
		if !fits {
			return nil, u.damaged("no number that fits before offset %d", u.pos)
		}
		values = append(values, converted)
	}
	return values, nil
}

func (u *ubj) skip() error { return u.skipNested(0) }

// skipNested skips a value.
func (u *ubj) skipNested(depth int) error {
	if depth > maxNesting {
		return u.damaged("values nest deeper than %d at offset %d", maxNesting, u.pos)
	}
	if u.pos >= len(u.data) {
		return u.damaged("the file ends at offset %d", u.pos)
	}
	switch u.data[u.pos] {
	case '{':
		return u.object(func(string) error { return u.skipNested(depth + 1) })
	case '[':
		return u.skipArray(depth)
	}
	marker, _ := u.marker()
	switch {
	case marker == 'S' || marker == 'H':
		_, err := u.string()
		return err
	case width(marker) >= 0:
		_, err := u.take(width(marker))
		return err
	}
	return u.damaged("an unknown value %q at offset %d", marker, u.pos-1)
}

func (u *ubj) skipArray(depth int) error {
	start := u.pos
	marker, count, err := u.opening()
	if err != nil {
		return err
	}
	if marker != 0 {
		_, err := u.take(width(marker) * count)
		return err
	}
	u.pos = start
	return u.array(func(int) error { return u.skipNested(depth + 1) })
}

func (u *ubj) finish() error {
	if u.pos != len(u.data) {
		return u.damaged("%d bytes follow the model", len(u.data)-u.pos)
	}
	return nil
}
