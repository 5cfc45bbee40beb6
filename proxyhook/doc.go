// Package proxyhook is headgate's request filter for Go proxies: it scores a request, guards the origin it goes to, and
// reports what became of it to the daemon.
//
// What it promises:
//
//   - [Filter.Decide], [Filter.Open], [Filter.Admit], [Filter.Observe] and [Filter.Done] allocate nothing, take no lock, make no system call but to
//     read the clock (which needs none on Linux), and never block;
//   - they fail open. Daemon dead, files absent, stale, damaged, of a newer format or truncated under the reader, model
//     without its features: each costs one counter and the request is allowed;
//   - a ticket is released exactly once, whatever ends the request: the response, an error, a client that went away, a
//     panic, a hijacked or upgraded connection;
//   - Filter.Done never waits for the daemon: an event that finds no room is dropped and counted.
//
// A model is replaced while requests run, by [Filter.ReplaceModel] or by a new file at [Config.ModelFile]. A decision is
// made whole with one model; one that does not fit is refused with the reason, and the one before serves on. A shadow,
// which is another model ([Config.ShadowFile]), another policy ([Config.ShadowPolicy]) or both, judges each request beside the one
// in use, changes no decision, and is counted in [Stats].
//
// [Filter.Handler] and [Filter.Transport] adapt the filter to net/http. With httputil.ReverseProxy both are used: the
// handler decides and reports, the transport knows the origin and admits.
//
//	filter, err := proxyhook.New(proxyhook.Config{})
//	if err != nil { ... }
//	defer filter.Close()
//	proxy := &httputil.ReverseProxy{Rewrite: rewrite, Transport: filter.Transport(nil)}
//	listener, err := proxyhook.Listen("tcp", addr)
//	if err != nil { ... }
//	http.Serve(listener, filter.Handler(proxy))
//
// A ticket is held for as long as its request lasts. [Listen] and [Dialer] end connections whose other side is gone or
// takes nothing, and [Config.OriginSilence] and [Config.ClientSilence] requests that stand still, so that none lasts for ever.
//
// [CaptureWire] tells what each request looked like on the wire: the client's TLS fingerprint, how it set up HTTP/2, and
// the order of its header fields.
//
// Headers of the request that goes on to the origin: X-Headgate-Score (1..99), X-Headgate-Action and, where something is
// certain, X-Headgate-Finding. A refused request gets 503 with Retry-After and X-Headgate-Reason. Nobody else sets fields
// whose names begin with X-Headgate-, or with what an origin may fold into that: they are removed from what a client sent
// and from what an origin answered, in headers, trailers and interim responses. A handler that wants to show the decision
// to the client uses other names.
package proxyhook
