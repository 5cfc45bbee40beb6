package proxyhook

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"time"
)

// exchange tracks whom a request waits for: the client while a part of its body is read from it,
// otherwise the origin, until the first byte of its answer. With a limit it ends a request to an
// origin that is silent for too long. A nil exchange tracks nothing.
type exchange struct {
	limit  time.Duration // 0: unlimited
	cancel context.CancelCauseFunc

	mutex      sync.Mutex // guards the fields below
	timer      *time.Timer
	waiting    bool      // for the origin: its answer, or more of the answer's body
	reading    int       // reads of the request's body that have not returned
	bodyFailed bool      // the client's body could not be read
	silent     bool      // the origin was silent for too long
	sentAt     time.Time // when the origin had all of the request so far
	answeredAt time.Time // first byte of the answer; zero: none yet
}

// follow starts an exchange for a request to its origin, and returns the request to send instead.
func follow(r *http.Request, silence time.Duration) (*http.Request, *exchange) {
	x := &exchange{limit: silence, waiting: true, sentAt: time.Now()}
	ctx := r.Context()
	if silence > 0 {
		ctx, x.cancel = context.WithCancelCause(ctx)
		x.mutex.Lock()
		x.timer = time.AfterFunc(silence, x.expire)
		x.mutex.Unlock()
	}
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest:         x.wroteRequest,
		Got1xxResponse:       x.gotInterim,
		GotFirstResponseByte: x.answer,
	}))
	x.followBody(r)
	return r, x
}

// followBody makes the exchange notice when r's body, if any, is awaited from the client. r belongs
// to the exchange.
func (x *exchange) followBody(r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	r.Body = &sentBody{r.Body, x}
	if again := r.GetBody; again != nil {
		r.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil || body == http.NoBody {
				return body, err
			}
			return &sentBody{body, x}, nil
		}
	}
}

// sentBody is the body of a request on its way to the origin.
type sentBody struct {
	io.ReadCloser
	exchange *exchange
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.exchange.awaitClient()
	n, err := b.ReadCloser.Read(p)
	b.exchange.gotFromClient(err)
	return n, err
}

func (x *exchange) awaitClient() {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	x.reading++
	x.wind()
}

func (x *exchange) gotFromClient(err error) {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	x.reading--
	x.bodyFailed = x.bodyFailed || err != nil && err != io.EOF
	x.sentAt = time.Now()
	x.wind()
}

func (x *exchange) wroteRequest(info httptrace.WroteRequestInfo) {
	if info.Err == nil {
		x.mutex.Lock()
		defer x.mutex.Unlock()
		x.sentAt = time.Now()
		x.wind()
	}
}

// gotInterim is called for an interim response (1xx): the origin is alive, but the first byte was
// not that of its answer.
func (x *exchange) gotInterim(int, textproto.MIMEHeader) error {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	x.answeredAt = time.Time{}
	x.wind()
	return nil
}

// answer is called at the first byte of an answer, and again later.
func (x *exchange) answer() {
	if x == nil {
		return
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if x.answeredAt.IsZero() {
		x.answeredAt = time.Now()
	}
}

// await starts to watch for the origin's silence.
func (x *exchange) await() { x.wait(true) }

// rest stops watching while the request does not wait for the origin.
func (x *exchange) rest() { x.wait(false) }

func (x *exchange) wait(waiting bool) {
	if x == nil {
		return
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	x.waiting = waiting
	x.wind()
}

// wind restarts the limit if it is running. The mutex must be held.
func (x *exchange) wind() {
	switch {
	case x.timer == nil:
	case x.waiting && x.reading == 0:
		x.timer.Reset(x.limit)
	default:
		x.timer.Stop()
	}
}

// expire ends a request whose origin was silent for too long.
func (x *exchange) expire() {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if x.timer != nil && x.waiting && x.reading == 0 {
		x.silent = true
		x.cancel(ErrOriginSilent)
	}
}

// reason returns the error of a request that ended with err.
func (x *exchange) reason(err error) error {
	if x == nil || err == nil || err == io.EOF {
		return err
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if x.silent {
		return ErrOriginSilent
	}
	return err
}

// end stops the exchange.
func (x *exchange) end() {
	if x == nil || x.cancel == nil {
		return
	}
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if x.timer != nil {
		x.timer.Stop()
		x.timer = nil
	}
	x.cancel(nil)
}

// result returns how long the request waited for the origin, and how that ended: with an answer
// unless failed is set, and with left if the request was abandoned. ok is false if the client had
// not sent everything: then nothing is known of the origin.
func (x *exchange) result(failed, left bool) (took time.Duration, how Ending, ok bool) {
	x.answer()
	x.mutex.Lock()
	defer x.mutex.Unlock()
	took = max(0, x.answeredAt.Sub(x.sentAt))
	switch {
	case !failed:
		return took, Answered, true
	case x.bodyFailed, left && x.reading > 0:
		return 0, 0, false
	case left:
		return took, Abandoned, true
	}
	return took, Failed, true
}
