// Package harness measures implementations side by side.
//
// What it promises:
//
//   - the implementations of a case take turns, round by round, in an order that rotates: a noisy minute hits all of them;
//   - a figure is the median of the rounds, and goes with the least and the greatest of them;
//   - latencies leave no time out: BackToBack measures each operation from the end of the previous one, Paced, where operations come at
//     intervals, counts a stall for every operation that it delayed (the correction of HDR histograms for coordinated omission);
//   - a peer that is missing is named, with the command that installs it; it is never left out in silence.
package harness
