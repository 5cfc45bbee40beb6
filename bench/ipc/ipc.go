// Package ipc measures how long a message of 1,024 bytes takes from one process to another and back, by every means that Linux offers: the table
// of the public study "ipc-bench" (https://github.com/goldsborough/ipc-bench), in one run, with headgate's snapshots beside them.
//
// All means use the plain system calls on blocking descriptors, without the Go network poller. Those that share memory copy the message in
// and out, as the kernel does for the others; those without a notification of their own (shared memory, mapped file, snapshots) spin.
package ipc

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/headgate/headgate/bench/harness"
)

// Suite compares the means.
var Suite = harness.Suite{Name: "ipc", About: "1,024-byte ping-pongs between two processes, by every means", Run: run}

const (
	messageSize = 1024
	warmUp      = 200 // round trips before the clock starts: the other process has to come up
	childRole   = "ipc"
)

func init() { harness.RegisterChild(childRole, answer) }

func run(r *harness.Run) error {
	trips := r.Size(10_000, 150_000) // of each round; seven rounds make more than a million
	var implementations []harness.Implementation
	for _, m := range media {
		implementations = append(implementations, harness.Implementation{Name: m.name, Measure: func() ([]harness.Measurement, error) {
			return pingPong(m, trips)
		}})
	}
	return r.Compare("1,024 B there and back", implementations)
}

// pingPong starts the other process and makes round trips with it.
func pingPong(m medium, trips int) (_ []harness.Measurement, err error) {
	dir, err := os.MkdirTemp(m.folder(), "headgate-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	shared, err := m.prepare(dir)
	if err != nil {
		return nil, err
	}
	defer closeAll(shared)
	child, err := harness.Child(childRole, m.name, dir, strconv.Itoa(warmUp+trips))
	if err != nil {
		return nil, err
	}
	child.ExtraFiles = shared
	if err := child.Start(); err != nil {
		return nil, err
	}
	watchdog := time.AfterFunc(time.Minute+time.Duration(trips)*time.Millisecond, func() { _ = child.Process.Kill() })
	defer watchdog.Stop()
	took, err := ask(m, dir, shared, trips)
	if err != nil {
		_ = child.Process.Kill()
		_ = child.Wait()
		return nil, err
	}
	if err := child.Wait(); err != nil {
		return nil, err
	}
	return []harness.Measurement{{Metric: "round trip", Unit: "ns", Value: float64(took) / float64(trips), N: int64(trips)}}, nil
}

// ask is the side that measures: it sends, and checks that what comes back is the answer to that.
func ask(m medium, dir string, shared []*os.File, trips int) (took time.Duration, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	l, err := m.open(dir, asking, shared)
	if err != nil {
		return 0, err
	}
	defer l.close()
	message := make([]byte, messageSize)
	var start time.Time
	for i := range warmUp + trips {
		if i == warmUp {
			start = time.Now()
		}
		message[0], message[messageSize-1] = byte(i), byte(i>>8)
		if err := l.send(message); err != nil {
			return 0, err
		}
		if err := l.receive(message); err != nil {
			return 0, err
		}
		if message[0] != ^byte(i) || message[messageSize-1] != ^byte(i>>8) {
			return 0, fmt.Errorf("the answer to message %d is another's", i)
		}
	}
	return time.Since(start), nil
}

// answer is the other process.
func answer(args []string) error {
	runtime.LockOSThread()
	name, dir := args[0], args[1]
	trips, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	m := mediumByName(name)
	l, err := m.open(dir, answering, inherited(m.descriptors))
	if err != nil {
		return err
	}
	defer l.close()
	message := make([]byte, messageSize)
	for range trips {
		if err := l.receive(message); err != nil {
			return err
		}
		message[0], message[messageSize-1] = ^message[0], ^message[messageSize-1]
		if err := l.send(message); err != nil {
			return err
		}
	}
	return nil
}

// inherited returns the descriptors that the parent has handed over.
func inherited(n int) (files []*os.File) {
	for i := range n {
		files = append(files, os.NewFile(uintptr(3+i), "inherited"))
	}
	return files
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
