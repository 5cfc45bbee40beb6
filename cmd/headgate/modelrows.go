package main

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/headgate/headgate/scorer"
)

// table reads a CSV file with a line of names. Errors name the file and the line.
type table struct {
	name   string
	file   io.Closer
	reader *csv.Reader
	record *boundedRecord
	header []string
}

// maxRecord bounds a row of a table, so that a file without line ends does not fill memory.
const maxRecord = 16 << 20

// boundedRecord is a reader that fails if a record needs more than a number of bytes.
type boundedRecord struct {
	io.Reader
	left int
}

// Read implements io.Reader.
func (b *boundedRecord) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a row has more than %d MiB; name a CSV file", maxRecord>>20)
	}
	n, err := b.Reader.Read(p)
	b.left -= n
	return n, err
}

func openRows(name string) (*os.File, int64, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("%s: there is no such file; name a CSV file, such as headgate replay --out writes", name)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory; name a CSV file", name)
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// newTable reads the names of the columns.
func newTable(name string, file io.ReadCloser) (*table, error) {
	buffered := bufio.NewReaderSize(file, 1<<16)
	var source io.Reader = buffered
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		source = unpacked
	}
	record := &boundedRecord{Reader: source}
	t := &table{name: name, file: file, reader: csv.NewReader(record), record: record}
	t.reader.ReuseRecord = true
	header, err := t.read()
	if err == io.EOF {
		return nil, fmt.Errorf("%s is empty; its first line must name the columns", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, column := range header {
		t.header = append(t.header, strings.TrimSpace(strings.TrimPrefix(column, "\ufeff")))
	}
	return t, nil
}

// read reads a record of bounded size.
func (t *table) read() ([]string, error) {
	t.record.left = maxRecord
	return t.reader.Read()
}

// next reads a line; the values are valid until the next call. It returns io.EOF at the end.
func (t *table) next() (values []string, line int, err error) {
	values, err = t.read()
	if err == io.EOF {
		return nil, 0, io.EOF
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", t.name, err)
	}
	line, _ = t.reader.FieldPos(0)
	return values, line, nil
}

// column returns the index of a column by name, or -1.
func (t *table) column(name string) int {
	for i, column := range t.header {
		if column == name {
			return i
		}
	}
	return -1
}

// modelRows reads the inputs of a model from a table. It finds columns by the names of the features
// and ignores others.
type modelRows struct {
	*table
	model   *scorer.Model
	columns []modelColumn // of each feature
	scratch *scorer.Scratch
	x       []float32
	line    int      // of the last row read
	values  []string // the columns of the last row read
}

// newModelRows returns an error if the table lacks a column that the model uses, or has two with
// its name.
func newModelRows(name string, file io.ReadCloser, m *scorer.Model, scratch *scorer.Scratch) (*modelRows, error) {
	t, err := newTable(name, file)
	if err != nil {
		return nil, err
	}
	r := &modelRows{table: t, model: m, scratch: scratch}
	if err := t.checkNames(m); err != nil {
		return nil, err
	}
	var missing []string
	for i, f := range m.Features() {
		column := t.column(f.Name)
		if column < 0 && f.Borders > 0 {
			missing = append(missing, f.Name)
		}
		r.columns = append(r.columns, newModelColumn(m, i, f, column))
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s has no column named %s, which the model uses (%d of its features are missing); the first line must name the columns as headgate model info does",
			name, missing[0], len(missing))
	}
	r.x = make([]float32, len(r.columns))
	return r, nil
}

// checkNames checks that each feature that the model uses has exactly one column of its name, and
// each such column one feature.
func (t *table) checkNames(m *scorer.Model) error {
	columns := map[string]int{}
	for _, name := range t.header {
		columns[name]++
	}
	for _, f := range m.Features() {
		if f.Borders == 0 {
			continue
		}
		if _, ok := m.FeatureIndex(f.Name); !ok {
			return fmt.Errorf("two features of the model are called %s, so that columns cannot be found by name; train it with unique names", f.Name)
		}
		if n := columns[f.Name]; n > 1 {
			return fmt.Errorf("%s has %d columns named %s, which the model uses; leave one", t.name, n, f.Name)
		}
	}
	return nil
}

// next reads a row: it returns the numbers and sets the texts in the row of the model. It returns
// io.EOF at the end.
func (r *modelRows) next() ([]float32, error) {
	values, line, err := r.table.next()
	if err != nil {
		return nil, err
	}
	r.line, r.values = line, values
	for i := range r.columns {
		c := &r.columns[i]
		if c.at < 0 {
			r.x[i] = float32(math.NaN())
			continue
		}
		if r.x[i], err = c.read(r.model, i, values[c.at], r.scratch); err != nil {
			return nil, fmt.Errorf("%s: line %d: column %s: %w", r.name, line, r.header[c.at], err)
		}
	}
	return r.x, nil
}

// input returns a feature's value in the last row, as in the file; empty if it has none.
func (r *modelRows) input(feature int) string {
	if at := r.columns[feature].at; at >= 0 {
		return r.values[at]
	}
	return ""
}

// close closes the file and warns of columns that may not mean what the user intends.
func (r *modelRows) close(notes io.Writer) {
	r.file.Close()
	for i := range r.columns {
		if c := &r.columns[i]; c.at >= 0 {
			c.note(notes, r.name, r.header[c.at])
		}
	}
}
