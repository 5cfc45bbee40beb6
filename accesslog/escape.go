package accesslog

import "bytes"

// unescape decodes the escapes of a field in place and returns the shortened slice. nginx writes
// \xHH; Apache also \" \\ \b \n \r \t \v. A backslash before any other character is kept.
func unescape(b []byte) []byte {
	first := bytes.IndexByte(b, '\\')
	if first < 0 {
		return b
	}
	out := b[:first] // never overtakes the read position: an escape only shrinks
	for i := first; i < len(b); {
		if b[i] != '\\' {
			out = append(out, b[i])
			i++
			continue
		}
		c, width := escape(b[i:])
		out = append(out, c)
		i += width
	}
	return out
}

// escape decodes the escape at the beginning of b and returns its width.
func escape(b []byte) (c byte, width int) {
	if len(b) < 2 {
		return '\\', 1
	}
	switch b[1] {
	case '"', '\\':
		return b[1], 2
	case 'b':
		return '\b', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'v':
		return '\v', 2
	case 'x':
		if len(b) >= 4 {
			high, okHigh := hexDigit(b[2])
			low, okLow := hexDigit(b[3])
			if okHigh && okLow {
				return high<<4 | low, 4
			}
		}
	}
	return '\\', 1
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}
