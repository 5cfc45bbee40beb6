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
	filter           *Filter
	outer            *request  // the same request in another filter's Handler around this one; nil: none
	start            time.Time // for the duration: unlike ev.Time it does not jump with the wall clock
	decision         Decision
	refused          atomic.Value  // string: the reason of the last refusal, which the client may see
	status           atomic.Uint32 // atomic, like bytes: a hijacked connection may outlive the handler
	bytes            atomic.Uint64
	hijacked         atomic.Bool // closing the connection ends the request, not the handler's return
	handlerAdmission *admission  // of the handler itself, if Config.Origin makes it the origin
	open             OpenRequest
	exchange         *exchange // with the handler; nil: its latency is not measured

	mutex   sync.Mutex // guards the fields below
	ev      traffic.Event
	tickets []*admission // of this request's calls to origins
	ended   bool
}

// admission is one ticket and its memory.
type admission struct {
	state  limits.TicketState
	ticket limits.Ticket
	done   atomic.Bool // the first to set it releases: two ends may coincide

	estimate  uint64 // in flight for the origin at its admission
	threshold uint32
}

type contextKey struct{}

// innermost returns the request in the last Handler around it.
func innermost(ctx context.Context) *request {
	r, _ := ctx.Value(contextKey{}).(*request)
	return r
}

// findRequest returns the request in f's own Handler, or nil if there is none.
func (f *Filter) findRequest(ctx context.Context) *request {
	for r := innermost(ctx); r != nil; r = r.outer {
		if r.filter == f {
			return r
		}
	}
	return nil
}

// isHijacked reports whether the connection of the request with this context was hijacked from a
// Handler.
func isHijacked(ctx context.Context) bool {
	r := innermost(ctx)
	return r != nil && r.hijacked.Load()
}

// FromContext returns the decision on the request that a Handler serves with this context.
func FromContext(ctx context.Context) (Decision, bool) {
	if r := innermost(ctx); r != nil {
		return r.decision, true
	}
	return Decision{}, false
}

// Handler returns a handler that decides on each request before next gets it, and reports it when
// it has ended: when next has returned or panicked or, if the connection was hijacked, when that is
// closed or unreachable. Put it inside of a http.TimeoutHandler, which returns while the work still
// runs. Within another Handler of the same filter it does nothing: a request is decided on once.
func (f *Filter) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.findRequest(r.Context()) != nil {
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

// enter refuses a request if the policy or the limiter does.
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
	req.handlerAdmission = held
	if refusal != nil {
		w.Header().Set("Retry-After", retryAfter(refusal.RetryAfter))
		req.refuse(w, http.StatusServiceUnavailable, overloadReason(refusal))
	}
	return refusal == nil
}

// mark returns the request for next, with the decision in its context and headers. r itself is
// unchanged, since handlers around this one may read it.
func (f *Filter) mark(r *http.Request, req *request) *http.Request {
	marked := r.WithContext(context.WithValue(r.Context(), contextKey{}, req))
	marked.Header = forwardedHeader(r.Header, req.decision)
	cleanRequestTrailers(r, marked)
	return marked
}

// admit requests a ticket for a call to origin. The ticket is released by its own release or, at
// the latest, when the request ends.
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
	if r.ended { // its ticket would never be released: it outlives the handler
		return held, nil
	}
	// Released admissions are dropped, so that a handler that calls origins all day keeps only open
	// ones.
	r.tickets = append(slices.DeleteFunc(r.tickets, (*admission).released), held)
	return held, nil
}

// serve calls next with the marked request. If the handler is the origin, it also measures how long
// it takes to answer.
func (r *request) serve(next http.Handler, w http.ResponseWriter, marked *http.Request) {
	if r.handlerAdmission == nil || !r.filter.observes(marked) {
		next.ServeHTTP(w, marked)
		return
	}
	r.exchange = &exchange{sentAt: time.Now()}
	r.exchange.followBody(marked)
	returned := false
	defer func() {
		left := marked.Context().Err() != nil
		answered := r.status.Load() != 0 || returned && !left
		r.filter.observe(r.exchange, r.handlerAdmission, !answered, left)
	}()
	next.ServeHTTP(w, marked)
	returned = true
}

// answer records the status of the answer whose first byte is sent now, and reports whether it is
// the first.
func (r *request) answer(status int) bool {
	first := r.status.CompareAndSwap(0, uint32(status))
	if first {
		r.exchange.answer()
	}
	return first
}

// refuse answers instead of the handler.
func (r *request) refuse(w http.ResponseWriter, status int, reason string) {
	r.sayWhy(reason)
	w.Header().Set(ReasonHeader, reason)
	http.Error(w, http.StatusText(status), status)
}

// sayWhy lets the reason of a refusal pass to the client, here and in the handlers around.
func (r *request) sayWhy(reason string) {
	for ; r != nil; r = r.outer {
		r.refused.Store(reason)
	}
}

// refusedFor reports whether the request was refused for reason, by this filter or by one within
// it.
func (r *request) refusedFor(reason string) bool { return r.refused.Load() == reason }

func (h *admission) take(a *limits.Admission) {
	h.ticket, h.estimate, h.threshold = a.Ticket, a.Estimate, a.Threshold
}

// release may be called more than once, unlike the ticket's Done, which would count that.
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
	if r.ev.Method != http.MethodHead { // HEAD: nothing of it is sent
		r.ev.Bytes = r.bytes.Load()
	}
	r.ev.Duration = uint64(max(1, time.Since(r.start)))
	r.open.End(&r.ev)
	r.filter.Done(&r.ev, limits.Ticket{})
}
