package mmapsync_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/headgate/headgate/mmapsync"
)

// One process publishes, and any number of processes read.
func Example() {
	dir, err := os.MkdirTemp("", "mmapsync")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "table")

	writer, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer writer.Close()
	if _, err := writer.Publish([]byte("first")); err != nil {
		log.Fatal(err)
	}

	reader, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	old, err := reader.Acquire()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := writer.Publish([]byte("second")); err != nil {
		log.Fatal(err)
	}
	current, err := reader.Acquire()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, then %s\n", old.Bytes(), current.Bytes()) // each is valid until its Release
	old.Release()
	current.Release()
	// Output: first, then second
}

// A reader may start before its writer has published.
func ExampleReader_Acquire() {
	dir, err := os.MkdirTemp("", "mmapsync")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "table")
	writer, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer writer.Close()
	reader, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	snapshot, err := reader.Acquire()
	fmt.Println(errors.Is(err, mmapsync.ErrNotPublished), snapshot.Version())
	// Output: true 0
}

// An update changes a large snapshot without writing all of it. The file that fill gets has an
// older publication: what has changed since then has to be written again.
func ExampleWriter_Update() {
	dir, err := os.MkdirTemp("", "mmapsync")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	writer, err := mmapsync.OpenWriter(filepath.Join(dir, "counters"), mmapsync.WriterOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer writer.Close()

	counters := make([]byte, 8*1000)
	var changed []int // since the last publication but one
	set := func(i int, n uint64) {
		binary.LittleEndian.PutUint64(counters[8*i:], n)
		changed = append(changed, i)
		_, err := writer.Update(len(counters), func(c *mmapsync.Copy) error {
			if c.Holds == 0 {
				copy(c.Bytes, counters)
				return nil
			}
			for _, i := range changed {
				copy(c.Bytes[8*i:8*i+8], counters[8*i:])
			}
			return nil
		})
		if err != nil {
			log.Fatal(err)
		}
		changed = changed[max(0, len(changed)-2):]
	}
	for i := range uint64(5) {
		set(int(100*i), i)
	}
	err = writer.View(func(content []byte) error {
		fmt.Println(bytes.Equal(content, counters))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: true
}

// Verify recomputes the hash of a publication.
func ExampleSnapshot_Verify() {
	dir, err := os.MkdirTemp("", "mmapsync")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "table")
	writer, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer writer.Close()
	version, err := writer.Publish([]byte("content"))
	if err != nil {
		log.Fatal(err)
	}
	reader, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer reader.Close()
	snapshot, err := reader.Acquire()
	if err != nil {
		log.Fatal(err)
	}
	defer snapshot.Release()
	fmt.Println(snapshot.Version() == version, version.Size(), snapshot.Verify())
	// Output: true 7 <nil>
}
