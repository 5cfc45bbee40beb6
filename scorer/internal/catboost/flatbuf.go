package catboost

import (
	"encoding/binary"
	"fmt"
	"math"
)

// flatbuf reads an unverified FlatBuffers buffer. Every access is checked against the buffer; the
// first failure is kept in err, and later reads return zero or nothing. Values are copied, never
// cast, since nothing is aligned.
//
// Offsets may point anywhere, so several vectors may share bytes. copied counts what was copied
// out: honest files share nothing, and a file cannot make its reader copy more bytes than it has.
//
//	table   i32 distance back to the vtable, then the fields
//	vtable  u16 bytes of the vtable, u16 bytes of the table, u16 offset of each field (0: absent)
//	vector  u32 count, then the elements; a vector or table is referred to by a u32 distance forward
type flatbuf struct {
	data   []byte
	copied int
	err    error
}

func (b *flatbuf) fail(reason string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(reason, args...)
	}
}

// at returns n bytes at pos, or nil.
func (b *flatbuf) at(pos, n int) []byte {
	if b.err != nil {
		return nil
	}
	if pos < 0 || n < 0 || n > len(b.data) || pos > len(b.data)-n {
		b.fail("%d bytes at offset %d are outside of the %d bytes of the buffer", n, pos,
			len(b.data))
		return nil
	}
	return b.data[pos : pos+n]
}

// u16 reads 16-bit numbers, which only vtables have among what the reader needs.
func (b *flatbuf) u16(pos int) int {
	if p := b.at(pos, 2); p != nil {
		return int(binary.LittleEndian.Uint16(p))
	}
	return 0
}

func (b *flatbuf) u32(pos int) uint32 {
	if p := b.at(pos, 4); p != nil {
		return binary.LittleEndian.Uint32(p)
	}
	return 0
}

// follow returns the position that the reference at pos points to.
func (b *flatbuf) follow(pos int) int {
	// Distances are unsigned, so references only go forward and cannot form a cycle.
	distance := b.u32(pos)
	if distance == 0 || int64(distance) > int64(len(b.data)-pos) {
		b.fail("the reference at offset %d points outside of the buffer", pos)
		return 0
	}
	return pos + int(distance)
}

// table is a table of the buffer. The zero table has no fields.
type table struct {
	b      *flatbuf
	pos    int
	size   int // bytes of the table
	vtable []byte
}

// table opens the table at pos. Once its vtable and its extent are known to be inside of the
// buffer, field only has to keep within the extent. Tables share vtables, which may precede or
// follow them.
func (b *flatbuf) table(pos int) table {
	back := int64(int32(b.u32(pos)))
	at := int64(pos) - back
	if b.err != nil {
		return table{b: b}
	}
	if at < 0 || at >= int64(len(b.data)) {
		b.fail("the vtable of the table at offset %d is outside of the buffer", pos)
		return table{b: b}
	}
	length, size := b.u16(int(at)), b.u16(int(at)+2)
	if length < 4 || length%2 != 0 {
		b.fail("the vtable at offset %d has %d bytes", at, length)
	}
	vtable := b.at(int(at), length)
	b.at(pos, size)
	if b.err != nil {
		return table{b: b}
	}
	return table{b: b, pos: pos, size: size, vtable: vtable[4:]}
}

// field returns the position of a field of n bytes and whether the table has it.
func (t table) field(number, n int) (int, bool) {
	if 2*number+2 > len(t.vtable) || t.b.err != nil {
		return 0, false
	}
	offset := int(binary.LittleEndian.Uint16(t.vtable[2*number:]))
	if offset == 0 {
		return 0, false
	}
	if offset < 4 || offset+n > t.size {
		t.b.fail("field %d of the table at offset %d is outside of the table", number, t.pos)
		return 0, false
	}
	return t.pos + offset, true
}

func (t table) uint8(number int) uint8 {
	if pos, ok := t.field(number, 1); ok {
		return t.b.at(pos, 1)[0]
	}
	return 0
}

// int32 returns a field or, as for all scalars, the default of the schema, since writers omit
// values that equal it.
func (t table) int32(number int, absent int32) int32 {
	if pos, ok := t.field(number, 4); ok {
		return int32(t.b.u32(pos))
	}
	return absent
}

func (t table) float32(number int, absent float32) float32 {
	if pos, ok := t.field(number, 4); ok {
		return math.Float32frombits(t.b.u32(pos))
	}
	return absent
}

func (t table) float64(number int, absent float64) float64 {
	pos, ok := t.field(number, 8)
	if !ok {
		return absent
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(t.b.at(pos, 8)))
}

// child opens the table that a field refers to.
func (t table) child(number int) (table, bool) {
	pos, ok := t.field(number, 4)
	if !ok {
		return table{b: t.b}, false
	}
	child := t.b.table(t.b.follow(pos))
	return child, t.b.err == nil
}

// vector returns the bytes of a vector with elements of the given size; empty if the field is
// absent.
func (t table) vector(number, size int) []byte {
	pos, ok := t.field(number, 4)
	if !ok {
		return nil
	}
	return t.b.elements(t.b.follow(pos), size)
}

// elements returns the bytes of the vector at a position.
func (b *flatbuf) elements(at, size int) []byte {
	// 64 bits hold the product of any count and size, also where int has 32.
	count := int64(b.u32(at)) * int64(size)
	if b.err != nil {
		return nil
	}
	if count > int64(len(b.data)) {
		b.fail("the vector at offset %d has more elements than the buffer has bytes", at)
		return nil
	}
	b.copied += int(count)
	if b.copied > len(b.data) {
		b.fail("the vector at offset %d shares bytes with others", at)
		return nil
	}
	return b.at(at+4, int(count))
}

// length returns the number of elements of a vector; 0 if the field is absent.
func (t table) length(number int) int {
	if pos, ok := t.field(number, 4); ok {
		return int(t.b.u32(t.b.follow(pos)))
	}
	return 0
}

func (t table) string(number int) string { return string(t.vector(number, 1)) }

func (t table) int32s(number int) []int32 {
	raw := t.vector(number, 4)
	values := make([]int32, len(raw)/4)
	for i := range values {
		values[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return values
}

func (t table) float32s(number int) []float32 {
	raw := t.vector(number, 4)
	values := make([]float32, len(raw)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return values
}

func (t table) float64s(number int) []float64 {
	raw := t.vector(number, 8)
	values := make([]float64, len(raw)/8)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return values
}

// strings reads a vector of references to strings.
func (t table) strings(number int) []string {
	var all []string
	pos, ok := t.field(number, 4)
	if !ok {
		return nil
	}
	count := len(t.vector(number, 4)) / 4
	first := t.b.follow(pos) + 4
	for i := 0; i < count && t.b.err == nil; i++ {
		at := t.b.follow(first + 4*i)
		all = append(all, string(t.b.elements(at, 1)))
	}
	return all
}

// list opens each table of a vector of references in turn, until one cannot be read or each returns
// an error.
func (t table) list(number int, each func(i int, item table) error) error {
	pos, ok := t.field(number, 4)
	if !ok {
		return t.b.err
	}
	count := len(t.vector(number, 4)) / 4
	first := t.b.follow(pos) + 4
	for i := 0; i < count && t.b.err == nil; i++ {
		item := t.b.table(t.b.follow(first + 4*i))
		if t.b.err != nil {
			break
		}
		if err := each(i, item); err != nil {
			return err
		}
	}
	return t.b.err
}
