//go:build !race

// The race detector performs atomic operations in C code, where a fault ends the process; without
// it, and so in every program that is shipped, the fault becomes a panic.

package proxyhook_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/limits"
	"github.com/headgate/headgate/proxyhook"
)

// cuts are ways to truncate the feature files under the running filter.
var cuts = []struct {
	files string
	size  int64
	grow  bool // back to the old size: the bytes are zeros then
}{
	{"data_*", 0, false}, {"data_*", 4096, false}, {"data_*", 0, true}, {"data_*", 100, true},
	{"state", 0, false}, {"readers", 0, false}, {"readers", 0, true}, {"*", 0, false},
}

// The one that meets a cut first, a request or the supervisor's look ahead of the requests, meets
// one fault. The request is allowed, the process lives, and the features come back when the files
// have been made anew.
func TestFeatureFilesAreTruncated(t *testing.T) {
	unsupervised(t)
	for _, c := range cuts {
		for _, ahead := range []bool{false, true} {
			h := newHost(t)
			now := time.Now()
			h.publish(now, visits(10, now)...)
			f := h.filter(proxyhook.Config{Policy: proxyhook.Thresholds{DenyBelow: 2}})
			if d := decide(f); d.Action != proxyhook.Deny || d.Score != knownBot {
				t.Fatalf("%v: %+v", c, d)
			}
			h.stopPublisher() // it would meet the fault, too
			truncate(t, h.dir.Features()+"_"+c.files, c.size, c.grow)
			if ahead {
				proxyhook.Warm(f)
			}
			for i := range 20 {
				if i == 10 {
					proxyhook.Maintain(f)
				}
				d := decide(f)
				if d.Score != knownBot && d.Action != proxyhook.Allow { // what is left of the files may still serve
					t.Errorf("%v: %+v", c, d)
				}
			}
			s, decisions := f.Stats(), uint64(1)
			if ahead {
				decisions = 0
			}
			if !c.grow && c.size == 0 && (s.Faults != 1 || s.Reasons[proxyhook.FaultCaught] != decisions) {
				t.Errorf("%v, ahead %v: %d faults, %d of decisions, want 1 and %d",
					c, ahead, s.Faults, s.Reasons[proxyhook.FaultCaught], decisions)
			}
			if s.Decisions != 21 || s.Action(proxyhook.Allow)+s.Action(proxyhook.Deny) != 21 {
				t.Errorf("%v: %+v", c, s)
			}
			h.featuresReturn(f)
		}
	}
}

// featuresReturn has the files made anew, and f read them.
func (h *host) featuresReturn(f *proxyhook.Filter) {
	h.t.Helper()
	h.removeFeatures()
	h.publish(time.Now(), visits(10, time.Now())...)
	proxyhook.Maintain(f)
	if d := decide(f); d.Score != knownBot {
		h.t.Errorf("%+v after the files were made anew", d)
	}
}

// Requests, the look ahead of them and the supervisor meet a cut all at once: each may meet one
// fault before the first has told the others, and none ends the process or causes a wrong score.
func TestManyMeetOneTruncation(t *testing.T) {
	unsupervised(t)
	const requests, each = 4, 200
	for _, c := range cuts {
		h := newHost(t)
		now := time.Now()
		h.publish(now, visits(10, now)...)
		f := h.filter(proxyhook.Config{})
		h.stopPublisher()
		var all sync.WaitGroup
		for range requests {
			all.Go(func() {
				for range each {
					if d := decide(f); d.Score != 0 && d.Score != knownBot && d.Score != modelScore[0] {
						t.Errorf("%v: %+v", c, d)
					}
				}
			})
		}
		all.Go(func() {
			for range each {
				proxyhook.Warm(f)
			}
		})
		all.Go(func() { proxyhook.Maintain(f) })
		truncate(t, h.dir.Features()+"_"+c.files, c.size, c.grow)
		all.Wait()
		// Where Maintain has opened the files before the cut took place, all of them may meet a
		// second connection's.
		s := f.Stats()
		if s.Decisions != requests*each || s.Faults > 2*(requests+2) || s.Reasons[proxyhook.FaultCaught] > s.Faults {
			t.Errorf("%v: %+v", c, s)
		}
		h.featuresReturn(f)
	}
}

// truncate cuts the files that match.
func truncate(t *testing.T, pattern string, size int64, grow bool) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	must(t, err)
	if len(files) == 0 {
		t.Fatalf("no files %s", pattern)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		must(t, err)
		must(t, os.Truncate(file, size))
		if grow {
			must(t, os.Truncate(file, info.Size()))
		}
	}
}

func TestRingIsTruncated(t *testing.T) {
	unsupervised(t)
	for _, size := range []int64{0, 4096} {
		h := newHost(t)
		f := h.filter(proxyhook.Config{})
		first := f.Ring()
		must(t, os.Truncate(first.Path(), size))
		const n = 100
		for range n {
			ev := visit(1, 0)
			f.Done(&ev, limits.Ticket{})
		}
		if s := f.Stats(); s.Faults != 1 || s.Events+s.Dropped != n || s.Dropped == 0 {
			t.Errorf("size %d: %+v", size, s)
		}
		proxyhook.Maintain(f)
		before := f.Stats().Events
		ev := visit(7, 0)
		f.Done(&ev, limits.Ticket{})
		events := h.events()
		if f.Stats().Events != before+1 || len(events) == 0 || events[len(events)-1].Client != ev.Client {
			t.Errorf("size %d: the new ring gives %v; %+v", size, events, f.Stats())
		}
	}
}

// A fault in the middle of a decision must leave nothing behind: no slot held in the registry, no
// scratch memory lost for good.
func TestManyFaults(t *testing.T) {
	unsupervised(t)
	h := newHost(t)
	f := h.filter(proxyhook.Config{})
	for range 20 {
		h.publish(time.Now(), visits(10, time.Now())...)
		proxyhook.Maintain(f)
		if d := decide(f); d.Score != knownBot {
			t.Fatalf("%+v", d)
		}
		h.stopPublisher()
		truncate(t, h.dir.Features()+"_data_*", 0, false)
		decide(f)
		h.removeFeatures()
	}
	if s := f.Stats(); s.Faults < 20 {
		t.Errorf("%+v", s)
	}
}

// A model is replaced while the files are cut: it scores without features, which come back for it.
func TestModelIsReplacedOverTruncatedFiles(t *testing.T) {
	unsupervised(t)
	for _, c := range cuts {
		h := newHost(t)
		now := time.Now()
		h.publish(now, visits(10, now)...)
		f := h.filter(proxyhook.Config{})
		h.stopPublisher()
		truncate(t, h.dir.Features()+"_"+c.files, c.size, c.grow)
		if err := f.ReplaceModel(loadModel(t, lateModel)); err == nil {
			t.Errorf("%v: a model with an unknown feature is taken", c)
		}
		must(t, f.ReplaceShadow(loadModel(t, testModel)))
		must(t, f.ReplaceModel(loadModel(t, turnedModel)))
		for range 3 {
			if d := decide(f); d.Score != turnedKnown && d.Score != turnedScoreOf[0] && d.Score != 0 { // what is left of the files may serve
				t.Errorf("%v: %+v", c, d)
			}
		}
		if s := f.Stats(); s.Faults > 2 {
			t.Errorf("%v: %d faults", c, s.Faults)
		}
		h.removeFeatures()
		h.publish(time.Now(), visits(10, time.Now())...)
		proxyhook.Maintain(f)
		if d := decide(f); d.Score != turnedKnown {
			t.Errorf("%v: %+v after the files were made anew", c, d)
		}
	}
}
