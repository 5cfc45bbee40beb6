package suites

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/headgate/headgate/bench/harness"
	"github.com/headgate/headgate/mmapsync"
)

// Mmapsync compares the read and write paths with those of the Rust crate that the state file's format is from.
var Mmapsync = harness.Suite{Name: "mmapsync", About: "snapshots: read and write paths, against the Rust crate mmap-sync",
	NeedsPeer: true, Run: runMmapsync}

// smallSize is the payload of the crate's own benchmark.
const smallSize = 36

func runMmapsync(r *harness.Run) error {
	dir, err := memoryDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	peer, err := startBuilt("mmap_sync_peer", filepath.Join(dir, "crate"))
	if err := r.Miss(err); err != nil {
		return err
	}
	if peer != nil {
		defer peer.Close()
	}
	if err := compareReads(r, dir, peer); err != nil {
		return err
	}
	for _, size := range []int{smallSize, 4096, 1 << 20} {
		if err := comparePublications(r, dir, peer, size); err != nil {
			return err
		}
	}
	return nil
}

// compareReads measures acquire, one look at the payload, release.
func compareReads(r *harness.Run, dir string, peer *harness.Driver) error {
	path := filepath.Join(dir, "read")
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		return err
	}
	defer w.Close()
	payload := []byte(strings.Repeat("7", smallSize))
	if _, err := w.Publish(payload); err != nil {
		return err
	}
	reader, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		return err
	}
	defer reader.Close()
	n := r.Size(10_000_000, 40_000_000)
	implementations := []harness.Implementation{{Name: harness.Headgate, Measure: func() ([]harness.Measurement, error) {
		var failed error
		return harness.Timed(n, func(n int) { failed = lookOften(reader, n) }), failed
	}}}
	if peer != nil {
		implementations = append(implementations,
			asked("mmap-sync, without byte checks", peer, fmt.Sprintf("read unchecked %d", n)),
			asked("mmap-sync, with byte checks", peer, fmt.Sprintf("read checked %d", n)))
	}
	return r.Compare("read 36 B", implementations)
}

// lookOften is compiled by itself: a build with a profile inlines what is called in a frame that the profile names.
//
//go:noinline
func lookOften(reader *mmapsync.Reader, n int) error {
	for range n {
		snapshot, err := reader.Acquire()
		if err != nil {
			return err
		}
		if snapshot.Bytes()[0] != '7' {
			return errors.New("another value than was published")
		}
		snapshot.Release()
	}
	return nil
}

func comparePublications(r *harness.Run, dir string, peer *harness.Driver, size int) error {
	w, err := mmapsync.OpenWriter(filepath.Join(dir, fmt.Sprintf("publish-%d", size)), mmapsync.WriterOptions{})
	if err != nil {
		return err
	}
	defer w.Close()
	payload := make([]byte, size)
	n := max(r.Size(200<<20, 1<<30)/(size+1000), 10)
	implementations := []harness.Implementation{{Name: harness.Headgate, Measure: func() ([]harness.Measurement, error) {
		var failed error
		return harness.Timed(n, func(n int) {
			for i := range n {
				payload[0] = byte(i)
				if _, err := w.Publish(payload); err != nil {
					failed = err
				}
			}
		}), failed
	}}}
	if peer != nil {
		implementations = append(implementations, asked("mmap-sync write_raw", peer, fmt.Sprintf("publish %d %d", size, n)))
	}
	return r.Compare("publish "+sizeText(size), implementations)
}

func sizeText(size int) string {
	switch {
	case size >= 1<<20:
		return fmt.Sprintf("%d MiB", size>>20)
	case size >= 1<<10:
		return fmt.Sprintf("%d KiB", size>>10)
	}
	return fmt.Sprintf("%d B", size)
}
