package proxyhook

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/headgate/headgate/featurestore/traffic"
)

// callbacks guards the functions of a Config. If one of them panics, the request continues as if it
// had returned nothing. A policy's panic is caught where decisions are made, since it also sets the
// reason.
type callbacks struct {
	panics atomic.Uint64
	once   sync.Once // for the log
	log    *slog.Logger
}

// guard wraps the functions of a configuration.
func (c *callbacks) guard(config *Config) {
	config.Log = slog.New(&guardedLog{config.Log.Handler(), c})
	c.log = config.Log
	if tenant := config.Tenant; tenant != nil {
		config.Tenant = func(ev *traffic.Event) string {
			defer c.recover("Tenant")
			return tenant(ev)
		}
	}
	if longLived := config.LongLived; longLived != nil {
		config.LongLived = func(r *http.Request) bool {
			defer c.recover("LongLived")
			return longLived(r)
		}
	}
	if origin := config.Origin; origin != nil {
		config.Origin = func(r *http.Request) string {
			defer c.recover("Origin")
			return origin(r)
		}
	}
}

// recover must be deferred by callers of a function of the configuration. The first panic is
// logged.
func (c *callbacks) recover(name string) {
	fault := recover()
	if fault == nil {
		return
	}
	c.panics.Add(1)
	c.once.Do(func() {
		c.log.Error("headgate: a function of the configuration panicked; its requests continue", "function", name,
			"panic", fault, "stack", string(debug.Stack()))
	})
}

// guardedLog catches the panics of a log handler.
type guardedLog struct {
	slog.Handler
	callbacks *callbacks
}

func (l *guardedLog) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer l.recover()
	return l.Handler.Enabled(ctx, level)
}

func (l *guardedLog) Handle(ctx context.Context, record slog.Record) (err error) {
	defer l.recover()
	return l.Handler.Handle(ctx, record)
}

// WithAttrs and WithGroup return the unchanged handler if it panics.
func (l *guardedLog) WithAttrs(attrs []slog.Attr) (h slog.Handler) {
	h = l
	defer l.recover()
	return &guardedLog{l.Handler.WithAttrs(attrs), l.callbacks}
}

func (l *guardedLog) WithGroup(name string) (h slog.Handler) {
	h = l
	defer l.recover()
	return &guardedLog{l.Handler.WithGroup(name), l.callbacks}
}

// recover only counts: the log is what failed.
func (l *guardedLog) recover() {
	if recover() != nil {
		l.callbacks.panics.Add(1)
	}
}
