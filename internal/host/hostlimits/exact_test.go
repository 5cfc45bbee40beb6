package hostlimits

import (
	"testing"

	"github.com/headgate/headgate/internal/base/countmin"
)

// A tag that was read before its counter was closed and left to its key is not the tag after: what
// was decided by it, such as that the key has nothing in the sketch, does not hold any more.
func TestTagsOfSlotsThatWereReopened(t *testing.T) {
	table := smallTable(1)
	p := table.assign(numbered(1)).where
	table.pin(numbered(1))
	counter := uint(p - 1)
	before := table.tag(counter)
	if !before.has(tagSettled) || !before.sameOwner(before&^tagSettled) {
		t.Fatalf("the tag of a pinned key is %#x, want it settled", before)
	}
	table.storeTag(counter, before|tagClosing)
	if o, _ := table.find(numbered(1)); o.where != 0 {
		t.Error("a key counts in a counter that is being closed")
	}
	table.reopen(counter, before)
	if after := table.tag(counter); after.has(tagSettled) || before.sameOwner(after) ||
		table.whereIs(1) != p {
		t.Errorf("the tag was %#x and is %#x, found at %d", before, after, table.whereIs(1))
	}
}

// A counter with something in flight, or pinned, is not assigned to another key.
func TestSlotsAreKept(t *testing.T) {
	table := smallTable(countersPerSet)
	for key := uint64(1); key <= countersPerSet; key++ {
		if key%2 == 0 {
			if !table.pin(numbered(key)) {
				t.Fatalf("key %d was not pinned", key)
			}
			continue
		}
		e := entry{threshold: 1}
		found := table.enter(&e, table.assign(numbered(key)), key)
		if !found || !e.admitted || e.estimate != 1 {
			t.Fatalf("key %d: %+v, %v", key, e, found)
		}
	}
	if table.assign(numbered(100)).where != 0 || table.pin(numbered(100)) {
		t.Error("a counter in use was given away")
	}
	table.leave(table.whereIs(1))
	table.unpin(numbered(2))
	if !table.pin(numbered(100)) || !table.pin(numbered(101)) || table.pin(numbered(102)) {
		t.Error("want exactly the two free counters given away")
	}
	if table.whereIs(1) != 0 || table.whereIs(2) != 0 || table.whereIs(3) == 0 {
		t.Error("the wrong counters were given away")
	}
}

// No hash is special: zero is also what an unused counter contains.
func TestHashZeroIsAKey(t *testing.T) {
	table := smallTable(countersPerSet)
	if table.whereIs(0) != 0 {
		t.Fatal("an empty table has the key 0")
	}
	o := table.assign(numbered(0))
	if found := table.whereIs(0); o.where == 0 || found != o.where {
		t.Fatalf("place %d, found at %d", o.where, found)
	}
	e := entry{threshold: 1}
	if found := table.enter(&e, o, 0); !found || !e.admitted {
		t.Errorf("%+v, %v", e, found)
	}
}

// Every hash has a set, and the largest table is at most as large as promised.
func TestSetsOfTheTable(t *testing.T) {
	for _, counters := range []int{0, 1, 8, 9, 256, MaxExactKeys, 10 * MaxExactKeys} {
		table := smallTable(counters)
		if n := table.counters(); n < min(counters, MaxExactKeys) || n > MaxExactKeys {
			t.Errorf("%d counters for %d", n, counters)
		}
		for _, hash := range []uint64{0, 1, 1 << 31, 1 << 32, 1 << 63, ^uint64(0)} {
			if i := table.set(hash); i >= table.sets {
				t.Errorf("set %d of %d for hash %#x", i, table.sets, hash)
			}
		}
	}
}

func smallTable(counters int) *ledgers {
	l := newLedgers(shape{Geometry: countmin.Geometry{Rows: 2, Width: 8},
		sets: exactSets(counters)})
	return &l
}

// numbered is a key of which nothing matters but its hash.
func numbered(hash uint64) key { return key{hash: hash} }

func (l *ledgers) whereIs(hash uint64) Where {
	o, _ := l.find(numbered(hash))
	return o.where
}
