//go:build !race

package mmapsync

// RaceEnabled says whether the race detector watches, which does not see what orders accesses to
// mapped memory.
const RaceEnabled = false
