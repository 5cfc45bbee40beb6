// Mmapsync publishes bytes to other processes of a host, and prints what is published.
//
//	mmapsync publish /dev/shm/greeting 'good morning'
//	mmapsync read /dev/shm/greeting
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/headgate/headgate/mmapsync"
)

func main() {
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "publish":
		err = publish(args[1], args[2])
	case len(args) == 2 && args[0] == "read":
		err = read(os.Stdout, args[1])
	default:
		log.Fatal("usage: mmapsync publish PATH TEXT | mmapsync read PATH")
	}
	if err != nil {
		log.Fatal(err)
	}
}

// publish makes text the current snapshot of path. It stays published when the writer has ended.
func publish(path, text string) error {
	writer, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	if err != nil {
		return err
	}
	_, err = writer.Publish([]byte(text))
	return errors.Join(err, writer.Close())
}

// read prints the current snapshot of path. Its bytes are mapped, not copied, and no writer changes
// them before Release.
func read(out io.Writer, path string) error {
	reader, err := mmapsync.OpenReader(path, mmapsync.ReaderOptions{})
	if err != nil {
		return err
	}
	defer reader.Close()
	snapshot, err := reader.Acquire()
	if err != nil {
		return err
	}
	defer snapshot.Release()
	_, err = fmt.Fprintf(out, "%s\n", snapshot.Bytes())
	return err
}
