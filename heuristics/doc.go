// Package heuristics tells what is certain about a request before a model is asked: what its user agent declares, paths that no
// person asks for, attacks in its query and header fields, and whether anything is known of its client at all.
//
// What it promises:
//
//   - one function of the event and of a few published features, so that a proxy and a replay find the same;
//   - a finding has a name and bounds the score; it never decides an action;
//   - each can be switched off by its name;
//   - bounded time: of a path and a user agent what an event holds, of a query and a field of the header the first
//     [MaxText] bytes. Nothing is allocated, locked or asked of the system.
package heuristics
