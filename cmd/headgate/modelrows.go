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

// table reads a CSV file with a line of names; errors name the file and the line.
type table struct {
	name   string
	file   io.Closer
	reader *csv.Reader
	record *boundedRecord
	header []string
}

// maxRecord bounds a row of a table: a file without an end of line is not taken into memory.
const maxRecord = 16 << 20

// boundedRecord is a reader that fails where a record needs more than a number of bytes.
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

// next reads a line; the values are good until the next call. It returns io.EOF at the end.
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

// column finds a column by its name, or returns -1.
func (t *table) column(name string) int {
	for i, column := range t.header {
		if column == name {
			return i
		}
	}
	return -1
}

// modelRows are the inputs of a model from a table: columns are found by the names of the features, others are passed over.
type modelRows struct {
	*table
	model   *scorer.Model
	columns []modelColumn // of each feature
	row     *scorer.Row
	x       []float32
	line    int      // of the row that was read last
	values  []string // its columns, until the next is read
}

// newModelRows refuses a table without a column that the model looks at, or with two of its name.
func newModelRows(name string, file io.ReadCloser, m *scorer.Model, row *scorer.Row) (*modelRows, error) {
	t, err := newTable(name, file)
	if err != nil {
		return nil, err
	}
	r := &modelRows{table: t, model: m, row: row}
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
		return nil, fmt.Errorf("%s has no column named %s, which the model looks at (%d of its features are missing); the first line must name the columns as headgate model info does",
			name, missing[0], len(missing))
	}
	r.x = make([]float32, len(r.columns))
	return r, nil
}

// checkNames makes sure that a name leads from each feature that the model looks at to one column,
// and back.
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
			return fmt.Errorf("two features of the model are called %s, so that columns cannot be found by name; train it with names of their own", f.Name)
		}
		if n := columns[f.Name]; n > 1 {
			return fmt.Errorf("%s has %d columns named %s, which the model looks at; leave one", t.name, n, f.Name)
		}
	}
	return nil
}

// next reads a row: numbers into the slice that it returns, texts into the row of the model. It returns io.EOF at the end.
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
		if r.x[i], err = c.read(r.model, i, values[c.at], r.row); err != nil {
			return nil, fmt.Errorf("%s: line %d: column %s: %w", r.name, line, r.header[c.at], err)
		}
	}
	return r.x, nil
}

// input is the value of a feature in the row that was read last, as the file has it; empty if it has none.
func (r *modelRows) input(feature int) string {
	if at := r.columns[feature].at; at >= 0 {
		return r.values[at]
	}
	return ""
}

// close closes the file, and tells of columns what may not be meant.
func (r *modelRows) close(notes io.Writer) {
	r.file.Close()
	for i := range r.columns {
		if c := &r.columns[i]; c.at >= 0 {
			c.note(notes, r.name, r.header[c.at])
		}
	}
}
