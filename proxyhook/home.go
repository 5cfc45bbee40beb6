package proxyhook

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/host/hostdir"
)

// home finds the daemon's directory repeatedly, for the supervisor: a daemon may make it, in either
// of the default locations, long after the proxy was started.
type home struct {
	place       hostdir.Place
	log         *slog.Logger
	dir         hostdir.Dir // the one in use, once there was one
	checked     os.FileInfo // of dir when it was last found trusted; nil: not trusted
	checkedAt   time.Time
	lastProblem string // last problem logged
	untrusted   atomic.Uint64
}

// recheckAfter is how long an unchanged directory counts as trusted. Only trusted users can change
// the directories above it, and the owner of every file is checked when it is opened.
const recheckAfter = 10 * time.Second

// find returns the directory to use. ok is false if there is none, or if a user who is not trusted
// owns it or could replace it: nothing in it is opened then, since its files decide what this
// process refuses. Mapped files stay in use.
func (h *home) find() (dir hostdir.Dir, ok bool) {
	if h.unchanged() {
		return h.dir, true
	}
	h.checked = nil
	dir, err := h.place.Find()
	if err == nil && h.dir != "" && dir != h.dir && !dir.Marked() {
		dir, err = h.dir, fs.ErrNotExist // no daemon has moved there
	}
	var untrusted *hostdir.UntrustedError
	switch {
	case err == nil:
		h.dir, h.lastProblem = dir, ""
		h.checked, _ = os.Stat(string(dir))
		h.checkedAt = time.Now()
		return dir, true
	case errors.Is(err, fs.ErrNotExist):
		h.lastProblem = ""
	case errors.As(err, &untrusted):
		h.untrusted.Add(1)
		h.logProblem(err, "nothing in it is used; remove it, or name its owner in Config.DirOwner")
	default:
		h.logProblem(err, "let this process's user enter it")
	}
	return dir, false
}

// unchanged reports whether dir is the same as when it was found trusted, and that recently:
// nothing was made or renamed in it.
func (h *home) unchanged() bool {
	if h.checked == nil || time.Since(h.checkedAt) > recheckAfter {
		return false
	}
	info, err := os.Stat(string(h.dir))
	return err == nil && os.SameFile(info, h.checked) && info.Mode() == h.checked.Mode() && info.ModTime().Equal(h.checked.ModTime())
}

// logProblem logs a problem once, not every second.
func (h *home) logProblem(err error, remedy string) {
	if err.Error() != h.lastProblem {
		h.lastProblem = err.Error()
		h.log.Warn("headgate: the daemon's directory was unusable; decisions go on without it", "error", err, "remedy", remedy)
	}
}
