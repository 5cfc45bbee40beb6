// Package pipeline computes features and scores offline: it reads access logs or simulated traffic
// and returns one row for each request.
//
// What it promises:
//
//   - a row has what the request path would have seen at that instant: the single-request features,
//     and the inter-request features as of the daemon's last publication before the request,
//     computed by the same code;
//   - keys are hashed with a fixed seed, those of a daemon with a random one. Distinct counts above
//     15, which are estimates from hashes, therefore differ between the two within the error of
//     such estimates;
//   - time is the events' own. The same input returns the same rows, bit for bit. Lines that are
//     out of order by up to [Window] are sorted; later ones and ones from the future get the time
//     of the line before and are counted, and a source with many of them is rejected;
//   - memory is bounded by the memory of the aggregation (package window) plus 2^17 requests in
//     progress and 2^15 held-back lines, whatever the order of the lines.
package pipeline
