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

// maxOutstanding bounds the requests that are under way at once. Beyond it sending falls behind its times.
const maxOutstanding = 2048

// maxWait bounds how long the answers to the last requests are waited for.
const maxWait = 5 * time.Second

// clients sends requests to the proxy at their times, whether or not earlier ones have been answered. Only two things
// hold a request back: maxOutstanding, and that the next one follows spacing later at the earliest, so that neither a
// log whose bursts are compressed nor a stall of this machine makes a flood that no origin could take.
type clients struct {
	proxy     string
	spacing   time.Duration
	transport *http.Transport
	tally     *tally
	slots     chan struct{}
	under     sync.WaitGroup
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
		tally: t,
		slots: make(chan struct{}, maxOutstanding),
	}
}

// send sends a load and waits for the answers. It ends early when ctx is done, and when length has passed (0: it may take
// as long as it takes); whole reports whether all was sent until then.
func (c *clients) send(ctx context.Context, l load, length time.Duration) (whole bool, err error) {
	requests, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer c.transport.CloseIdleConnections()
	defer c.wait(giveUp)
	start := time.Now()
	if length > 0 {
		const slack = 250 * time.Millisecond // timers are late, and a moment's delay can be made up for
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
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			return false, nil
		}
		sent = time.Now()
		c.under.Add(1)
		go func() {
			defer func() { <-c.slots; c.under.Done() }()
			c.sendOne(requests, r)
		}()
	}
}

// wait waits for the answers that are still to come, a few seconds at most.
func (c *clients) wait(giveUp context.CancelFunc) {
	late := time.AfterFunc(maxWait, giveUp)
	defer late.Stop()
	defer giveUp()
	c.under.Wait()
}

// sleepUntil waits for the later of two times, and tells whether to go on.
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
		c.tally.failed(r)
		return
	}
	io.Copy(io.Discard, response.Body)
	response.Body.Close()
	c.tally.answered(r, response)
}

// to returns the request as it goes to a server's address.
func (r *request) to(address string) *http.Request {
	if r.header.Get("User-Agent") == "" {
		r.header["User-Agent"] = []string{""} // keeps Go's own from being sent
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
