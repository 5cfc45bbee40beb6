package proxyhook

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/headgate/headgate/scorer"
)

// openFiles starts to watch the models' files. file is the state of Config.ModelFile that was read;
// the shadow is read now.
func (f *Filter) openFiles(file os.FileInfo) {
	if f.config.ModelFile != "" {
		warn(f.config.Log, f.config.ModelFile, f.scoring().active)
		f.files = append(f.files, &modelFile{what: "model", path: f.config.ModelFile, loader: f.config.Loader, log: f.config.Log,
			use: f.useModel, count: f.counters.offered, read: file})
	}
	if f.config.ShadowFile != "" {
		shadow := &modelFile{what: "shadow model", path: f.config.ShadowFile, loader: f.config.Loader, log: f.config.Log,
			use: f.useShadow, count: f.counters.offered, remove: func() { f.useShadow(nil) }}
		f.files = append(f.files, shadow)
		for range 2 {
			survived(shadow.look)
		}
	}
}

// watch checks the models' files. The supervisor does not do it: reading a large model takes longer
// than requests may wait for a check of the daemon's files.
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

// modelFile is a file whose model is used each time the file has changed. It belongs to one
// goroutine; the request path does not know it.
type modelFile struct {
	what   string // for the log
	path   string
	loader scorer.Loader
	log    *slog.Logger
	use    func(*scorer.Model) error
	remove func()      // stops using a model whose file was removed; nil: the model stays active
	count  func(error) // counts models that were accepted or rejected

	read        os.FileInfo   // the state that was read last; nil: none
	seen        os.FileInfo   // the state at the last check
	unfit       *scorer.Model // why the file could not be checked last
	lastProblem string        // why the file could not be checked, at the last check
}

// look uses the file's model if the file has changed since it was read, but not since the last
// check, when it may have been incomplete. A rejected model is not tried again until the file
// changes.
func (w *modelFile) look() {
	info, err := os.Stat(w.path)
	if err != nil {
		w.missing(err)
		return
	}
	w.lastProblem = ""
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
		w.read = nil // the file changed while it was read
		return
	}
	if err == nil {
		if err = w.use(m); errors.Is(err, scorer.ErrMismatch) {
			w.unfit = m
		}
	}
	w.report(m, err)
}

// again offers a model that did not fit, and logs nothing if it still does not.
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
	w.count(refused)
	if refused != nil {
		w.log.Error("headgate: the "+w.what+" was rejected; the current one stays active", "path", w.path, "error", refused)
		return
	}
	w.log.Info("headgate: another "+w.what+" was loaded", "path", w.path, "trees", m.Trees(), "features", len(m.Features()))
	warn(w.log, w.path, m)
}

// warn logs the model's warnings.
func warn(log *slog.Logger, path string, m *scorer.Model) {
	for _, warning := range m.Warnings() {
		log.Warn("headgate: model", "path", path, "warning", warning)
	}
}

// missing logs once that the file cannot be checked. Any file that replaces it is new.
func (w *modelFile) missing(err error) {
	gone := errors.Is(err, fs.ErrNotExist)
	if w.remove != nil && gone && w.read != nil {
		w.remove()
	}
	if gone {
		w.read, w.seen, w.unfit = nil, nil, nil
	}
	if err.Error() == w.lastProblem {
		return
	}
	w.lastProblem = err.Error()
	if w.remove != nil && gone {
		w.log.Info("headgate: no "+w.what+" was found", "path", w.path)
		return
	}
	w.log.Warn("headgate: the "+w.what+"'s file could not be checked; its model stays active", "path", w.path, "error", err)
}

// same reports whether two checks saw the same state of the same file.
func same(a, b os.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode()
}
