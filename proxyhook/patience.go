package proxyhook

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// patience ends a wait for a client that lasts too long. A nil patience waits for ever. One
// goroutine waits between start and stop; nothing is done to the request outside of that, or after
// end.
type patience struct {
	limit time.Duration
	over  func(times int) (again bool) // called after each limit: ends or extends the wait

	mutex   sync.Mutex // guards the fields below, and is held while over runs
	timer   *time.Timer
	times   int // times that the timer fired in this wait
	waiting bool
	ended   bool
}

func (p *patience) start() {
	if p == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.ended {
		return
	}
	p.waiting, p.times = true, 0
	if p.timer == nil {
		p.timer = time.AfterFunc(p.limit, p.fire)
	} else {
		p.timer.Reset(p.limit)
	}
}

func (p *patience) stop() {
	if p == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.waiting = false
	if p.timer != nil {
		p.timer.Stop()
	}
}

// end is called before the handler returns: its response must not be touched any more.
func (p *patience) end() {
	if p == nil {
		return
	}
	p.stop()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.ended = true
}

func (p *patience) fire() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.times++; p.waiting && !p.ended && p.over(p.times) {
		p.timer.Reset(p.limit)
	}
}

// past is a deadline that ends a wait at once.
var past = time.Unix(1, 0)

// maxSlow is how many times ClientSilence a write may take if the connection is slow, not the
// stream.
const maxSlow = 10

// writePatience watches the writes to one stream of an HTTP/2 connection. The client decides how
// much it takes of each stream, which the kernel does not know. While written data waits in the
// kernel, the stream is not to blame yet: a [Listener] watches the connection.
func (f *Filter) writePatience(w http.ResponseWriter, r *http.Request) *patience {
	if f.config.ClientSilence <= 0 || r.ProtoMajor < 2 {
		return nil
	}
	at := addresses{remote: r.RemoteAddr}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		at.local = local.String()
	}
	return &patience{limit: f.config.ClientSilence, over: func(times int) bool {
		if times < maxSlow && at.blocked() {
			return true
		}
		f.counters.silentClients.Add(1)
		_ = http.NewResponseController(w).SetWriteDeadline(past)
		return false
	}}
}

// readPatience watches the reads of a request's body.
func (f *Filter) readPatience(w http.ResponseWriter, r *http.Request) *patience {
	if f.config.ClientSilence <= 0 || r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	return &patience{limit: f.config.ClientSilence, over: func(int) bool {
		f.counters.silentClients.Add(1)
		_ = http.NewResponseController(w).SetReadDeadline(past)
		return false
	}}
}

// awaitedBody is a request's body.
type awaitedBody struct {
	io.ReadCloser
	patience *patience
}

func (b *awaitedBody) Read(p []byte) (int, error) {
	b.patience.start()
	defer b.patience.stop()
	return b.ReadCloser.Read(p)
}
