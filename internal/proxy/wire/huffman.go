package wire

// codeLengths are the lengths of the codes of RFC 7541, appendix B, by symbol; the last is the end
// of the string. The code is canonical: codes of one length follow each other in the order of the
// symbols, so that the lengths define it.
var codeLengths = [257]uint8{
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
	28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
	6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
	5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
	13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
	7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
	15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
	6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
	20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
	24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
	22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
	26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
	19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
	20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
	26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
	30,
}

const endOfString = 256

// huffman holds the tables of a decoder that reads 8 bits at a time. The entry of a symbol is
// symbol<<8 and the number of its bits in this table; the entry of a longer code is deeper and the
// number of the next table.
var huffman = huffmanTables()

const deeper = 1 << 31

func huffmanTables() (tables [][256]uint32) {
	tables = make([][256]uint32, 1, 32)
	code, length := uint32(0), uint8(0)
	for want := uint8(1); want <= 30; want++ {
		for symbol, l := range codeLengths {
			if l != want {
				continue
			}
			code <<= want - length
			length = want
			tables = putCode(tables, uint32(symbol), code, length)
			code++
		}
	}
	return tables
}

func putCode(tables [][256]uint32, symbol, code uint32, length uint8) [][256]uint32 {
	at := 0
	for length > 8 {
		length -= 8
		step := byte(code >> length)
		if tables[at][step] == 0 {
			tables[at][step] = deeper | uint32(len(tables))
			tables = append(tables, [256]uint32{})
		}
		at = int(tables[at][step] &^ deeper)
	}
	first := byte(code << (8 - length))
	for i := range 1 << (8 - length) {
		tables[at][int(first)+i] = symbol<<8 | uint32(length)
	}
	return tables
}

// unhuffman calls add for each byte that src encodes, and reports whether src is sound.
func unhuffman(src []byte, t *text) bool {
	var pending uint64
	bits, at := uint8(0), uint32(0)
	for _, b := range src {
		pending, bits = pending<<8|uint64(b), bits+8
		for bits >= 8 {
			e := huffman[at][byte(pending>>(bits-8))]
			if e&deeper != 0 {
				at, bits = e&^deeper, bits-8
				continue
			}
			if e>>8 == endOfString {
				return false
			}
			t.add(byte(e >> 8))
			at, bits = 0, bits-uint8(e)
		}
	}
	for bits > 0 {
		e := huffman[at][byte(pending<<(8-bits))]
		if e&deeper != 0 || uint8(e) > bits || e>>8 == endOfString {
			break
		}
		t.add(byte(e >> 8))
		at, bits = 0, bits-uint8(e)
	}
	// The rest must be a prefix of the end's code, shorter than a byte.
	return at == 0 && pending&(1<<bits-1) == 1<<bits-1
}
