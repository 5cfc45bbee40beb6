// Package accesslog reads the access logs of nginx and Apache, in the combined
// or the common format, plain or gzipped, one entry after the other.
//
// What it promises:
//
//   - Every line of the input gives exactly one [Entry] or one [*LineError];
//     after a LineError reading goes on with the next line.
//   - Memory is bounded, whatever the input: a line of more than [MaxLine]
//     bytes is a LineError, and a gzip stream is never unpacked ahead of the
//     lines asked for.
//   - A line with an IPv4 client costs no heap allocation, one with an IPv6
//     client at most one. The byte slices of an Entry therefore point into the
//     reader's buffer and hold only until the next call of [Reader.Next].
//   - What a client sends cannot forge a field. Both servers escape the double
//     quote within a field, so the first bare quote of a line opens the
//     request, and the date is read from the fixed place in front of it. A
//     user name with spaces and brackets stays a user name.
//
// A line whose request is not HTTP (a TLS hello on a plain port, a port
// scanner's banner, nothing at all) is a proper entry with HTTP set to false:
// such requests are facts about a client and not damage.
//
// Accepted lines have this form, fields separated by one space:
//
//	address ident user [02/Jan/2006:15:04:05 -0700] "request" status bytes
//	address ident user [...] "request" status bytes "referer" "user agent"
//
// What follows the user agent after a further space, as in nginx's widespread
// "main" format, is ignored.
package accesslog
