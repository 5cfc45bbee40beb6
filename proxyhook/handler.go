package proxyhook

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/limits"
)

// request is what the filter keeps of one request that its Handler serves.
type request struct {
	filter   *Filter
	outer    *request  // the same request as another filter's Handler around this one has it; nil: there is none
	start    time.Time // for the duration: unlike ev.Time it does not jump with the wall clock
	decision Decision
	refused  atomic.Value  // string: why the last refusal was, which the client may be told
	status   atomic.Uint32 // atomic, like bytes: a hijacked connection may be closed while the handler still runs
	bytes    atomic.Uint64
	hijacked atomic.Bool // its connection's Close ends the request instead of the handler's return
	own      *admission  // of the handler itself, where Config.Origin says that it is the origin
	open     OpenRequest
	exchange *exchange // with the handler; nil: its latency is not followed

	mutex   sync.Mutex // guards all below
	ev      traffic.Event
	tickets []*admission // of this request's calls to origins
	ended   bool
}

// admission is one ticket and its memory.
type admission struct {
	state  limits.TicketState
	ticket limits.Ticket
	done   atomic.Bool // whoever sets it releases: the body's Close and the request's end may come together

	estimate  uint64 // in flight for the origin at its admission
	threshold uint32
}

type contextKey struct{}

// innermost gives the request as the last Handler around it has it.
func innermost(ctx context.Context) *request {
	r, _ := ctx.Value(contextKey{}).(*request)
	return r
}

// requestOf gives the request as f's own Handler has it. Nil: there is none around.
func (f *Filter) requestOf(ctx context.Context) *request {
	for r := innermost(ctx); r != nil; r = r.outer {
		if r.filter == f {
			return r
		}
	}
	return nil
}

// isHijacked reports whether the connection of the request with this context was hijacked from a Handler.
func isHijacked(ctx context.Context) bool {
	r := innermost(ctx)
	return r != nil && r.hijacked.Load()
}

// FromContext gives the decision on the request that a Handler serves with this context.
func FromContext(ctx context.Context) (Decision, bool) {
	if r := innermost(ctx); r != nil {
		return r.decision, true
	}
	return Decision{}, false
}

// Handler gives a handler that decides on each request before next gets it, and reports it when it has ended: when
// next has returned or panicked, or, where the connection was hijacked, when that is closed or nobody refers to it
// any more. It should stand inside of a http.TimeoutHandler, which returns while the work still runs. Within another
// Handler of the same filter it does nothing: a request is decided on once.
func (f *Filter) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.requestOf(r.Context()) != nil {
			next.ServeHTTP(w, r)
			return
		}
		req := &request{filter: f, outer: innermost(r.Context()), start: time.Now()}
		f.describe(&req.ev, r)
		req.ev.Time = req.start.UnixNano()
		req.decision = f.Decide(&req.ev)
		out := &responseWriter{ResponseWriter: w, request: req, patience: f.writePatience(w, r)}
		reading := f.readPatience(w, r)
		defer func() {
			out.patience.end()
			reading.end()
			if !req.hijacked.Load() {
				req.end()
			}
		}()
		if f.enter(out, r, req) {
			req.open = f.Open(&req.ev)
			marked := f.mark(r, req)
			if reading != nil {
				marked.Body = &awaitedBody{marked.Body, reading}
			}
			req.serve(next, out.capable(), marked)
		}
		out.returned()
	})
}

// enter refuses a request that the policy or the limiter does not let in.
func (f *Filter) enter(w http.ResponseWriter, r *http.Request, req *request) bool {
	switch req.decision.Action {
	case Throttle:
		w.Header().Set("Retry-After", retryAfter(f.limiting.process.RetryAfter()))
		req.refuse(w, http.StatusTooManyRequests, reasonScore)
		return false
	case Challenge, Deny:
		req.refuse(w, http.StatusForbidden, reasonScore)
		return false
	}
	if f.config.Origin == nil {
		return true
	}
	held, refusal := req.admit(f.config.Origin(r))
	req.own = held
	if refusal != nil {
		w.Header().Set("Retry-After", retryAfter(refusal.RetryAfter))
		req.refuse(w, http.StatusServiceUnavailable, overloadReason(refusal))
	}
	return refusal == nil
}

