package main

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/headgate/headgate/models/corpus"
)

// sent is a request as it was on the wire.
type sent struct {
	method, target, host string
	pseudo               string
	priority             []uint32
	header               [][2]string
}

// tap is a captured connection that also notes what the client sends.
type tap struct {
	net.Conn
	opened time.Time
	hello  *corpus.Hello // written by the handshake

	mutex   sync.Mutex // guards all below
	parser  parser
	pending []sent // that no handler has taken yet
}

// maxPending is how many requests wait for a handler: those that the server refuses by itself get
// none.
const maxPending = 4096

type tapKey struct{}

// contextTap returns the connection that a request with this context came by.
func contextTap(ctx context.Context) *tap { return ctx.Value(tapKey{}).(*tap) }

// tapListener taps what it accepts.
type tapListener struct{ net.Listener }

func (l tapListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tap{Conn: c, opened: time.Now()}, nil
}

// NetConn returns the captured connection.
func (t *tap) NetConn() net.Conn { return t.Conn }

// Read reads what the client sent, and takes notes.
func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 {
		t.mutex.Lock()
		t.pending = append(t.pending, t.parser.write(b[:n])...)
		if over := len(t.pending) - maxPending; over > 0 {
			t.pending = slices.Delete(t.pending, 0, over)
		}
		t.mutex.Unlock()
	}
	return n, err
}

// take returns the first request with this method and target that no handler has taken.
func (t *tap) take(method, target string) (sent, bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	i := slices.IndexFunc(t.pending, func(s sent) bool { return s.method == method && s.target == target })
	if i < 0 {
		return sent{}, false
	}
	s := t.pending[i]
	t.pending = slices.Delete(t.pending, i, i+1)
	return s, true
}

// frames returns how the client set up HTTP/2.
func (t *tap) frames() []corpus.Frame {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Clone(t.parser.frames)
}
