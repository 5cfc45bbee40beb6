// Package limits counts per key (requests in flight, events per interval, events since a reset) in
// a fixed number of kilobytes, however many keys there are, and refuses work above a threshold.
//
// What it promises:
//
//   - A count is never lower than the truth. It may be higher when other keys share all of a key's
//     cells in the count-min sketch; with the default of 4 rows by 8192 columns two given keys do
//     so with probability 2^-52.
//   - A [Ticket] releases what it holds exactly once, from any goroutine. A further release is
//     counted and changes nothing.
//   - [Limiter.Admit] never lets more tickets of one key be open together than the key's threshold,
//     however many goroutines call it. If it errs, it refuses.
//   - A [Rate] loses no event when an interval ends, and no caller waits.
//   - Counting allocates nothing, waits for no lock and makes no system call; only [Top] and
//     [GrowOnly] take a lock, for some nanoseconds.
//
// [Estimator], [Inflight] and [Rate] correspond to the types of the same names in Cloudflare's
// pingora-limits crate. [StripedEstimator] is for many goroutines that add often and read seldom.
// [Limiter] has thresholds by key that change at run time, and a small table of exact counts in
// front of the sketch. It counts in one process; package proxyhook bounds the requests of all proxy
// processes of a host together, and by score and latency.
//
// A key is any byte string. [Limiter] hashes it under a secret and compares it byte by byte, since
// keys come from clients. The other counters hash it with [Hash], whose seed is known. Each of
// their methods that takes a key has a variant that takes the hash; for keys that clients choose,
// pass the hash of a [Hasher].
//
// The sketch is described by Cormode and Muthukrishnan, "An improved data stream summary: the
// count-min sketch and its applications", J. Algorithms 55 (2005).
package limits
