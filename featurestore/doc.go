// Package featurestore publishes tables from 64-bit keys to rows of float32 features and reads them on the request
// path.
//
// What it promises:
//
//   - [Selection.Read] allocates nothing, takes no lock and makes no system call; what is missing is NaN;
//   - a reader asks for features by name. The names stand in the published image, so daemon and proxies may be of
//     different releases: a name that the image does not have is NaN and is counted, and a changed schema is picked up
//     by the next read;
//   - what a reader sees is one publication, whole, from the first value to the last (package mmapsync);
//   - an image is untrusted: every offset and size is checked against the image before it is used, and a damaged or
//     foreign one is a [*FormatError];
//   - columns that fade do so at read time, from the row's stamp to now: an idle key needs no rewrite, and the
//     numbers of a daemon that died fade instead of staying.
//
// A table is written whole at each publication. Its bytes are laid down in docs/format.md.
package featurestore
