package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// reporting detects proxy processes that cannot make a ring: they count their requests, but no
// daemon sees their events.
type reporting struct {
	since time.Time // when fewer started to report than count; zero: all report
}

// reportingGrace is how long a starting or ending proxy may count without a ring.
const reportingGrace = 5 * time.Second

// check compares the number of attached rings with the processes that count in the limits file.
func (r *reporting) check(rings int, processes uint64, now time.Time) error {
	if uint64(rings) >= processes {
		r.since = time.Time{}
		return nil
	}
	if r.since.IsZero() {
		r.since = now
	}
	if now.Sub(r.since) < reportingGrace {
		return nil
	}
	return fmt.Errorf("%d proxy processes count their requests, but only %d report events: the others cannot make a ring there "+
		"(their logs say why; see that the file system is not full and that they are in the directory's group)", processes, rings)
}

// readable adds what to do to the error of a ring that may not be opened.
func readable(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w (run the daemon as root, or as a member of the directory's group, and let no proxy change the permissions of its ring)", err)
	}
	return err
}
