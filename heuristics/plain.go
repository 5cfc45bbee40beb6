package heuristics

// MaxText is how many bytes of a query, or of a header field, are searched.
const MaxText = 512

// text is a short text as an origin would understand it, in the caller's memory.
type text struct {
	bytes []byte // of MaxText
	size  int
}

func (t *text) plain() []byte { return t.bytes[:t.size] }

// set copies the beginning of s.
func (t *text) set(s string) { t.size = copy(t.bytes, s) }

// maxEscapes is how many times a text is decoded. Attacks target servers that decode twice; none
// decodes more often.
const maxEscapes = 3

// decode replaces escapes (%2e, %252e, %u002e and the overlong %c0%ae) by their bytes. Anything
// else stays.
func (t *text) decode() {
	for range maxEscapes {
		if !t.decodeOnce() {
			return
		}
	}
}

func (t *text) decodeOnce() (changed bool) {
	n := 0
	for i := 0; i < t.size; n++ {
		c, width := unescape(t.bytes[i:t.size])
		changed = changed || width > 1
		t.bytes[n] = c
		i += width
	}
	t.size = n
	return changed
}

// unescape returns the first byte of text, decoded, and the length of its escape.
func unescape(text []byte) (c byte, width int) {
	c = text[0]
	if c != '%' {
		return c, 1
	}
	if len(text) >= 6 && text[1]|0x20 == 'u' {
		high, ok1 := hexByte(text[2:])
		low, ok2 := hexByte(text[4:])
		if ok1 && ok2 && high == 0 {
			return low, 6
		}
	}
	c, ok := hexByte(text[1:])
	if !ok {
		return '%', 1
	}
	// An overlong form of an ASCII character. Its second byte is one that continues a character, or,
	// as old servers take it, a control character; any other byte stands for itself.
	if len(text) >= 6 && text[3] == '%' && (c == 0xc0 || c == 0xc1) {
		if second, ok := hexByte(text[4:]); ok && (second&0xc0 == 0x80 || second < ' ') {
			return c<<6 | second&0x3f, 6
		}
	}
	return c, 3
}

func hexByte(text []byte) (byte, bool) {
	if len(text) < 2 {
		return 0, false
	}
	high, ok1 := hexDigit(text[0])
	low, ok2 := hexDigit(text[1])
	return high<<4 | low, ok1 && ok2
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

// pathClasses are classes of the bytes of a path: letters, digits and - _ ~ are 0, slash and dot
// are special only after a slash.
var pathClasses = func() (classes [256]uint8) {
	for c := range 256 {
		switch c := byte(c); {
		case isLetterOrDigit(c), c == '-', c == '_', c == '~':
		case c == '/':
			classes[c] = joinByte | slashByte
		case c == '.':
			classes[c] = joinByte
		default:
			classes[c] = specialByte
		}
	}
	return classes
}()

const (
	specialByte = 1 << iota
	joinByte
	slashByte // one bit above joinByte
)

// isPlainPath reports whether a path is in its shortest form, except for a slash at its end, and
// has no byte that an attack needs. Nearly all paths are plain. It does not branch on the bytes,
// which no processor predicts.
func isPlainPath(path string) bool {
	if len(path) == 0 || path[0] != '/' {
		return false
	}
	odd, last := uint8(0), uint8(0)
	for i := range len(path) {
		class := pathClasses[path[i]]
		odd |= class&specialByte | last>>1&class&joinByte
		last = class
	}
	return odd == 0
}

// flatten replaces backslashes by slashes and removes empty and . segments, as servers do.
func (t *text) flatten() {
	n := 0
	for i := 0; i < t.size; i++ {
		c := t.bytes[i]
		if c == '\\' {
			c = '/'
		}
		if c == '/' && n > 0 && (t.bytes[n-1] == '/' ||
			t.bytes[n-1] == '.' && n > 1 && t.bytes[n-2] == '/') {
			n -= int('/' - t.bytes[n-1]) // a . segment goes, its slash stays
			continue
		}
		t.bytes[n] = c
		n++
	}
	t.size = n
}

// trim removes the slash at the end of a path.
func (t *text) trim() {
	if t.size > 1 && t.bytes[t.size-1] == '/' {
		t.size--
	}
}

// smooth replaces runs of blanks, plus signs, control characters and comments of SQL by one space,
// and backslashes by slashes.
func (t *text) smooth() {
	n := 0
	for i := 0; i < t.size; i++ {
		c := t.bytes[i]
		switch {
		case c == '\\':
			c = '/'
		case c == '+', c <= ' ':
			c = ' '
		case c == '/' && i+1 < t.size && t.bytes[i+1] == '*':
			i, c = commentEnd(t.bytes[:t.size], i+2), ' '
		// the end of a comment that MySQL executes
		case c == '*' && i+1 < t.size && t.bytes[i+1] == '/':
			i++
			c = ' '
		}
		if c == ' ' && n > 0 && t.bytes[n-1] == ' ' {
			continue
		}
		t.bytes[n] = c
		n++
	}
	t.size = n
}

// commentEnd returns the index of the last byte of a comment that begins before at. Of a comment
// that MySQL executes (/*!50000) only the head is one.
func commentEnd(text []byte, at int) int {
	if at < len(text) && text[at] == '!' {
		for at++; at < len(text) && '0' <= text[at] && text[at] <= '9'; at++ {
		}
		return at - 1
	}
	for ; at < len(text); at++ {
		if text[at] == '*' && at+1 < len(text) && text[at+1] == '/' {
			return at + 1
		}
	}
	return at
}
