package xgboost

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// jsonDocument is a document in XGBoost's JSON, which may have NaN and Infinity as numbers.
// encoding/json refuses those.
type jsonDocument struct {
	data []byte
	pos  int
}

func newJSONDocument(data []byte) document { return &jsonDocument{data: data} }

func (d *jsonDocument) format() string { return formatJSON }

func (d *jsonDocument) damaged(reason string, args ...any) error {
	return forest.Damaged(formatJSON, reason, args...)
}

// next returns the byte that the next token begins with, 0 at the end.
func (d *jsonDocument) next() byte {
	for ; d.pos < len(d.data); d.pos++ {
		switch c := d.data[d.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// accept consumes a punctuation mark if it comes next.
func (d *jsonDocument) accept(mark byte) bool {
	if d.next() != mark {
		return false
	}
	d.pos++
	return true
}

func (d *jsonDocument) expect(mark byte) error {
	if !d.accept(mark) {
		return d.damaged("no %q at offset %d", mark, d.pos)
	}
	return nil
}

func (d *jsonDocument) object(each func(key string) error) error {
	return d.list('{', '}', func(int) error {
		key, err := d.text()
		if err != nil {
			return err
		}
		if err := d.expect(':'); err != nil {
			return err
		}
		return each(key)
	})
}

func (d *jsonDocument) array(each func(i int) error) error { return d.list('[', ']', each) }

// list reads elements between two marks, separated by commas.
func (d *jsonDocument) list(from, to byte, each func(i int) error) error {
	if err := d.expect(from); err != nil {
		return err
	}
	if d.accept(to) {
		return nil
	}
	for i := 0; ; i++ {
		if err := each(i); err != nil {
			return err
		}
		if d.accept(to) {
			return nil
		}
		if err := d.expect(','); err != nil {
			return err
		}
	}
}

// text parses a string; encoding/json resolves the escapes.
func (d *jsonDocument) text() (string, error) {
	if !d.accept('"') {
		return "", d.damaged("no text at offset %d", d.pos)
	}
	start := d.pos - 1
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case '\\':
			d.pos++
		case '"':
			d.pos++
			var text string
			if err := json.Unmarshal(d.data[start:d.pos], &text); err != nil {
				return "", &forest.FormatError{Format: formatJSON, Reason: "text at offset " +
					strconv.Itoa(start), Err: err}
			}
			return text, nil
		}
		d.pos++
	}
	return "", d.damaged("the text at offset %d does not end", start)
}

// word consumes a number or a name up to the next mark.
func (d *jsonDocument) word() string {
	d.next()
	rest := d.data[d.pos:]
	if end := bytes.IndexAny(rest, " \t\r\n,:]}[{\""); end >= 0 {
		rest = rest[:end]
	}
	d.pos += len(rest)
	return string(rest)
}

func (d *jsonDocument) integers() ([]int32, error) { return jsonIntegers[int32](d, 32) }

func (d *jsonDocument) longs() ([]int64, error) { return jsonIntegers[int64](d, 64) }

// jsonIntegers reads an array of integers that fit into the given number of bits.
func jsonIntegers[T int32 | int64](d *jsonDocument, bits int) (values []T, err error) {
	err = d.array(func(int) error {
		word := d.word()
		switch word {
		case "true":
			word = "1"
		case "false":
			word = "0"
		}
		v, err := strconv.ParseInt(word, 10, bits)
		if err != nil {
			return d.damaged("%q before offset %d, expected an integer of %d bits",
				forest.Clipped(word), d.pos, bits)
		}
		values = append(values, T(v))
		return nil
	})
	return values, err
}

func (d *jsonDocument) floats() (values []float32, err error) {
	err = d.array(func(int) error {
		word := d.word()
		v, err := strconv.ParseFloat(word, 32)
		if err != nil {
			return d.damaged("%q before offset %d, expected a number that float32 holds",
				forest.Clipped(word), d.pos)
		}
		values = append(values, float32(v))
		return nil
	})
	return values, err
}

func (d *jsonDocument) skip() error { return d.skipNested(0) }

// skipNested skips a value.
func (d *jsonDocument) skipNested(depth int) error {
	if depth > maxNesting {
		return d.damaged("values nest deeper than %d at offset %d", maxNesting, d.pos)
	}
	switch d.next() {
	case '{':
		return d.object(func(string) error { return d.skipNested(depth + 1) })
	case '[':
		return d.array(func(int) error { return d.skipNested(depth + 1) })
	case '"':
		_, err := d.text()
		return err
	}
	word := d.word()
	switch word {
	case "null", "true", "false":
		return nil
	}
	if _, err := strconv.ParseFloat(word, 64); err != nil {
		return d.damaged("%q before offset %d, expected a value", forest.Clipped(word), d.pos)
	}
	return nil
}

func (d *jsonDocument) finish() error {
	if d.next() != 0 || d.pos < len(d.data) {
		return d.damaged("something follows the model at offset %d", d.pos)
	}
	return nil
}
