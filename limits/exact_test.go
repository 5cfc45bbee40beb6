package limits

import "testing"

// A state that was read before a slot changed hands must not be exchangeable
// after, even if the slot has come back to the same key with the same count.
func TestSlotGenerations(t *testing.T) {
	table := newExactTable(1)
	const key, other = 1, 2
	p := table.assign(key)
	slot := table.at(p)
	old, ok := slot.load(key)
	if !ok || old.count() != 0 {
		t.Fatalf("the new slot's state is %#x, %v", old, ok)
	}
	for _, owner := range []uint64{other, key} {
		if !slot.give(owner) {
			t.Fatalf("the idle slot was not given to %d", owner)
		}
		if slot.swap(old, old+1) {
			t.Fatalf("a stale state was exchanged after the slot went to %d", owner)
		}
	}
	slot.state.Store(uint64(slotState(slot.state.Load()) | ^(slotGeneration - 1))) // the last generation
	if !slot.give(other) || table.find(other) != p {
		t.Error("the generation does not come round")
	}
}

// A slot with something in flight, or pinned, is nobody else's.
func TestSlotsAreKept(t *testing.T) {
	table, spill := newExactTable(slotsPerSet), smallSketch()
	for key := uint64(1); key <= slotsPerSet; key++ {
		if key%2 == 0 {
			if !table.pin(key, &spill) {
				t.Fatalf("key %d was not pinned", key)
			}
			continue
		}
		e, found := table.enter(table.assign(key), key, 1, &spill)
		if !found || !e.admitted || !e.exact || e.estimate != 1 {
			t.Fatalf("key %d: %+v, %v", key, e, found)
		}
	}
	if table.assign(100) != 0 || table.pin(100, &spill) {
		t.Error("a slot in use was given away")
	}
	table.leave(table.find(1))
	table.unpin(2)
	if !table.pin(100, &spill) || !table.pin(101, &spill) || table.pin(102, &spill) {
		t.Error("want exactly the two free slots given away")
	}
	if table.find(1) != 0 || table.find(2) != 0 || table.find(3) == 0 {
		t.Error("the wrong slots were given away")
	}
}

// No hash is special: zero is also what an unused slot contains.
func TestHashZeroIsAKey(t *testing.T) {
	table, spill := newExactTable(slotsPerSet), smallSketch()
	if table.find(0) != 0 {
		t.Fatal("an empty table has the key 0")
	}
	p := table.assign(0)
	if p == 0 || table.find(0) != p {
		t.Fatalf("place %d, found at %d", p, table.find(0))
	}
	if e, found := table.enter(p, 0, 1, &spill); !found || !e.admitted {
		t.Errorf("%+v, %v", e, found)
	}
}

// Every hash has a set, and the largest table is no larger than promised.
func TestSetsOfTheTable(t *testing.T) {
	for _, slots := range []int{0, 1, 8, 9, 256, MaxExactKeys, 10 * MaxExactKeys} {
		table := newExactTable(slots)
		if n := len(table.sets) * slotsPerSet; n < min(slots, MaxExactKeys) || n > MaxExactKeys {
			t.Errorf("%d slots for %d", n, slots)
		}
		for _, hash := range []uint64{0, 1, 1 << 31, 1 << 32, 1 << 63, ^uint64(0)} {
			if i := table.set(hash); i < 0 || i >= len(table.sets) {
				t.Errorf("set %d of %d for hash %#x", i, len(table.sets), hash)
			}
		}
	}
}

func smallSketch() sketch {
	g := geometry{rows: 2, width: 8}
	return newSketch(g, make([]uint64, g.cells()))
}
