package mmapsync

// Stats is what a Writer has done since OpenWriter, and the size of its files.
type Stats struct {
	Publications uint64 // by Publish and Update
	// data files made: the first two, larger ones, and those in place of files with a stuck reader
	Replacements uint64
	Retirements  uint64 // slots whose holds lasted longer than the grace time
	Rebuilds     uint64 // times that damaged files were made again, at the start and since
	Slots        int    // for readers, in the registry
	SlotsTaken   int    // of these, those of living readers
	Bytes        int64  // length of the two data files

	// HugeBytes is how much of Bytes is known to be in huge pages, where random access is faster.
	// It is nearly all of a snapshot of many MiB on a tmpfs of Linux 6.1 or later, unless memory is
	// short or scattered. It is unknown for files that another Writer made.
	HugeBytes int64

	// Damage is the last damage that was found, mostly a [*FormatError]; nil if there was none.
	Damage error
}

// Stats returns the Writer's figures. A closed Writer has no files any more. Counting the slots
// taken makes about two system calls for each reader.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	stats := w.stats
	if w.registry != nil {
		stats.Slots, stats.SlotsTaken = w.registry.slots, w.registry.takenSlots()
	}
	for _, d := range w.data {
		if d != nil {
			stats.Bytes += int64(len(d.memory))
			stats.HugeBytes += d.file.huge()
		}
	}
	return stats
}
