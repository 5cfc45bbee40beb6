// Package simulator generates the traffic of a small web property, people and bots mixed, in
// virtual time and with known truth.
//
// What it promises:
//
//   - The stream depends only on the [Config]: the same seed and rate return the same requests in
//     one build of the program. (Another architecture may round floating point differently and
//     return another stream.)
//   - Times never decrease, the stream never ends, and memory is bounded by the rate and does not
//     grow with virtual time.
//   - At the default rate, 55 to 65 % of the requests are from bots, from the first seconds on; the
//     host [Search] gets more requests than it can serve (over 64 in flight within 3 s, about 110
//     from then on); the other two hosts have a few in flight, always fewer than 16.
//   - Every bot makes at least 15 requests in its first 15 s, so that features over short windows
//     can recognize it; a declared crawler and an address of a distributed scraper make at least 5.
//
// A different Rate changes the number of clients and never their behaviour. No single field
// separates the two sides: some bots send the headers, cookies and referers of a browser, and some
// people send none of them, share an address, poll by the clock or mistype their password.
//
// Addresses come from ranges that are unused on the Internet: 198.18.0.0/15 (RFC 2544),
// 100.64.0.0/10 (RFC 6598) and 2001:db8::/32 (RFC 3849). Host names end in ".test" (RFC 2606).
//
// A simulator has no clock. [Simulator.Next] returns a request and its time since the start; a live
// demonstration waits until then, offline training does not. [Respond] returns the property's
// answers for both.
package simulator
