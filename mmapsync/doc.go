// Package mmapsync passes bytes from one writer process to many reader processes through
// memory-mapped files, wait-free and never torn.
//
// What it promises:
//
//   - [Reader.Acquire] is wait-free: one atomic exchange and two loads of shared words; at most a
//     dozen such steps if a publication comes between or another goroutine has the slot. It takes
//     no lock, allocates nothing and makes no system call, except on the first use of a new data
//     file and after the writer has retired a slot of the Reader. A Reader allocates a few words
//     for each snapshot only if hundreds are held at a time.
//   - A [Snapshot] is valid until its Release, without exception and without a grace time, also if
//     its Reader is closed meanwhile. It is exactly what one Publish or Update made, and a
//     goroutine never sees an older publication after a newer one.
//   - Readers never block the writer: one that is stuck, stopped or dead costs at most one grace
//     time and one replacement of each data file, never freshness and never safety.
//   - A publication of gigabytes need not be written again for a few changes: [Writer.Update]
//     passes the file that is not current to the caller, and says which publication it has.
//   - Any process may be killed at any instruction. The kernel releases what it held, and the next
//     [OpenWriter] adopts what it finds; nothing has to be repaired by hand.
//   - A damaged or foreign file is a [*FormatError] that says what was found and what to do, never
//     a panic.
//
// # Files
//
// A path P stands for four files: P_state (which publication is current), P_data_0 and P_data_1
// (two snapshots, one of which is current), and P_readers (the registry of readers). P is best put
// on a tmpfs, where large data files get huge pages (see [Stats]). Nothing is synced to a disk:
// after a power failure files on a disk may be refused.
//
// How the protocol works is in docs/mmapsync.md; docs/format.md describes the files byte by byte.
//
// # Trust
//
// All processes trust the writer's user, who can make readers read anything: only that user can
// write to the state and data files (mode 0640), and readers map them read-only. A writer adopts
// only files of its own user. A reader accepts only files that all belong to one user, which
// [ReaderOptions].Owners can name; that matters if the folder lets other users make files. Symbolic
// links and special files are refused.
//
// The readers of one path trust each other, since all of them write to the registry (mode 0660): a
// malicious one can take the protection of a snapshot from another, or truncate the registry, which
// is a SIGBUS in those that use it.
//
// The writer does not trust readers. Whatever the registry contains, a publication takes at most
// the grace time and a bounded number of system calls. A reader can hold as many snapshots as it
// has slots, and so make the writer keep replacing files: bound the file system's size.
//
// # Damage
//
// If a process truncates a file, deletes it or writes to its header, the writer makes files again,
// which hold the last publication that is whole, and [Reader.Replaced] reports them to readers. A
// publication notices files that it needs; [Writer.Check] also notices what would keep readers from
// opening the path. With [WriterOptions].Repair a writer does the same with what it finds when it
// starts; otherwise that is a [*FormatError]. A living writer is never taken for damage.
//
// A file that is truncated under a mapping raises SIGBUS at the next access. In Acquire, in Release
// and at the bytes of a snapshot the caller has to handle that: set [runtime/debug.SetPanicOnFault]
// in the outermost call and recover. That read is lost; open another Reader after it. All other
// methods return an error.
//
// A program that publishes without the writer's lock, as the Rust crate mmap-sync does, makes the
// Writer stop with a [*ForeignVersionError], and a Reader returns no publication that the file's
// footer does not know. But the second publication of such a program overwrites a snapshot that was
// held when it began. If that may happen, use [ReaderOptions].Foreign.
//
// # Files of mmap-sync
//
// Readers of the crate mmap-sync 2.x can read P, with that crate's own protocol and its known gap
// between reading the version and counting in. They have to be opened again after a data file was
// replaced.
//
// With [ReaderOptions].Foreign a Reader follows a writer of that crate (2.x, with its default
// hash), our writer, and both in turns. The first Acquire after a publication copies it, and
// returns it only if the copy has its hash: the 64 bits in our footer, or the 24 bits that the
// crate's writer has in the version word. What is promised of a Snapshot then holds, except for
// publications of the crate that agree in size and in those 24 bits. A publication by
// [Writer.Update], which has no hash, is [ErrNotHashed]. Such a Reader is not wait-free, pays for
// the copies, and writes nothing to the files.
package mmapsync
