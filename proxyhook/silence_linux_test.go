package proxyhook_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/headgate/headgate/proxyhook"
)

// trickle is a body that comes a byte at a time.
type trickle struct {
	left  int
	pause time.Duration
}

func (b *trickle) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	b.left--
	time.Sleep(b.pause)
	return copy(p, "x"), nil
}

func (b *trickle) Close() error { return nil }

// patient is a filter whose origins may be silent for as long.
func patient(t *testing.T, silence time.Duration, next http.RoundTripper) (*proxyhook.Filter, http.RoundTripper) {
	config := limited(10)
	config.OriginSilence = silence
	f := newHost(t).filter(config)
	return f, f.Transport(next)
}

// An upload that makes progress is not silence, however long it takes and whether or not the origin
// has begun to answer.
func TestFlowingUploadIsNoSilence(t *testing.T) {
	origin := func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		if r.URL.Path == "/early" {
			w.WriteHeader(200)
			http.NewResponseController(w).Flush()
		}
		n, err := io.Copy(io.Discard, r.Body)
		if n != 40 || err != nil {
			t.Errorf("the origin read %d bytes: %v", n, err)
		}
		io.WriteString(w, "all")
	}
	originsInside(t, origin, func(t *testing.T, url string, next http.RoundTripper) {
		f, transport := patient(t, 500*time.Millisecond, next)
		for _, path := range []string{"/", "/early"} {
			r, _ := http.NewRequest("POST", url+path, &trickle{40, 25 * time.Millisecond})
			response, err := transport.RoundTrip(r)
			must(t, err)
			body, err := io.ReadAll(response.Body)
			if string(body) != "all" || err != nil {
				t.Errorf("%s: %q, %v", path, body, err)
			}
			response.Body.Close()
		}
		released(t, f, 2)
	})
}

// A client that pauses in the middle of its upload is waited for, not its origin.
func TestPausingClientIsNoSilence(t *testing.T) {
	config := limited(10)
	config.OriginSilence = 400 * time.Millisecond
	inside(t, "a proxy", func(t *testing.T) {
		s := newSiteInside(t, config, false, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
		r, _ := http.NewRequest("POST", s.front.URL, &trickle{2, 600 * time.Millisecond})
		response, err := s.client.Do(r)
		must(t, err)
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != 200 || string(body) != "xx" {
			t.Errorf("%v %q", response.Status, body)
		}
	})
}

// Interim responses are signs of life.
func TestInterimResponsesAreNoSilence(t *testing.T) {
	origin := func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			time.Sleep(100 * time.Millisecond)
			w.WriteHeader(http.StatusProcessing)
		}
		io.WriteString(w, "done")
	}
	originsInside(t, origin, func(t *testing.T, url string, next http.RoundTripper) {
		f, transport := patient(t, 500*time.Millisecond, next)
		r, _ := http.NewRequest("GET", url, nil)
		response, err := transport.RoundTrip(r)
		must(t, err)
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		released(t, f, 1)
	})
}

// The error of a silent origin is a time-out, before the answer and in the middle of it.
func TestSilenceIsATimeout(t *testing.T) {
	origin := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/half" {
			io.WriteString(w, "half")
			http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}
	check := func(t *testing.T, what string, err error) {
		t.Helper()
		var timeout net.Error
		if !errors.Is(err, proxyhook.ErrOriginSilent) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s: %v", what, err)
		}
	}
	originsInside(t, origin, func(t *testing.T, url string, next http.RoundTripper) {
		f, transport := patient(t, 200*time.Millisecond, next)
		r, _ := http.NewRequest("GET", url, nil)
		_, err := transport.RoundTrip(r)
		check(t, "before the answer", err)
		r, _ = http.NewRequest("GET", url+"/half", nil)
		response, err := transport.RoundTrip(r)
		must(t, err)
		_, err = io.ReadAll(response.Body)
		check(t, "within the answer", err)
		released(t, f, 2)
	})
}

// An origin that does not read a body is silent.
func TestOriginThatDoesNotReadIsSilent(t *testing.T) {
	origin := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done(): // which HTTP/1.1 learns from the body alone
		}
	}
	originsInside(t, origin, func(t *testing.T, url string, next http.RoundTripper) {
		f, transport := patient(t, 100*time.Millisecond, next)
		r, _ := http.NewRequest("POST", url, io.LimitReader(zeros{}, 1<<40))
		if _, err := transport.RoundTrip(r); !errors.Is(err, proxyhook.ErrOriginSilent) {
			t.Errorf("%v", err)
		}
		released(t, f, 1)
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// An ErrorHandler can answer 504.
func TestErrorHandlerAnswersASilentOriginWith504(t *testing.T) {
	config := limited(10)
	config.OriginSilence = 50 * time.Millisecond
	s := newSite(t, config, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.proxy.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		status := http.StatusBadGateway
		if errors.Is(err, proxyhook.ErrOriginSilent) {
			status = http.StatusGatewayTimeout
		}
		w.WriteHeader(status)
	}
	if response, _ := get(t, s.front.URL); response.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("%v", response.Status)
	}
	s.end(t, 504, 0)
}
