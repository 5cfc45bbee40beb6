package ipc

import (
	"os"

	"github.com/headgate/headgate/bench/harness"
)

// role tells the two ends of a link apart.
type role int

const (
	asking role = iota
	answering
)

// link is one end of a two-way connection for messages of messageSize bytes.
type link interface {
	send(message []byte) error
	receive(message []byte) error
	close() error
}

// medium is one means of communication between two processes.
type medium struct {
	name        string
	onDisk      bool // its files lie in the temporary folder; otherwise in memory, where there is /dev/shm
	descriptors int  // how many prepare returns
	make        func(dir string) ([]*os.File, error)
	open        func(dir string, r role, shared []*os.File) (link, error)
}

// media in the order of the report.
var media = []medium{
	{name: harness.Headgate, make: makeSnapshots, open: openSnapshots},
	{name: "shared memory", make: makeMailboxes, open: openMailboxes},
	{name: "memory-mapped file", onDisk: true, make: makeMailboxes, open: openMailboxes},
	{name: "eventfd + shared memory", descriptors: 2, make: makeEvents, open: openEvents},
	{name: "signal + shared memory", make: makeMailboxes, open: openSignals},
	{name: "pipe", descriptors: 4, make: makePipes, open: openPipes},
	{name: "FIFO", make: makeFIFOs, open: openFIFOs},
	{name: "message queue", make: makeQueues, open: openQueues},
	{name: "Unix socket", descriptors: 2, make: makeSockets, open: openSockets},
	{name: "TCP", make: makeListener, descriptors: 1, open: openTCP},
}

func mediumByName(name string) medium {
	for _, m := range media {
		if m.name == name {
			return m
		}
	}
	return medium{open: func(string, role, []*os.File) (link, error) { return nil, os.ErrInvalid }}
}

// folder is where the medium's files go.
func (m medium) folder() string {
	if m.onDisk {
		return os.TempDir()
	}
	return harness.MemoryDir()
}

// prepare makes what both ends use, before there is a second process.
func (m medium) prepare(dir string) ([]*os.File, error) {
	if m.make == nil {
		return nil, nil
	}
	return m.make(dir)
}
