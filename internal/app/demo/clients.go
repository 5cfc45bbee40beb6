package demo

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// maxOutstanding bounds the requests in flight. At the bound, sending falls behind schedule.
const maxOutstanding = 2048

// maxWait bounds the wait for the last answers.
const maxWait = 5 * time.Second

// clients sends requests to the proxy at their times, whether or not earlier ones have been
// answered. Only two things delay a request: maxOutstanding, and the spacing after the last one, so
// that neither a log whose bursts are compressed nor a stall of this machine causes a flood that no
// origin could take.
type clients struct {
	proxy     string
	spacing   time.Duration
	transport *http.Transport
	tally     *tally
	semaphore chan struct{}
	inFlight  sync.WaitGroup
}

func newClients(proxy string, maxRate float64, t *tally) *clients {
	return &clients{
		proxy:   proxy,
		spacing: time.Duration(float64(time.Second) / maxRate),
		transport: &http.Transport{
			MaxIdleConns:          maxOutstanding,
			MaxIdleConnsPerHost:   maxOutstanding,
			DisableCompression:    true,
			ResponseHeaderTimeout: 25 * time.Second,
		},
		tally:     t,
		semaphore: make(chan struct{}, maxOutstanding),
	}
}

// send sends a load and waits for the answers. It ends early when ctx is done or length has passed
// (0: no limit); complete reports whether everything was sent.
func (c *clients) send(ctx context.Context, l load, length time.Duration) (complete bool, err error) {
	requests, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer c.transport.CloseIdleConnections()
	defer c.wait(giveUp)
	start := time.Now()
	if length > 0 {
		const slack = 250 * time.Millisecond // timers are late, and a short delay can be caught up
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, start.Add(length+slack))
		defer cancel()
	}
	var sent time.Time
	for {
		r, err := l.next()
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if !sleepUntil(ctx, start.Add(r.at), sent.Add(c.spacing)) {
			return false, nil
		}
		select {
		case c.semaphore <- struct{}{}:
		case <-ctx.Done():
			return false, nil
		}
		sent = time.Now()
		c.inFlight.Add(1)
		go func() {
			defer func() { <-c.semaphore; c.inFlight.Done() }()
			c.sendOne(requests, r)
		}()
	}
}

// wait waits for outstanding answers, a few seconds at most.
func (c *clients) wait(giveUp context.CancelFunc) {
	late := time.AfterFunc(maxWait, giveUp)
	defer late.Stop()
	defer giveUp()
	c.inFlight.Wait()
}

// sleepUntil waits for the later of two times, and reports whether ctx is still active.
func sleepUntil(ctx context.Context, a, b time.Time) bool {
	if wait := max(time.Until(a), time.Until(b)); wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

func (c *clients) sendOne(ctx context.Context, r *request) {
	r.header.Set("X-Forwarded-For", r.client.String())
	response, err := c.transport.RoundTrip(r.to(c.proxy).WithContext(ctx))
	if err != nil {
		c.tally.countFailure(r)
		return
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	c.tally.countAnswer(r, response)
}

// to returns the request for the server at address.
func (r *request) to(address string) *http.Request {
	if r.header.Get("User-Agent") == "" {
		r.header["User-Agent"] = []string{""} // prevents Go's default from being sent
	}
	out := &http.Request{
		Method: r.method,
		URL:    &url.URL{Scheme: "http", Host: address, Opaque: r.target},
		Host:   r.host,
		Header: r.header,
	}
	if r.body != "" {
		out.Body, out.ContentLength = io.NopCloser(strings.NewReader(r.body)), int64(len(r.body))
	}
	return out
}
