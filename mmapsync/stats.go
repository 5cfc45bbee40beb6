package mmapsync

// Stats is what a Writer has done since OpenWriter, and what its files take.
type Stats struct {
	Publications uint64 // by Publish and Update
	Replacements uint64 // data files made anew: the first two, larger ones, and those that somebody would not let go of
	Retirements  uint64 // slots that were given up, because they held on for longer than the grace time
	Rebuilds     uint64 // times that damaged files were made anew, at the start and since
	Slots        int    // for readers, in the registry
	SlotsTaken   int    // of these, those that living readers have
	Bytes        int64  // length of the two data files in place

	// HugeBytes is how much of Bytes is known to be in huge pages, where random access is faster. It is nearly all of a
	// snapshot of many MiB on a tmpfs of Linux 6.1 or later, unless memory is short or scattered. Of files that another
	// Writer made it is not known.
	HugeBytes int64

	// Damage is what was found damaged last, mostly a [*FormatError]; nil: nothing.
	Damage error
}

// Stats returns the Writer's figures; those of a closed one are of no files any more. To count the slots taken makes about two
// system calls for each reader.
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
