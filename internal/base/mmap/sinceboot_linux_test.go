package mmap_test

import (
	"testing"
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
)

func TestSinceBootGoesOn(t *testing.T) {
	before, ok := mmap.SinceBoot()
	time.Sleep(10 * time.Millisecond)
	after, ok2 := mmap.SinceBoot()
	if passed := time.Duration(after - before); !ok || !ok2 || passed < 10*time.Millisecond ||
		passed > time.Minute {
		t.Errorf("%v passed in ten milliseconds (%v, %v)", passed, ok, ok2)
	}
}
