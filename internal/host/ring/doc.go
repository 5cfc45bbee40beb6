// Package ring carries events from many producer processes to one consumer process through shared
// memory: one file and one bounded queue per producer process, filled by any number of its
// goroutines.
//
// What it promises:
//
//   - [Producer.Claim], [Claim.Commit] and [Producer.Put] make no system call, take no lock,
//     allocate nothing and never wait: an event that finds the queue full is dropped and counted in
//     the file;
//   - events of one goroutine arrive in the order of their claims;
//   - a process may be killed at any instruction. A dead producer's finished events are still
//     delivered, what it left unfinished is skipped and counted, its file is removed. While the
//     consumer is dead the queues fill, then drop and count; its successor loses nothing and gets
//     at most one event of each ring twice: the one that was being handled when the consumer died,
//     before the store to its cell's sequence word that frees the cell;
//   - liveness is a lock that the kernel holds for the producer's open file, never a pid;
//   - the consumer trusts no byte of a file: it keeps its position in its own memory, copies an
//     event before the event is parsed, checks every word, and survives a file that is truncated
//     under it. A damaged or hostile ring can stall or corrupt only its own events, and what is
//     lost to damage is counted.
//
// A [Set] serves all rings of a directory. The queue is Dmitry Vyukov's bounded queue
// (https://www.1024cores.net/home/lock-free-algorithms/queues/bounded-mpmc-queue) with a consumer
// that frees a cell only after its event has been handled.
package ring
