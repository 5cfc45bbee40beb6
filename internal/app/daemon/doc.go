// Package daemon is headgate's sidecar: it consumes the events of every proxy on the host, folds
// them into features, and publishes these at least once a second.
//
// What it promises:
//
//   - proxies never wait for it, whether it runs, hangs or is dead;
//   - it may be killed at any instruction and started again: it takes over what is published, so
//     that readers see stale numbers at worst, restores the last checkpoint, and continues with the
//     events that waited in the rings;
//   - events are untrusted bytes: what does not decode is counted and changes nothing else, and a
//     time ahead of the clock is counted and replaced by now;
//   - everything it keeps is bounded by its configuration.
package daemon
