// Package accesslog reads the access logs of nginx and Apache, in the combined or the common
// format, plain or gzipped, one entry after the other.
//
// What it promises:
//
//   - Every line of the input is exactly one [Entry] or one [*LineError]. Reading can go on
//     after a LineError.
//   - Memory is bounded for every input: a line of more than [MaxLine] bytes is a LineError, and a
//     gzip stream is unpacked only as far as lines are read.
//   - A line with an IPv4 client costs no heap allocation, one with an IPv6 client at most one. The
//     byte slices of an Entry therefore point into the reader's buffer and are valid only until the
//     next call of [Reader.Next].
//   - A client cannot forge a field. Both servers escape the double quote within a field, so the
//     first bare quote of a line opens the request, and the date is read at a fixed distance before
//     that quote. A user name may contain spaces and brackets.
//
// A line whose request is not HTTP (a TLS hello on a plain port, a port scanner's banner, an empty
// request) is a valid entry with HTTP set to false: such requests are facts about a client, not
// damage.
//
// Accepted lines have this form, fields separated by one space:
//
//	address ident user [02/Jan/2006:15:04:05 -0700] "request" status bytes
//	address ident user [...] "request" status bytes "referer" "user agent"
//
// Further fields after the user agent, as in nginx's widespread "main" format, are ignored.
package accesslog
