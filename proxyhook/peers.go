package proxyhook

import (
	"cmp"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"weak"

	"github.com/headgate/headgate/internal/base/socket"
)

// Peers configures when to end a TCP connection whose other side is gone without having closed it,
// or takes nothing, so that it does not hold a ticket for ever. The duration of a request does not
// matter. The zero value has the defaults.
type Peers struct {
	// Gone is how long the other side may be silent while TCP expects an answer: to sent data
	// (TCP_USER_TIMEOUT), or to keep-alive probes while nothing is sent. TCP_USER_TIMEOUT also ends
	// a connection whose other side is alive but has had no room for a byte for that long. In whole
	// seconds. Default: 30 s.
	Gone time.Duration

	// Stall ends a connection of a Listener whose client has confirmed fewer than Pace bytes a
	// second for this long, while there was always more to send. That is noticed within a sixth
	// more. Negative: never. Default: 30 s.
	Stall time.Duration

	// Pace is in bytes a second. Default: 1024.
	Pace int
}

// Defaults of [Peers].
const (
	DefaultGone  = 30 * time.Second
	DefaultStall = 30 * time.Second
	DefaultPace  = 1024
)

// Listen listens for TCP connections with the defaults of [Peers].
func Listen(network, address string) (*Listener, error) { return Peers{}.Listen(network, address) }

// Dialer returns a dialer for connections to origins with the defaults of [Peers].
func Dialer() *net.Dialer { return Peers{}.Dialer() }

// Listen listens for TCP connections.
func (p Peers) Listen(network, address string) (*Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return p.Guard(l), nil
}

// Guard is [Peers.Listen] for a listener that is open already, for instance by systemd. It watches
// connections of type *net.TCPConn. Put a TLS listener around it, not inside.
func (p Peers) Guard(l net.Listener) *Listener {
	guarded := &Listener{Listener: l, peers: p.withDefaults(), conns: make(map[weak.Pointer[net.TCPConn]]*drain), closed: make(chan struct{})}
	if guarded.peers.Stall > 0 {
		go guarded.watch()
	}
	return guarded
}

// Dialer returns a dialer for connections to origins: http.Transport{DialContext:
// p.Dialer().DialContext}. It ignores Stall and Pace. Gone is also the timeout for connecting.
func (p Peers) Dialer() *net.Dialer {
	p = p.withDefaults()
	return &net.Dialer{
		Timeout:         p.Gone,
		KeepAliveConfig: p.keepAlive(),
		ControlContext: func(_ context.Context, _, _ string, raw syscall.RawConn) error {
			return socket.Control(raw, p.Gone)
		},
	}
}

func (p Peers) withDefaults() Peers {
	return Peers{
		Gone:  max(time.Second, cmp.Or(p.Gone, DefaultGone).Round(time.Second)),
		Stall: cmp.Or(p.Stall, DefaultStall),
		Pace:  cmp.Or(p.Pace, DefaultPace),
	}
}

// keepAlive returns probes of which the last one is sent before Gone is over. The kernel then ends
// the connection at Gone, by TCP_USER_TIMEOUT or, without that, after that many probes.
func (p Peers) keepAlive() net.KeepAliveConfig {
	idle := max(time.Second, (p.Gone / 2).Truncate(time.Second))
	interval := max(time.Second, ((p.Gone - idle) / 3).Truncate(time.Second))
	return net.KeepAliveConfig{Enable: true, Idle: idle, Interval: interval, Count: max(1, int((p.Gone-idle)/interval))}
}

// Listener accepts connections that end when the other side is gone or takes nothing: see [Peers].
// They are *net.TCPConn of package net.
type Listener struct {
	net.Listener
	peers   Peers
	stalled atomic.Uint64

	closing sync.Once
	closed  chan struct{}

	mutex sync.Mutex
	conns map[weak.Pointer[net.TCPConn]]*drain // open at the last check, or accepted since
}

// ListenerStats holds the counts of a Listener.
type ListenerStats struct {
	Open    int    // connections, as of the last check
	Stalled uint64 // connections that were ended because their client took too little
}

// looks is the number of checks of a connection during Stall.
const looks = 6

// drain is the progress of a connection at the last checks.
type drain struct {
	at    addresses
	busy  int               // successive checks at which there was something to send
	acked [looks + 1]uint64 // of check number n at n % len
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		// A connection that has been reset by now cannot be configured, and need not be.
		_ = tcp.SetKeepAliveConfig(l.peers.keepAlive())
		_ = socket.SetUserTimeout(tcp, l.peers.Gone)
		if l.peers.Stall > 0 {
			l.add(tcp)
		}
	}
	return conn, err
}

// accepted holds the connections of all listeners by their addresses, since a Handler knows only
// these.
var accepted sync.Map // of weak.Pointer[net.TCPConn], by addresses

type addresses struct{ local, remote string }

func (l *Listener) add(c *net.TCPConn) {
	pointer, at := weak.Make(c), addresses{c.LocalAddr().String(), c.RemoteAddr().String()}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.conns[pointer] = &drain{at: at}
	accepted.Store(at, pointer)
}

// forget must be called with the mutex held.
func (l *Listener) forget(pointer weak.Pointer[net.TCPConn]) {
	accepted.CompareAndDelete(l.conns[pointer].at, pointer)
	delete(l.conns, pointer)
}

// blocked reports whether written data of a connection is known to wait in the kernel.
func (at addresses) blocked() bool {
	pointer, ok := accepted.Load(at)
	if !ok {
		return false
	}
	conn := pointer.(weak.Pointer[net.TCPConn]).Value()
	if conn == nil {
		return false
	}
	p, err := socket.ReadProgress(conn)
	return err == nil && p.Unsent
}

// Close stops listening. Open connections are watched until they end.
func (l *Listener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Stats returns the counts.
func (l *Listener) Stats() ListenerStats {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return ListenerStats{Open: len(l.conns), Stalled: l.stalled.Load()}
}

// watch checks all connections until the listener and its last connection are closed.
func (l *Listener) watch() {
	tick := time.NewTicker(max(l.peers.Stall/looks, time.Millisecond))
	defer tick.Stop()
	for {
		<-tick.C
		open := l.look()
		select {
		case <-l.closed:
			if open == 0 {
				return
			}
		default:
		}
	}
}

// look ends stalled connections, and forgets those that are closed or garbage.
func (l *Listener) look() (open int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for pointer, d := range l.conns {
		conn := pointer.Value()
		if conn == nil {
			l.forget(pointer)
			continue
		}
		p, err := socket.ReadProgress(conn)
		if err != nil {
			l.forget(pointer)
			continue
		}
		if d.stalls(p, uint64(l.peers.Stall.Seconds()*float64(l.peers.Pace))) {
			l.forget(pointer)
			l.stalled.Add(1)
			_ = conn.SetLinger(0) // data that it has not taken is dropped
			conn.Close()
		}
	}
	return len(l.conns)
}

// stalls records a check, and reports whether less than need was confirmed in the last ones.
func (d *drain) stalls(p socket.Progress, need uint64) bool {
	if !p.Unsent {
		d.busy = 0
		return false
	}
	now := d.busy % len(d.acked)
	d.acked[now] = p.Acked
	d.busy++
	return d.busy > looks && p.Acked-d.acked[(now+1)%len(d.acked)] < need
}
