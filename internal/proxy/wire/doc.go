// Package wire reads what a server's own parser discards of an HTTP request: the order of its
// header fields, and how the client set up an HTTP/2 connection.
//
// A [Tap] gets the bytes that a client sent, after TLS, and parses them beside the server. What it
// promises:
//
//   - it never fails, panics or waits, and changes nothing: bytes that it does not understand end
//     its work on the connection and are counted ([Counters]), and the requests that follow are
//     unknown;
//   - memory is bounded for each connection: see the constants of tap.go. A server may accept
//     larger requests; those are unknown;
//   - a request is found by its method and target. If these fit several requests with different
//     orders, it is unknown: a request never gets the order of another one.
//
// It reads values only as far as the protocol needs them, and keeps none of them.
package wire
