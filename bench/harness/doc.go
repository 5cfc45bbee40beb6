// Package harness measures implementations side by side.
//
// What it promises:
//
//   - the implementations of a case take turns, round by round, in an order that rotates: a noisy minute hits all of them;
//   - a figure is the median of the rounds, and goes with the least and the greatest of them;
//   - latencies are taken from the instant an operation was due, not from the instant it was begun, so that a stall counts for
//     every operation that it delayed (no coordinated omission), and kept in HDR histograms;
//   - a peer that is missing is named, with the command that installs it; it is never left out in silence.
package harness
