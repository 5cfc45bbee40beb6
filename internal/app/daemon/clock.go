package daemon

import (
	"hash/fnv"
	"os"
	"time"

	"github.com/headgate/headgate/featurestore/window"
	"github.com/headgate/headgate/internal/base/mmap"
)

// openClock returns a function that reads this machine's clocks: the wall clock, and the clock that
// counts from the boot on, also while the machine sleeps.
func openClock() func() window.Instant {
	boot, running := bootID("/proc/sys/kernel/random/boot_id", "/proc/self/ns/time"), sinceBoot
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
			before = now.Running // the process was stopped between the two reads
		}
	}
}

func sinceBoot() int64 {
	ns, _ := mmap.SinceBoot()
	return ns
}

// bootID identifies the origin of the running clock: the boot, and the time namespace, which shifts
// it. It returns 0 if either cannot be read.
func bootID(id, namespace string) uint64 {
	text, err := os.ReadFile(id)
	if err != nil {
		return 0
	}
	space, _ := os.Readlink(namespace) // missing before Linux 5.6
	h := fnv.New64a()
	h.Write(text)
	h.Write([]byte(space))
	return h.Sum64()
}
