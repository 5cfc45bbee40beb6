package proxyhook_test

import (
	"archive/zip"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/proxyhook"
	"github.com/headgate/headgate/scorer"
)

// watched is a filter whose files of models are looked at when the test says so.
type watched struct {
	*proxyhook.Filter
	t             *testing.T
	h             *host
	told          syncBuffer
	model, shadow string
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	unsupervised(t)
	dir := t.TempDir()
	w := &watched{t: t, h: newHost(t), model: filepath.Join(dir, "model"), shadow: filepath.Join(dir, "shadow")}
	w.rename(w.model, testModel)
	w.Filter = w.h.filter(proxyhook.Config{ModelFile: w.model, ShadowFile: w.shadow, Log: slog.New(slog.NewTextHandler(&w.told, nil))})
	return w
}

// rename puts a file in place at once, as one should.
func (w *watched) rename(path, content string) {
	w.t.Helper()
	w.write(path+".new", content)
	must(w.t, os.Rename(path+".new", path))
}

// write writes in place. Each time the file gets another time: two writes within the system's tick
// would have the same.
func (w *watched) write(path, content string) {
	w.t.Helper()
	must(w.t, os.WriteFile(path, []byte(content), 0o600))
	clock = clock.Add(time.Second)
	must(w.t, os.Chtimes(path, clock, clock))
}

var clock = time.Now()

// look has the files looked at as often as it takes for one that has changed to be read, and then
// some.
func (w *watched) look() {
	for range 4 {
		proxyhook.LookAtFiles(w.Filter)
	}
}

// expect tells what a client of whom nothing is known is scored with, how many models were put in
// use and refused, and how often the log has complained.
func (w *watched) expect(what string, score uint8, replaced, refused uint64, complaints int) {
	w.t.Helper()
	s := w.Stats()
	if d := decide(w.Filter); d.Score != score || s.ModelsReplaced != replaced || s.ModelsRefused != refused || s.Faults != 0 {
		w.t.Errorf("%s: score %d, expected %d; %d replaced, %d refused, expected %d and %d; %d faults",
			what, d.Score, score, s.ModelsReplaced, s.ModelsRefused, replaced, refused, s.Faults)
	}
	if n := strings.Count(w.told.String(), "level=ERROR") + strings.Count(w.told.String(), "level=WARN"); n != complaints {
		w.t.Errorf("%s: %d complaints, expected %d:\n%s", what, n, complaints, w.told.String())
	}
}

func TestModelFileIsReplaced(t *testing.T) {
	w := newWatched(t)
	w.look()
	w.expect("unchanged", modelScore[0], 0, 0, 0)
	w.rename(w.model, constantModel(-2))
	w.look()
	w.expect("renamed over", constantScore(-2), 1, 0, 0)
	w.write(w.model, constantModel(-1))
	w.look()
	w.expect("written in place", constantScore(-1), 2, 0, 0)
	w.write(w.model, constantModel(-3)) // as many bytes
	w.look()
	w.expect("of the same size", constantScore(-3), 3, 0, 0)
	w.rename(w.model, turnedModel)
	w.look()
	w.expect("other inputs", turnedScoreOf[0], 4, 0, 0)
}

func TestModelFileIsRefused(t *testing.T) {
	w := newWatched(t)
	whole := randomModel(1, 50, []string{"request/query_length", "ip/requests_1m"})
	refused := 0
	for _, c := range []struct{ what, content, reason string }{
		{"empty", "", "starts with"},
		{"garbage", "\x00\x01garbage", "starts with"},
		{"cut in the middle", whole[:len(whole)/2], "catboost-json"},
		{"its last byte is missing", whole[:len(whole)-1], "catboost-json"},
		{"unknown feature", lateModel, `ip/of_the_future`},
	} {
		refused++
		w.rename(w.model, c.content)
		w.look()
		w.expect(c.what, modelScore[0], uint64(refused-1), uint64(refused), refused)
		if lines := strings.Split(strings.TrimSpace(w.told.String()), "\n"); !strings.Contains(lines[len(lines)-1], c.reason) {
			t.Errorf("%s: the log says %s", c.what, lines[len(lines)-1])
		}
		w.rename(w.model, testModel) // repaired
		w.look()
		w.expect(c.what+", repaired", modelScore[0], uint64(refused), uint64(refused), refused)
	}
}

