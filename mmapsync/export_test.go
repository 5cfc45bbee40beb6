package mmapsync

// ForeignHash is what a writer of mmap-sync announces the low bits of.
func ForeignHash(content []byte) uint64 { return foreignHash(content) }
