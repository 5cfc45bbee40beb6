// Package simulator makes the traffic of a small web property, people and bots
// mixed, in virtual time and with the truth known.
//
// What it promises:
//
//   - The stream depends on the [Config] alone: the same seed and rate give the
//     same requests in one build of the program. (Another architecture may
//     round floating point differently and give another stream.)
//   - Times never decrease, the stream never ends, and memory is bounded by the
//     rate and does not grow with virtual time.
//   - At the default rate, 55 to 65 % of the requests are from bots, from the
//     first seconds on; the host [Search] is asked for more than it can take
//     (over 64 requests in flight within 3 s, about 110 from then on); the other
//     two hosts have a few in flight, always fewer than 16.
//   - Every bot asks at least 15 times in its first 15 s, so that features over
//     short windows can tell it; a declared crawler and an address of a
//     distributed scraper ask at least 5 times.
//
// A different Rate changes how many clients there are and never how one of them
// behaves. No single field tells the two sides apart: some bots send the
// headers, cookies and referers of a browser, and some people send none of
// them, share an address, poll by the clock or mistype their password.
//
// Addresses come from ranges that no one on the Internet has: 198.18.0.0/15
// (RFC 2544), 100.64.0.0/10 (RFC 6598) and 2001:db8::/32 (RFC 3849). Host names
// end in ".test" (RFC 2606).
//
// A simulator knows no clock. [Simulator.Next] returns a request and its time
// since the start; a live demonstration waits until then, and offline training
// does not. [Respond] is what the property answers, for both.
package simulator
