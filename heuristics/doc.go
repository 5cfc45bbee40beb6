// Package heuristics finds what is certain about a request without a model: what its user agent
// declares, paths that no person requests, attacks in its query and header fields, and whether its
// client has a history.
//
// What it promises:
//
//   - a finding depends on the event and a few published features only, so that a proxy and a
//     replay find the same;
//   - a finding has a name and bounds the score; it does not decide the action;
//   - each can be switched off by its name;
//   - time is bounded: of a query and a header field the first [MaxText] bytes are read, of a path
//     and a user agent what an event has. It allocates nothing, takes no lock and makes no system
//     call.
package heuristics
