package pipeline

import (
	"io"
	"sync/atomic"
)

// rowWriter formats and writes rows in its own goroutine, in order, batch by batch, while the next
// batch is being scored.
type rowWriter struct {
	out     io.Writer
	format  Format
	full    chan *batch
	free    chan *batch
	done    chan struct{}
	failing atomic.Bool
	err     error // read only after done
}

// batch is a number of records that owns the memory of their features.
type batch struct {
	records  []Record
	features []float32
	width    int
}

func newRowWriter(out io.Writer, format Format, features []string) *rowWriter {
	const batches = 4
	w := &rowWriter{
		out: out, format: format,
		full: make(chan *batch, batches), free: make(chan *batch, batches), done: make(chan struct{}),
	}
	for range batches {
		w.free <- &batch{records: make([]Record, 0, batchRows), features: make([]float32, batchRows*len(features)), width: len(features)}
	}
	go w.write(features)
	return w
}

// batch returns an empty batch; it waits if the writer is behind.
func (w *rowWriter) batch() *batch {
	b := <-w.free
	b.records = b.records[:0]
	return b
}

func (w *rowWriter) send(b *batch) { w.full <- b }

func (w *rowWriter) failed() bool { return w.failing.Load() }

// close waits until everything is written and returns the first write error.
func (w *rowWriter) close() error {
	close(w.full)
	<-w.done
	return w.err
}

func (w *rowWriter) write(features []string) {
	defer close(w.done)
	var buf []byte
	if w.out != nil {
		w.flush(w.format.AppendHeader(nil, features))
	}
	for b := range w.full {
		if w.out != nil && w.err == nil {
			buf = buf[:0]
			for i := range b.records {
				buf = w.format.AppendRow(buf, &b.records[i])
			}
			w.flush(buf)
		}
		w.free <- b
	}
}

func (w *rowWriter) flush(b []byte) {
	if _, err := w.out.Write(b); err != nil {
		w.err = err
		w.failing.Store(true)
	}
}

// next returns a record to fill.
func (b *batch) next() *Record {
	b.records = b.records[:len(b.records)+1]
	r := &b.records[len(b.records)-1]
	*r = Record{}
	return r
}

// drop removes the record that next returned last.
func (b *batch) drop() { b.records = b.records[:len(b.records)-1] }

// keep copies a row into the record that next returned last.
func (b *batch) keep(row *Row) {
	i := len(b.records) - 1
	features := b.features[i*b.width : (i+1)*b.width : (i+1)*b.width]
	copy(features, row.Features)
	b.records[i].Score, b.records[i].Finding, b.records[i].Features = row.Score, row.Finding, features
}
