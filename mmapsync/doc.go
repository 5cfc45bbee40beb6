// Package mmapsync hands bytes from one writer process to many reader processes through memory-mapped files, wait-free
// and never torn.
//
// What it promises:
//
//   - [Reader.Acquire] is wait-free: four loads of shared words and one atomic add, or two more adds where a publication
//     comes between. It takes no lock, allocates nothing and makes no system call, except on the first use of a new
//     data file and after the writer has given up on a snapshot of the same Reader.
//   - A [Snapshot] is valid until its Release, without exception and without a grace time. It is exactly what one
//     Publish was given, and a goroutine never sees an older publication after a newer one.
//   - The writer is never blocked by readers: one that is stuck, stopped or dead costs at most one grace time and one
//     replacement of each data file, never freshness and never safety.
//   - Any process may be killed at any instruction. What it held is let go by the kernel, and the next [OpenWriter] adopts
//     what it finds; nothing has to be repaired by hand.
//   - A damaged or foreign file is a [*FormatError] that says what was found and what to do, never a panic. Readers have
//     the snapshots read-only. They share a registry that all of them write, so the readers of one path trust each
//     other; the writer trusts none of them.
//
// # Files
//
// A path P stands for four files, described byte by byte at the constants of state.go, registry.go and datafile.go:
//
//	P_state    16 bytes: the version word and the counts of mmap-sync 2.x readers; its lock byte makes the writer single
//	P_data_0   a snapshot at offset 0, and a 64-byte footer at the very end
//	P_data_1   the other snapshot
//	P_readers  the registry: generations of the data files, and one slot of 128 bytes per reader
//
// P is best put on a tmpfs. Nothing is synced to a disk: after a power failure a set of files on a disk may be refused.
//
// # Protocol
//
// Of the two data files one is active: the version word names it. A reader counts itself in on the active one, in its own
// slot, and looks at the version word again; where that has moved on it counts itself in on the other as well, and
// lets go of whichever is not active. Holding both it cannot be overtaken, so there is no third round. The writer fills the
// inactive file, for which it first waits until no slot holds it, and then stores the version word.
//
// A slot that still holds the inactive file after the grace time is retired: the writer ignores it from then on, and
// replaces both data files, one at each of the next two publications, by new files under the same names. The stuck reader
// keeps the old ones mapped. Each data file has a generation, kept in the registry too, by which readers notice a
// replacement. A reader checks after that, as the last step, that its slot is not retired; otherwise it begins
// again with a fresh one. Growing is a replacement as well: no data file ever changes its length.
//
// # What it does not protect from
//
// A file that is truncated under a mapping raises SIGBUS at the next access, in the writer as in readers. A caller that must
// survive this sets [runtime/debug.SetPanicOnFault] and recovers. Deleting the files under a living writer parts it from
// readers that open later; stop it first. Readers of the Rust crate mmap-sync 2.x can read P, with that crate's own
// protocol and its known gap between reading the version and counting in.
package mmapsync
