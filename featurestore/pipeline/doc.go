// Package pipeline computes features and scores offline: access logs or simulated traffic in, one row for each
// request out.
//
// What it promises:
//
//   - a row holds what the request path would have seen at that instant: the single-request features, and the
//     inter-request features as of the daemon's last publication before the request, computed by the same code;
//   - keys are hashed with a fixed seed, a daemon's with a random one. Distinct counts above 15, which are estimates
//     from hashes, therefore differ between the two within the error of such estimates;
//   - time is the events' own. The same input gives the same rows, bit for bit. Lines that are out of the order of time
//     by up to [Window] are put in order; later ones and ones from the future are taken as of the line before and
//     counted, and a source with many of them is refused;
//   - memory is bounded by that of the aggregation (package window), and by that of 2^17 requests in progress and 2^15
//     lines that are held back, whatever the order of the lines.
package pipeline
