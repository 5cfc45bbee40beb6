// Package featurestore publishes tables from 64-bit keys to rows of float32 features and reads them
// on the request path.
//
// What it promises:
//
//   - [Selection.Read] allocates nothing, takes no lock and makes no system call; a missing value
//     is NaN;
//   - a reader selects features by name. The published image contains the names, so daemon and
//     proxies may be of different releases: a name that the image does not have is NaN and is
//     counted, and the next read picks up a changed schema;
//   - a reader sees one publication, whole, from the first value to the last (package mmapsync);
//   - an image is untrusted: every offset and size is checked against the image before it is used,
//     and a damaged or foreign image is a [*FormatError];
//   - columns that fade do so at read time, from the row's stamp to now: an idle key needs no
//     rewrite, and the numbers of a dead daemon fade instead of staying.
//
// A table has room for a fixed number of keys in each dimension. A [Publisher] changes it in place,
// at the cost of what changed, in whichever of its two copies has no reader. A full dimension
// evicts the least recently changed of some rows picked at random. [Table.Verify] recomputes the
// checksum, which every change keeps up to date. A [Builder] makes the same bytes in memory;
// docs/format.md specifies them.
//
// Memory: each copy takes 12 + 4*columns bytes for each row, and 10.7 for its share of the buckets,
// which is 1.11 times the 8-byte key and its values at 32 columns, 1.37 at eight. 73 days after the
// clock's last great change a publication passes over all stamps once.
package featurestore
