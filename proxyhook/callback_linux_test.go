package proxyhook_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/proxyhook"
)

// A panic in a function of the configuration costs a counter, and one line in the log, but no
// request.
func TestCallbacksThatPanic(t *testing.T) {
	var logged bytes.Buffer
	config := limited(1)
	config.LimitKey = []string{proxyhook.KeyTenant, proxyhook.KeyOrigin}
	config.Tenant = func(*traffic.Event) string { panic("tenant") }
	config.Log = slog.New(slog.NewTextHandler(&logged, nil))
	s := newSite(t, config, func(http.ResponseWriter, *http.Request) {})
	for range 3 {
		if response, _ := get(t, s.front.URL); response.StatusCode != 200 {
			t.Errorf("tenant: %s", response.Status)
		}
	}
	if st := s.filter.Stats(); st.Panics != 3 || st.Admitted != 3 {
		t.Errorf("tenant: %+v", st)
	}
	if n := strings.Count(logged.String(), "function=Tenant"); n != 1 {
		t.Errorf("logged %d times: %s", n, &logged)
	}

	config = limited(1)
	config.Origin = func(*http.Request) string { panic(http.ErrAbortHandler) }
	h := newHost(t)
	f := h.filter(config)
	front := serve(t, f.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	if response, _ := get(t, front.URL); response.StatusCode != 200 {
		t.Errorf("origin: %s", response.Status)
	}
	if ended(t, h, f, 1); f.Stats().Panics != 1 {
		t.Errorf("origin: %+v", f.Stats())
	}
}

// brokenLog panics wherever it can.
type brokenLog struct{}

func (brokenLog) Enabled(context.Context, slog.Level) bool  { return true }
func (brokenLog) Handle(context.Context, slog.Record) error { panic("handle") }
func (brokenLog) WithAttrs([]slog.Attr) slog.Handler        { panic("attrs") }
func (brokenLog) WithGroup(string) slog.Handler             { panic("group") }

// silentLog panics before that.
type silentLog struct{ brokenLog }

func (silentLog) Enabled(context.Context, slog.Level) bool { panic("enabled") }

func TestLogsThatPanic(t *testing.T) {
	for _, handler := range []slog.Handler{brokenLog{}, silentLog{}} {
		s := newSite(t, proxyhook.Config{
			Log:          slog.New(handler),
			Policy:       judge(func(*traffic.Event, uint8) proxyhook.Action { panic("policy") }),
			ShadowPolicy: judge(func(*traffic.Event, uint8) proxyhook.Action { panic("shadow") }),
		}, func(http.ResponseWriter, *http.Request) {})
		if response, _ := get(t, s.front.URL); response.StatusCode != 200 {
			t.Errorf("%T: %s", handler, response.Status)
		}
		if st := s.filter.Stats(); st.Panics == 0 || st.Reasons[proxyhook.PolicyFailed] != 1 {
			t.Errorf("%T: %+v", handler, st)
		}
	}
}