// A file that is being written is not read.
func TestModelFileInTheMaking(t *testing.T) {
	w := newWatched(t)
	whole := constantModel(-2)
	for n := range len(whole) {
		w.write(w.model, whole[:n])
		proxyhook.LookAtFiles(w.Filter)
	}
	w.expect("being written", modelScore[0], 0, 0, 0)
	w.write(w.model, whole)
	w.look()
	w.expect("written", constantScore(-2), 1, 0, 0)
}

// A file without read permission is rejected until it gets it.
func TestModelFileWithoutPermission(t *testing.T) {
	w := newWatched(t)
	w.rename(w.model, constantModel(-1))
	must(t, os.Chmod(w.model, 0))
	asNobody(t, filepath.Dir(w.model), w.look)
	w.expect("unreadable", modelScore[0], 0, 1, 1)
	must(t, os.Chmod(w.model, 0o600))
	w.look()
	w.expect("readable", constantScore(-1), 1, 1, 1)
}

// asNobody calls f on a thread that may read no more than others may, also where the test is run by
// root. dir is a folder that it is to get at.
func asNobody(t *testing.T, dir string, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		must(t, os.Chmod(d, 0o755))
	}
	const nobody = 65534
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	must(t, syscall.Setfsuid(nobody))
	defer func() { must(t, syscall.Setfsuid(0)) }()
	f()
}

// A missing file, or one of another kind, does not end the active model.
func TestModelFileIsRemoved(t *testing.T) {
	w := newWatched(t)
	must(t, os.Remove(w.model))
	w.look()
	w.expect("removed", modelScore[0], 0, 0, 1)
	w.rename(w.model, constantModel(-1))
	w.look()
	w.expect("back", constantScore(-1), 1, 0, 1)
	must(t, os.Remove(w.model))
	must(t, os.Mkdir(w.model, 0o700))
	w.look()
	w.expect("a directory", constantScore(-1), 1, 1, 2)
	must(t, os.Remove(w.model))
	must(t, os.Symlink("target", w.model))
	w.look()
	w.expect("a link to nowhere", constantScore(-1), 1, 1, 3)
	w.rename(filepath.Join(filepath.Dir(w.model), "target"), testModel)
	w.look()
	w.expect("a link", modelScore[0], 2, 1, 3)
}

// A model that uses features that no daemon publishes yet is loaded once one does, without another
// log line about its rejection.
func TestModelFileAheadOfTheDaemon(t *testing.T) {
	w := newWatched(t)
	w.rename(w.model, lateModel)
	w.look()
	w.expect("too early", modelScore[0], 0, 1, 1)
	w.h.futureDaemon()
	proxyhook.Maintain(w.Filter)
	w.look()
	w.expect("published", lateScore, 1, 1, 1)
}

// The shadow's file may come and go without effect on decisions.
func TestShadowFile(t *testing.T) {
	w := newWatched(t)
	judged := func(what string, replaced, refused uint64, complaints int, model bool) {
		t.Helper()
		before := w.Stats().Shadow.Judged
		w.expect(what, modelScore[0], replaced, refused, complaints)
		if s := w.Stats().Shadow; s.Model != model || (s.Judged == before) == model {
			t.Errorf("%s: %+v", what, s)
		}
	}
	judged("none yet", 0, 0, 0, false)
	w.rename(w.shadow, constantModel(-1))
	w.look()
	judged("there", 1, 0, 0, true)
	w.rename(w.shadow, "garbage")
	w.look()
	judged("garbage: the one before goes on", 1, 1, 1, true)
	w.rename(w.shadow, turnedModel)
	w.look()
	judged("repaired", 2, 1, 1, true)
	must(t, os.Remove(w.shadow))
	w.look()
	judged("removed", 2, 1, 1, false)
	w.rename(w.shadow, turnedModel)
	w.look()
	judged("back", 3, 1, 1, true)
	must(t, os.Rename(w.shadow, w.model)) // it has done well
	w.look()
	if d, s := decide(w.Filter), w.Stats(); d.Score != turnedScoreOf[0] || s.Shadow.Model || s.ModelsReplaced != 4 || s.ModelsRefused != 1 {
		t.Errorf("in use: %+v, %+v", d, s)
	}
	if n := strings.Count(w.told.String(), "no shadow model was found"); n != 3 {
		t.Errorf("told %d times that there is none:\n%s", n, w.told.String())
	}
}

