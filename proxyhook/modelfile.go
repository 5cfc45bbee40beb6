package proxyhook

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/headgate/headgate/scorer"
)

// openFiles begins to watch the files of models. file is the state of Config.ModelFile that was read; the shadow is read now.
func (f *Filter) openFiles(file os.FileInfo) {
	if f.config.ModelFile != "" {
		warn(f.config.Log, f.config.ModelFile, f.scoring().active)
		f.files = append(f.files, &modelFile{what: "model", path: f.config.ModelFile, loader: f.config.Loader, log: f.config.Log,
			use: f.useModel, done: f.counters.offered, read: file})
	}
	if f.config.ShadowFile != "" {
		shadow := &modelFile{what: "shadow model", path: f.config.ShadowFile, loader: f.config.Loader, log: f.config.Log,
			use: f.useShadow, done: f.counters.offered, end: func() { f.useShadow(nil) }}
		f.files = append(f.files, shadow)
		for range 2 {
			survived(shadow.look)
		}
	}
}

// watch looks after the files of models. It is not the supervisor's work: reading a large one takes longer than
// requests may wait for a look at the daemon's files.
func (f *Filter) watch() {
	tick := time.NewTicker(superviseEvery)
	defer tick.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-tick.C:
			f.lookAtModels()
		}
	}
}

func (f *Filter) lookAtModels() {
	for _, file := range f.files {
		f.attempt(file.look)
	}
}

// modelFile is a file whose model is put in use each time the file has changed. It belongs to one goroutine; the request
// path knows nothing of it.
type modelFile struct {
	what   string // for the log
	path   string
	loader scorer.Loader
	log    *slog.Logger
	use    func(*scorer.Model) error
	end    func()      // ends the use of a model whose file is removed; nil: it serves on
	done   func(error) // counts models that were put in use, and those refused

	read  os.FileInfo   // the state that was read last; nil: none
	seen  os.FileInfo   // the state at the last look
	unfit *scorer.Model // read, and did not fit: a daemon may come to publish its features, or a shadow that it contradicts end
	lost  string        // why the file could not be looked at, at the last look
}

// look puts the file's model in use if the file has changed since it was read, and has not since the last look: it
// may be in the making. A model that is refused is so once, until the file changes again.
func (w *modelFile) look() {
	info, err := os.Stat(w.path)
	if err != nil {
		w.missing(err)
		return
	}
	w.lost = ""
	switch {
	case same(info, w.read):
		w.again()
	case same(info, w.seen):
		w.load(info)
	}
	w.seen = info
}

func (w *modelFile) load(info os.FileInfo) {
	w.read, w.unfit = info, nil
	m, err := w.loader.LoadFile(w.path)
	if after, failed := os.Stat(w.path); failed != nil || !same(info, after) {
		w.read = nil // what was read is of no one state
		return
	}
	if err == nil {
		if err = w.use(m); errors.Is(err, scorer.ErrMismatch) {
			w.unfit = m
		}
	}
	w.report(m, err)
}

// again offers a model that did not fit, without a word where it still does not.
func (w *modelFile) again() {
	if w.unfit == nil {
		return
	}
	if m := w.unfit; w.use(m) == nil {
		w.unfit = nil
		w.report(m, nil)
	}
}

func (w *modelFile) report(m *scorer.Model, refused error) {
	w.done(refused)
	if refused != nil {
		w.log.Error("headgate: the "+w.what+" is refused, what was in use before stays", "path", w.path, "error", refused)
		return
	}
	w.log.Info("headgate: another "+w.what+" is in use", "path", w.path, "trees", m.Trees(), "features", len(m.Features()))
	warn(w.log, w.path, m)
}

// warn logs what a model's users should know of it.
func warn(log *slog.Logger, path string, m *scorer.Model) {
	for _, warning := range m.Warnings() {
		log.Warn("headgate: model", "path", path, "warning", warning)
	}
}

// missing tells once that the file cannot be looked at. Whatever comes to its place is new.
func (w *modelFile) missing(err error) {
	gone := errors.Is(err, fs.ErrNotExist)
	if w.end != nil && gone && w.read != nil {
		w.end()
	}
	if gone {
		w.read, w.seen, w.unfit = nil, nil, nil
	}
	if err.Error() == w.lost {
		return
	}
	w.lost = err.Error()
	if w.end != nil && gone {
		w.log.Info("headgate: there is no "+w.what, "path", w.path)
		return
	}
	w.log.Warn("headgate: the "+w.what+"'s file cannot be looked at, its model stays in use", "path", w.path, "error", err)
}

// same tells whether two looks saw the same state of the same file.
func same(a, b os.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode()
}
