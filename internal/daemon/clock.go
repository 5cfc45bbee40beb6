package daemon

import (
	"hash/fnv"
	"os"
	"time"

	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/mmap"
)

// openClock returns a function that reads the clocks of this machine: the wall clock, and beside it the one that counts
// from the boot on, also while the machine sleeps.
func openClock() func() window.Instant {
	boot, running := bootOf("/proc/sys/kernel/random/boot_id", "/proc/self/ns/time"), sinceBoot
	if _, ok := mmap.SinceBoot(); !ok {
		start := time.Now()
		boot, running = 0, func() int64 { return int64(time.Since(start)) }
	}
	return func() window.Instant {
		before := running()
		for try := 0; ; try++ {
			now := window.Instant{Wall: time.Now().UnixNano(), Boot: boot, Running: running()}
			if now.Running-before < int64(100*time.Millisecond) || try == 3 {
				return now
			}
			before = now.Running // the process stood still between the two
		}
	}
}

func sinceBoot() int64 {
	ns, _ := mmap.SinceBoot()
	return ns
}

// bootOf identifies what the running clock counts from: the boot, and the time namespace, which moves that. What cannot
// be read leaves 0: nothing is known of other boots.
func bootOf(id, namespace string) uint64 {
	text, err := os.ReadFile(id)
	if err != nil {
		return 0
	}
	space, _ := os.Readlink(namespace) // there is none before Linux 5.6
	h := fnv.New64a()
	h.Write(text)
	h.Write([]byte(space))
	return h.Sum64()
}
