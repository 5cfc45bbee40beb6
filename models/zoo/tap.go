package main

import (
	"context"
	"crypto/tls"
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

// tap is a connection that ends TLS itself and reads along what the client sends. The server above it sees a plain
// connection, and speaks HTTP/2 on it without having negotiated that.
type tap struct {
	net.Conn // the TLS connection once the handshake is done, else the one below
	raw      net.Conn
	config   func() *tls.Config
	ctx      context.Context // of the server's ConnContext; set before the first Read
	begin    sync.Once
	failed   error
	opened   time.Time
	hello    *corpus.Hello // written by the handshake

	mutex   sync.Mutex // guards all below
	parser  parser
	pending []sent // that no handler has taken yet
}

// maxPending is how many requests wait for a handler: those that the server refuses by itself get none.
const maxPending = 4096

type tapKey struct{}

// tapOf returns the connection that a request with this context came by.
func tapOf(ctx context.Context) *tap { return ctx.Value(tapKey{}).(*tap) }

// tapListener taps what it accepts.
type tapListener struct {
	net.Listener
	config func() *tls.Config
}

func (l tapListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tap{Conn: c, raw: c, config: l.config, opened: time.Now()}, nil
}

// handshakeTimeout bounds a client that connects and says nothing.
const handshakeTimeout = 10 * time.Second

func (t *tap) handshake() {
	ctx, cancel := context.WithTimeout(t.ctx, handshakeTimeout)
	defer cancel()
	c := tls.Server(t.raw, t.config())
	if t.failed = c.HandshakeContext(ctx); t.failed == nil {
		t.Conn = c
	}
}

// Read reads what the client sent, and takes notes.
func (t *tap) Read(b []byte) (int, error) {
	t.begin.Do(t.handshake)
	if t.failed != nil {
		return 0, t.failed
	}
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
