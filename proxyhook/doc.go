// Package proxyhook is headgate's request filter for Go proxies: it scores a request, guards the
// origin it goes to, and reports the result to the daemon.
//
// What it promises:
//
//   - [Filter.Decide], [Filter.Open], [Filter.Admit], [Filter.Observe] and [Filter.Done] allocate
//     nothing, take no lock, make no system call except to read the clock (which needs none on
//     Linux), and never block;
//   - they fail open. If the daemon is dead, files are absent, stale, damaged, of a newer format or
//     truncated under the reader, or the model lacks its features, one counter is incremented and
//     the request is allowed;
//   - a ticket is released exactly once, however the request ends: by the response, an error, a
//     client that left, a panic, a hijacked or upgraded connection;
//   - Filter.Done never waits for the daemon: an event that finds no room is dropped and counted.
//
// A model can be replaced while requests run, by [Filter.ReplaceModel] or by a new file at
// [Config.ModelFile]. Each decision uses one model from beginning to end; a model that does not fit
// is rejected with the reason, and the current model stays active. A shadow, which is another model
// ([Config.ShadowFile]), another policy ([Config.ShadowPolicy]) or both, judges each request too,
// changes no decision, and is counted in [Stats].
//
// [Filter.Handler] and [Filter.Transport] adapt the filter to net/http. httputil.ReverseProxy needs
// both: the handler decides and reports, the transport knows the origin and admits.
//
//	filter, err := proxyhook.New(proxyhook.Config{})
//	if err != nil { ... }
//	defer filter.Close()
//	proxy := &httputil.ReverseProxy{Rewrite: rewrite, Transport: filter.Transport(nil)}
//	listener, err := proxyhook.Listen("tcp", addr)
//	if err != nil { ... }
//	http.Serve(listener, filter.Handler(proxy))
//
// A ticket is held for as long as its request lasts. [Listen] and [Dialer] end connections whose
// other side is gone or takes nothing, and [Config.OriginSilence] and [Config.ClientSilence] end
// requests that make no progress, so that none lasts for ever.
//
// [CaptureWire] adds what each request looked like on the wire: the client's TLS fingerprint, how
// it set up HTTP/2, and the order of its header fields.
//
// The request to the origin has the headers X-Headgate-Score (1..99), X-Headgate-Action and, if
// there is a finding, X-Headgate-Finding. A refused request gets 503 with Retry-After and
// X-Headgate-Reason. Only the filter sets fields whose names begin with X-Headgate-, or that an
// origin may read as such: they are removed from what a client sent and from what an origin
// answered, in headers, trailers and interim responses. A handler that wants to show the decision
// to the client uses other names.
package proxyhook