// An unusable shadow does not keep a filter from starting.
func TestShadowFileAtTheStart(t *testing.T) {
	unsupervised(t)
	for content, want := range map[string]proxyhook.Stats{
		"garbage":   {ModelsRefused: 1},
		lateModel:   {ModelsRefused: 1},
		turnedModel: {ModelsReplaced: 1, Shadow: proxyhook.ShadowStats{Model: true}},
	} {
		f := newFilter(t, proxyhook.Config{Dir: t.TempDir(), ShadowFile: writeModel(t, content)})
		if s := f.Stats(); s.ModelsRefused != want.ModelsRefused || s.ModelsReplaced != want.ModelsReplaced || s.Shadow.Model != want.Shadow.Model {
			t.Errorf("%.20s: %+v", content, s)
		}
		if d := decide(f); d != unknownClient {
			t.Errorf("%.20s: %+v", content, d)
		}
	}
}

// Both files are looked at without anybody asking.
func TestFilesAreWatched(t *testing.T) {
	model, shadow := writeModel(t, testModel), writeModel(t, testModel)
	f := newFilter(t, proxyhook.Config{Dir: t.TempDir(), ModelFile: model, ShadowFile: shadow,
		ShadowPolicy: proxyhook.Thresholds{DenyBelow: constantScore(-2)}})
	for _, path := range []string{model, shadow} {
		must(t, os.WriteFile(path+".new", []byte(constantModel(-2)), 0o600))
		must(t, os.Rename(path+".new", path))
	}
	await(t, "the model", func() bool { return decide(f).Score == constantScore(-2) })
	await(t, "the shadow", func() bool { return f.Stats().ModelsReplaced == 3 })
	if s := f.Stats(); s.Shadow.Action(proxyhook.Deny) != 0 || s.Shadow.Judged == 0 {
		t.Errorf("%+v", s.Shadow)
	}
}

// Of a model whose file names the best iterations the filter uses all with a warning, or those if
// it is asked to.
func TestIterationsOfTheModelFile(t *testing.T) {
	content := unzipped(t, "iterations.zip", "xgb-early.json")
	path := filepath.Join(t.TempDir(), "model.json")
	must(t, os.WriteFile(path, content, 0o600))
	for best, warnings := range map[bool]int{false: 1, true: 0} {
		var log syncBuffer
		f := newHost(t).filter(proxyhook.Config{ModelFile: path, Loader: scorer.Loader{Best: best}, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if n := strings.Count(log.String(), "early stopping found 9 of 19 iterations best"); n != warnings {
			t.Errorf("best iterations asked for: %v: %d warnings, expected %d:\n%s", best, n, warnings, log.String())
		}
		if d := decide(f); d.Score == 0 {
			t.Errorf("best iterations asked for: %v: no score", best)
		}
	}
}

// unzipped is a file of an archive of package scorer's test data.
func unzipped(t *testing.T, archive, name string) []byte {
	t.Helper()
	a, err := zip.OpenReader(filepath.Join("..", "scorer", "testdata", archive))
	must(t, err)
	defer a.Close()
	content, err := fs.ReadFile(a, name)
	must(t, err)
	return content
}
