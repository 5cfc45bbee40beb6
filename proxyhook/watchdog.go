package proxyhook

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// errSilent is why a request ended whose origin sent nothing for too long.
var errSilent = errors.New("headgate: the origin was silent for too long")

// watchdog ends a request to an origin that is silent for too long. A nil one watches nothing.
type watchdog struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// watched gives a request that a watchdog can end, which has begun to watch it.
func watched(r *http.Request, limit time.Duration) (*http.Request, *watchdog) {
	ctx, cancel := context.WithCancelCause(r.Context())
	w := &watchdog{limit: limit, cancel: cancel}
	w.timer = time.AfterFunc(limit, func() { cancel(errSilent) })
	return r.WithContext(ctx), w
}

// start watches from now on.
func (w *watchdog) start() {
	if w != nil {
		w.timer.Reset(w.limit)
	}
}

// rest stops watching while it is not the origin that is waited for.
func (w *watchdog) rest() {
	if w != nil {
		w.timer.Stop()
	}
}

// end frees what the watchdog holds.
func (w *watchdog) end() {
	if w != nil {
		w.timer.Stop()
		w.cancel(nil)
	}
}
