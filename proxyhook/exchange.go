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

// exchange follows for whom a request waits: for the client while a part of its body is read from it, and for the origin
// otherwise, until the first byte of its answer. With a limit it ends a request to an origin that is silent for so long.
// A nil one follows nothing.
type exchange struct {
	limit  time.Duration // 0: silence ends nothing
	cancel context.CancelCauseFunc

	mutex   sync.Mutex // guards all below
	timer   *time.Timer
	waiting bool      // for the origin: its answer, or more of the answer's body
	reading int       // reads of the request's body that have not returned
	broken  bool      // the client's body could not be read
	silent  bool      // the origin, for too long
	asked   time.Time // when the origin had all of the request that there was
	began   time.Time // the answer; zero: not yet
}

// follow begins to follow a request that goes to its origin now, and returns the one to send in its place.
func follow(r *http.Request, silence time.Duration) (*http.Request, *exchange) {
	x := &exchange{limit: silence, waiting: true, asked: time.Now()}
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

// followBody has the exchange see when r's body, where it has one, is awaited from the client. r is the exchange's own.
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
	x.broken = x.broken || err != nil && err != io.EOF
	x.asked = time.Now()
	x.wind()
}

func (x *exchange) wroteRequest(info httptrace.WroteRequestInfo) {
	if info.Err == nil {
		x.mutex.Lock()
		defer x.mutex.Unlock()
		x.asked = time.Now()
		x.wind()
	}
}

// gotInterim is called for an interim response (1xx): the origin lives, but the first byte was not that of its answer.
func (x *exchange) gotInterim(int, textproto.MIMEHeader) error {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	x.began = time.Time{}
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
	if x.began.IsZero() {
		x.began = time.Now()
	}
}

// await watches for the origin's silence from now on.
func (x *exchange) await() { x.wait(true) }

// rest stops watching while it is not the origin that is waited for.
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

// wind makes the limit begin anew, where it runs. The mutex is held.
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

// reason returns the error of a request that has ended with err.
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

// end frees what the exchange holds.
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

// result returns how long the origin was waited for, and how that ended, when it has ended: with an answer unless it
// failed, and with left where the request was given up. It is not ok where the client had not sent all: then nothing is
// known of the origin.
func (x *exchange) result(failed, left bool) (took time.Duration, how Ending, ok bool) {
	x.answer()
	x.mutex.Lock()
	defer x.mutex.Unlock()
	took = max(0, x.began.Sub(x.asked))
	switch {
	case !failed:
		return took, Answered, true
	case x.broken, left && x.reading > 0:
		return 0, 0, false
	case left:
		return took, Abandoned, true
	}
	return took, Failed, true
}
