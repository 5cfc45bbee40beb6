package mmapsync

import "github.com/headgate/headgate/internal/base/mmap"

// View calls fn with the current snapshot, which is what readers see, and returns fn's error. It
// takes no slot: only the Writer itself could change the file, and does not until View returns. fn
// must neither write to content, nor keep it, nor call the Writer. View returns [ErrNotPublished]
// before the first publication, and a [*FormatError] if the file was truncated.
func (w *Writer) View(fn func(content []byte) error) (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == nil {
		return ErrClosed
	}
	content := w.current()
	if content == nil {
		return ErrNotPublished
	}
	if !mmap.Intact(func() { err = fn(content) }) {
		return explain(w.paths, w.paths.data(w.version.Index()), errTruncated)
	}
	return err
}

// current returns the content of the current snapshot, nil if there is none.
func (w *Writer) current() []byte {
	active, size := w.data[w.version.Index()], w.version.Size()
	if w.version == 0 || active == nil { // or it was damaged, and making the files again has failed
		return nil
	}
	return active.memory[:size:size]
}
