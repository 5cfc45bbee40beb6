package proxyhook

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/hostdir"
)

// home finds the daemon's directory again and again, for the supervisor alone: a daemon may make it, in either of the
// default places, long after the proxy was started.
type home struct {
	place     hostdir.Place
	log       *slog.Logger
	dir       hostdir.Dir // the one in use, once there was one
	checked   os.FileInfo // of dir when it was last found trusted; nil: it is not
	checkedAt time.Time
	told      string // the last trouble that was logged
	untrusted atomic.Uint64
}

// recheckAfter is how long a directory that has not changed itself is taken for as trusted as it was. Only those who are
// trusted can change what is above it; and whatever is opened in it has its owner checked anyway.
const recheckAfter = 10 * time.Second

// find returns the directory to use. It is not ok where there is none, or one that somebody who is not trusted owns or
// could exchange: nothing in it is opened then, since whoever writes there decides what this process refuses. What is
// mapped already stays in use.
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
		h.dir, h.told = dir, ""
		h.checked, _ = os.Stat(string(dir))
		h.checkedAt = time.Now()
		return dir, true
	case errors.Is(err, fs.ErrNotExist):
		h.told = ""
	case errors.As(err, &untrusted):
		h.untrusted.Add(1)
		h.tell(err, "nothing in it is used; remove it, or name its owner in Config.DirOwner")
	default:
		h.tell(err, "let this process's user enter it")
	}
	return dir, false
}

// unchanged reports whether dir is what it was when it was found trusted, not long ago: nothing was made or renamed in it.
func (h *home) unchanged() bool {
	if h.checked == nil || time.Since(h.checkedAt) > recheckAfter {
		return false
	}
	info, err := os.Stat(string(h.dir))
	return err == nil && os.SameFile(info, h.checked) && info.Mode() == h.checked.Mode() && info.ModTime().Equal(h.checked.ModTime())
}

// tell logs trouble once, not every second.
func (h *home) tell(err error, remedy string) {
	if err.Error() != h.told {
		h.told = err.Error()
		h.log.Warn("headgate: the daemon's directory cannot be used, deciding without it", "error", err, "remedy", remedy)
	}
}
