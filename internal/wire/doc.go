// Package wire tells what an HTTP request looked like on the wire: the order of its header fields, and of HTTP/2 how the
// client set the connection up. A server's own parser keeps neither.
//
// A [Tap] is given the bytes that a client sent, after TLS and before anybody parses them, and parses them beside the
// server. What it promises:
//
//   - it never fails, panics or waits, and changes nothing: bytes that it does not understand end its work on the
//     connection and are counted ([Counters]), and the requests that follow are unknown;
//   - memory is bounded for each connection: see the constants of tap.go. What a server lets a client send may be more,
//     and is unknown then;
//   - a request is found again by its method and target. Where that fits several with different orders, it is unknown:
//     no request is told to have the order of another one.
//
// Of the values it reads only what is needed to follow the protocol. It keeps none of them.
package wire