// mark gives the request that goes on: with the decision in its context and its headers. r itself stays as it is,
// since those around the handler may be reading it.
func (f *Filter) mark(r *http.Request, req *request) *http.Request {
	marked := r.WithContext(context.WithValue(r.Context(), contextKey{}, req))
	marked.Header = forwardedHeader(r.Header, req.decision)
	cleanRequestTrailers(r, marked)
	return marked
}

// admit asks for a call to origin. The ticket is released by its own release or, at the latest, when the request ends.
func (r *request) admit(origin string) (*admission, *limits.Admission) {
	held := &admission{}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	a, ok := r.filter.Admit(&r.ev, origin, &held.state)
	if !ok {
		r.sayWhy(overloadReason(&a))
		return nil, &a
	}
	held.take(&a)
	if r.ended { // a call made by what the handler left running: nobody else would release it
		return held, nil
	}
	// Those released already are forgotten, so that a handler that calls origins all day keeps what is open.
	r.tickets = append(slices.DeleteFunc(r.tickets, (*admission).released), held)
	return held, nil
}

// serve has the handler serve marked. Where that is the origin itself, it also follows how long it is waited for.
func (r *request) serve(next http.Handler, w http.ResponseWriter, marked *http.Request) {
	if r.own == nil || !r.filter.observes(marked) {
		next.ServeHTTP(w, marked)
		return
	}
	r.exchange = &exchange{asked: time.Now()}
	r.exchange.followBody(marked)
	returned := false
	defer func() {
		left := marked.Context().Err() != nil
		answered := r.status.Load() != 0 || returned && !left
		r.filter.observe(r.exchange, r.own, !answered, left)
	}()
	next.ServeHTTP(w, marked)
	returned = true
}

// answer notes the status of the answer whose first byte is sent now, and reports whether there was none before.
func (r *request) answer(status int) bool {
	first := r.status.CompareAndSwap(0, uint32(status))
	if first {
		r.exchange.answer()
	}
	return first
}

// refuse answers in the place of the handler.
func (r *request) refuse(w http.ResponseWriter, status int, reason string) {
	r.sayWhy(reason)
	w.Header().Set(ReasonHeader, reason)
	http.Error(w, http.StatusText(status), status)
}

// sayWhy lets the reason of a refusal through to the client, here and in the handlers around.
func (r *request) sayWhy(reason string) {
	for ; r != nil; r = r.outer {
		r.refused.Store(reason)
	}
}

// refusedFor reports whether reason is why the request was refused, by this filter or by one within it.
func (r *request) refusedFor(reason string) bool { return r.refused.Load() == reason }

func (h *admission) take(a *limits.Admission) {
	h.ticket, h.estimate, h.threshold = a.Ticket, a.Estimate, a.Threshold
}

// release is safe to call more than once, unlike the ticket's Done, which would count it.
func (h *admission) release() {
	if !h.done.Swap(true) {
		h.ticket.Done()
	}
}

func (h *admission) released() bool { return h.done.Load() }

// end reports the request, once.
func (r *request) end() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.ended {
		return
	}
	r.ended = true
	for _, a := range r.tickets {
		a.release()
	}
	r.ev.Status = uint16(r.status.Load())
	if r.ev.Method != http.MethodHead { // net/http takes the body of its answer, and sends none
		r.ev.Bytes = r.bytes.Load()
	}
	r.ev.Duration = uint64(max(1, time.Since(r.start)))
	r.open.End(&r.ev)
	r.filter.Done(&r.ev, limits.Ticket{})
}
