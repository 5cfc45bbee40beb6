package mmapsync

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/headgate/headgate/internal/base/mmap"
)

// sampleSet is a sound set of files, active data file 1, by suffix.
func sampleSet(t testing.TB) map[string][]byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample")
	w, err := OpenWriter(path, WriterOptions{Slots: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"first", "second"} {
		if _, err := w.Publish([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	set := map[string][]byte{}
	for _, suffix := range []string{"_state", "_readers", "_data_0", "_data_1"} {
		if set[suffix], err = os.ReadFile(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

func FuzzFooter(f *testing.F) {
	sound := sampleSet(f)["_data_1"]
	sound = sound[len(sound)-footerSize:]
	if _, err := decodeIdentity(sound, 4096); err != nil {
		f.Fatalf("the seed is refused: %v", err)
	}
	f.Add(sound, int64(4096))
	f.Add(sound, int64(8192))
	f.Add(make([]byte, footerSize), int64(4096))
	f.Fuzz(func(t *testing.T, footer []byte, length int64) {
		if len(footer) < footerSize || length < dataAlignment || length%dataAlignment != 0 {
			return
		}
		footer = footer[:footerSize]
		id, err := decodeIdentity(footer, length)
		if err != nil {
			if _, ok := refusal(err); !ok {
				t.Fatalf("%v is not a refusal", err)
			}
			return
		}
		again := slices.Clone(footer)
		encodeIdentity(again, id)
		if !slices.Equal(again, footer) || id.capacity != length-footerSize || id.index&^1 != 0 {
			t.Fatalf("%+v does not encode to what it was decoded from", id)
		}
	})
}

func FuzzRegistry(f *testing.F) {
	sound := sampleSet(f)["_readers"]
	if slots, err := decodeRegistry(sound); slots != 2 || err != nil {
		f.Fatalf("the seed is refused: %d slots, %v", slots, err)
	}
	f.Add(sound)
	f.Add(sound[:registryHeader])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, memory []byte) {
		slots, err := decodeRegistry(memory)
		if err != nil {
			if _, ok := refusal(err); !ok {
				t.Fatalf("%v is not a refusal", err)
			}
			return
		}
		aligned := mmap.Aligned(len(memory))
		copy(aligned, memory)
		r := newRegistry(nil, aligned, slots)
		for k := range slots {
			r.word(k).Add(1) // in bounds and aligned
		}
	})
}

// FuzzFiles opens a set of arbitrary files, reads it, and lets a writer try. Nothing may panic, and
// what a writer accepts must be readable afterwards.
func FuzzFiles(f *testing.F) {
	sound := sampleSet(f)
	if len(sound) != 4 {
		f.Fatal("the seed set is incomplete")
	}
	f.Add(sound["_state"], sound["_readers"], sound["_data_0"], sound["_data_1"])
	// of mmap-sync 2.0.4
	f.Add([]byte("\x02\x00\x00\x00\x00\xce\xc7\x50\x00\x00\x00\x00\x00\x00\x00\x00"), []byte{},
		[]byte{1}, []byte{})
	for suffix := range maps.Keys(sound) {
		for _, offset := range []int{0, 8, 12, 16, -8, -16, -24, -40, -64} {
			set := maps.Clone(sound)
			set[suffix] = slices.Clone(set[suffix])
			if offset < 0 {
				offset += len(set[suffix])
			}
			if offset >= 0 && offset < len(set[suffix]) {
				set[suffix][offset] ^= 0x41
				f.Add(set["_state"], set["_readers"], set["_data_0"], set["_data_1"])
			}
		}
	}
	f.Fuzz(func(t *testing.T, state, registry, data0, data1 []byte) {
		h := newHeap()
		for suffix, content := range map[string][]byte{"_state": state, "_readers": registry,
			"_data_0": data0, "_data_1": data1} {
			h.nodes["table"+suffix] = node(content)
		}
		fuzzRead(t, h, ReaderOptions{})
		delete(h.nodes, "table_readers") // the same as files of mmap-sync
		fuzzRead(t, h, ReaderOptions{Foreign: true})
		h.nodes["table_readers"] = node(registry)
		w, err := openWriter(h.process(), "table", WriterOptions{Grace: -1})
		if err != nil {
			return
		}
		defer w.Close()
		fuzzRead(t, h, ReaderOptions{})
		for range 2 {
			publish(t, w, "content")
		}
		expect(t, h.process().reader(t), "content")
	})
}

func node(content []byte) *heapNode {
	memory := mmap.Aligned(len(content))
	copy(memory, content)
	return &heapNode{memory: memory, named: true, locks: map[int64]*heapFile{}}
}

func fuzzRead(t *testing.T, h *heap, opts ReaderOptions) {
	r, err := openReader(h.process(), "table", opts)
	if err != nil {
		return
	}
	s, err := r.Acquire()
	var damaged *FormatError
	unproven := opts.Foreign && errors.Is(err, ErrNotHashed) // published by Update
	if err != nil && !errors.Is(err, ErrNotPublished) && !errors.As(err, &damaged) && !unproven {
		t.Fatalf("Acquire says %v", err)
	}
	if int64(len(s.Bytes())) != s.Version().Size() && err == nil {
		t.Fatalf("%d bytes, the version says %d", len(s.Bytes()), s.Version().Size())
	}
	s.Verify()
	s.Release()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
