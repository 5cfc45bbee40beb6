// Package mmapsync hands bytes from one writer process to many reader processes through memory-mapped files, wait-free
// and never torn.
//
// What it promises:
//
//   - [Reader.Acquire] is wait-free: one atomic exchange and two loads of shared words; at most a dozen such steps where a
//     publication comes between or another goroutine has the slot. It takes no lock, allocates nothing and makes no
//     system call, except on the first use of a new data file and after the writer has given up on a snapshot of the
//     same Reader. Only who holds hundreds of snapshots of one Reader at a time makes it allocate a few words for each.
//   - A [Snapshot] is valid until its Release, without exception and without a grace time, also when its Reader is closed
//     meanwhile. It is exactly what one Publish or Update made, and a goroutine never sees an older publication after a
//     newer one.
//   - The writer is never blocked by readers: one that is stuck, stopped or dead costs at most one grace time and one
//     replacement of each data file, never freshness and never safety.
//   - A publication of gigabytes need not be written anew for a few changes: [Writer.Update] lends the copy that is not
//     current, and says which publication it holds.
//   - Any process may be killed at any instruction. What it held is let go by the kernel, and the next [OpenWriter] adopts
//     what it finds; nothing has to be repaired by hand.
//   - A damaged or foreign file is a [*FormatError] that says what was found and what to do, never a panic.
//
// # Files
//
// A path P stands for four files, described byte by byte at the constants of state.go, registry.go and datafile.go:
//
//	P_state    16 bytes: the version word and the counts of mmap-sync 2.x readers; its lock byte makes the writer single
//	P_data_0   a snapshot at offset 0, and a 64-byte footer at the very end
//	P_data_1   the other snapshot
//	P_readers  the registry: generations of the data files, and slots of 128 bytes, several for each reader
//
// P is best put on a tmpfs, where large data files get huge pages (see [Stats]). Nothing is synced to a disk: after a power failure a set of files on a disk may be refused.
//
// # Protocol
//
// Of the two data files one is active: the version word names it. A reader counts itself in on the active one, in a slot
// of its own, and looks at the version word again; where that has moved on it counts itself in on the other as well, and
// lets go of whichever is not active. Holding both it cannot be overtaken, so there is no third round. The writer fills the
// inactive file, for which it first waits until no slot holds it, and then stores the version word.
//
// A slot that still holds the inactive file after the grace time is retired: the writer ignores it from then on, and
// replaces both data files, one at each of the next two publications, by new files under the same names. The stuck reader
// keeps the old ones mapped. Each data file has a generation, kept in the registry too, by which readers notice a
// replacement. A reader that maps a file checks after that, as the last step, that its slot is not retired; otherwise it
// begins again with a fresh one. One that had the file mapped before its hold sees it with the hold. Growing is a replacement as well: no data file ever changes its length.
//
// The goroutines of a Reader are spread over its slots. That a snapshot is taken on one slot and the next on another
// changes nothing: each Acquire ends with a load of the one version word after its own hold. Half of the slots have one
// guard at a time: an exchange of 0 for the hold takes such a slot, and a plain store of 0 lets it go, which ends a
// retirement at the same time. To the writer all slots are alike.
//
// # Trust
//
// The writer's user is trusted by all: whoever can write to the state and data files can make readers read anything. They
// are written by that user only (mode 0640), and readers have them mapped read-only. A writer adopts only files that
// belong to its own user. A reader wants all files to belong to one user, which ReaderOptions.Owners can name; that
// matters where the folder lets others make files. Symbolic links and whatever is no regular file are refused.
//
// The readers of one path trust each other, since all of them write to the registry (mode 0660): one that means ill can
// take the protection of a snapshot away from another, or cut the registry short, which is a SIGBUS in those that use it.
//
// The writer trusts no reader. Whatever the registry contains, and however it changes meanwhile, a publication takes at
// most the grace time and a bounded number of looks at the slots, each of at most 512 system calls. A reader can also
// hold on to as many snapshots as it has slots, and so make the writer keep replacing files: bound the file system's size.
//
// # Damage
//
// Whoever truncates a file, deletes it or writes to its header costs the writer no more than the work to make files anew. A
// publication that touches a file which is not there any more notices it; [Writer.Check] notices what only keeps
// readers from opening the path. An inactive data file is replaced at the next publication. For everything else the
// writer makes a new set of files, which holds the last publication that is whole and which [Reader.Replaced] tells readers of.
//
// With [WriterOptions].Repair a writer does the same with what it finds when it starts, also where something else is in
// a file's place. Without it, that is a [*FormatError] in words. A writer that lives is never taken for damage: its
// lock, which only who may write to the state file can take, is.
//
// # What it does not protect from
//
// A file that its owner, or for the registry a reader, truncates under a mapping raises SIGBUS at the next access. In
// Acquire, in Release and at the bytes of a snapshot this is the caller's matter: one that must survive it sets
// [runtime/debug.SetPanicOnFault] in its outermost call and recovers. That one read is lost; after it, open another Reader.
// Everything else, [Snapshot.Verify] included, makes an error of it, and a Writer makes the files anew.
//
// A program that writes to the files without the writer's lock, as a writer of the crate mmap-sync does. The Writer stops as soon
// as it finds a version word that it did not store, with a [*ForeignVersionError], and a Reader gives out no publication that
// the file's footer does not know. But a snapshot in place that is held when such a program begins is
// overwritten by its second publication. Where that may happen, read with [ReaderOptions].Foreign.
//
// Deleting the files under a living writer parts it from readers that open later, until its next Check. Readers of the Rust
// crate mmap-sync 2.x can read P, with that crate's own protocol and its known gap between reading the version and
// counting in. Such a reader maps a data file anew only when a snapshot outgrows its mapping: after a data file was
// replaced (a stuck reader, growth) it may go on with the old file's content, and has to be opened anew.
//
// # Files of mmap-sync
//
// With [ReaderOptions].Foreign a Reader follows a writer of that crate (2.x, with its default hash), our writer, and both in turns,
// as when somebody goes back to the crate's writer and comes again. A writer of the crate writes over a file after its own grace
// time, whoever reads it, so nothing is read in place: the first Acquire after a publication copies it, and gives it out only if the
// version word was the same before and after the copy and the copy has the hash: the one of 64 bits in our writer's footer
// where that belongs to the version word, and otherwise the 24 bits that the crate's writer keeps in the version word. What is
// promised of a Snapshot then holds, also where both writers are alive by mistake, but for publications of the crate that
// agree in size and in those 24 bits: of two that do, the later may be taken for the earlier, and of a mixture of them one in 2^24 for
// whole. What cannot be proved is an error: a mixture of two writers, and, with [ErrNotHashed], a publication by
// [Writer.Update], which has no hash. What is not promised: that Acquire is wait-free (one goroutine copies, the others
// wait for it; a writer that publishes faster than it can be copied is an error), and that the copy costs no memory. The
// Reader writes nothing, not even the counts that the crate's readers keep, so it delays no writer, takes no slot and leaves nothing
// behind. Where the files were made anew, [Reader.Replaced] says so, and another Reader has to be opened, as always.
package mmapsync
