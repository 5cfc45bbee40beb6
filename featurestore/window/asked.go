package window

import "time"

// asked remembers who asked for what: for each path of a host whether one network did or several,
// for a day after the last request for it, while there is room. Of fourteen paths of a block that
// is full, one that a single network asked for gives way first, and of those the one that was asked
// for longest ago, so that somebody who asks for random paths forgets nobody's but such.
//
//	words 4-31  fourteen times: the high half of the path's hash, 0: none; bits 0-15 of the network's hash, bits 16-30
//	            the hour of the last request, bit 31: several networks
type asked struct{ blocks *blocks }

const (
	askedEntries = 14
	askedHours   = 24
	hourMask     = 1<<15 - 1
	several      = 1 << 31
)

// askedKeys is for how many keys of Config.MaxKeys there is a block.
const askedKeys = 16

// cell returns the block of a path.
func (a *asked) cell(path uint64) []uint32 { return a.blocks.cell(path * 0x9e3779b97f4a7c15) }

// shared reports whether another network than this one asked for a path, given by its hash, and
// remembers that this one did.
func (a *asked) shared(path, network uint64, now int64) bool {
	cell := a.cell(path)
	tag, client := max(1, uint32(path>>32)), uint32(network>>48)
	hour := uint32(now/int64(time.Hour)) & hourMask
	entries := cell[headWords:]
	for i := 0; i < len(entries); i += 2 {
		if entry := &entries[i+1]; entries[i] == tag && entryAge(*entry, hour) <= askedHours {
			others := *entry&several != 0 || *entry&0xffff != client
			if *entry = client | hour<<16; others {
				*entry |= several
			}
			return others
		}
	}
	place := leastEntry(entries, hour)
	entries[place], entries[place+1] = tag, client|hour<<16
	return false
}

// leastEntry returns the index of the entry to replace.
func leastEntry(entries []uint32, hour uint32) (place int) {
	rank := uint32(0)
	for i := 0; i < len(entries); i += 2 {
		if r := entryRank(entries[i], entries[i+1], entryAge(entries[i+1], hour)); r > rank {
			place, rank = i, r
		}
	}
	return place
}

// entryAge is how many hours ago an entry was asked for last; 0 where that was later than now.
func entryAge(entry, hour uint32) uint32 {
	age := (hour - entry>>16) & hourMask
	if age > hourMask/2 {
		return 0
	}
	return age
}

// entryRank returns the rank of an entry: the highest is replaced first.
func entryRank(tag, entry, age uint32) uint32 {
	switch {
	case tag == 0 || age > askedHours:
		return 1 << 30
	case entry&several == 0:
		return 1<<20 + age
	}
	return 1 + age
}
