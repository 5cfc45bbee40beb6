package ipc

import (
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// mailbox is a place in shared memory for one message on its way in one direction.
type mailbox struct {
	state   *atomic.Uint32 // empty or full: its writer may write when it is empty, its reader read when it is full
	tid     *atomic.Uint32 // thread of the reader, for those who are woken by a signal
	pid     *atomic.Uint32
	message []byte
}

const (
	empty uint32 = iota
	full
)

const (
	mailboxSize   = 4096
	offMessage    = 1024 // away from the words, which the other side spins on
	mailboxesSize = 2 * mailboxSize
)

func mailboxAt(memory []byte) mailbox {
	return mailbox{
		state:   wordAt(memory, 0),
		tid:     wordAt(memory, 64),
		pid:     wordAt(memory, 68),
		message: memory[offMessage : offMessage+messageSize],
	}
}

func (m mailbox) put(message []byte) {
	m.await(empty)
	copy(m.message, message)
	m.state.Store(full)
}

func (m mailbox) take(message []byte) {
	m.await(full)
	copy(message, m.message)
	m.state.Store(empty)
}

// await spins, and gives way from time to time, since there may be one core only.
func (m mailbox) await(state uint32) {
	for n := 1; m.state.Load() != state; n++ {
		if n%4096 == 0 {
			runtime.Gosched()
		}
	}
}

// mailboxes are a link over two of them: one for each direction.
type mailboxes struct {
	memory  []byte
	in, out mailbox
}

func mailboxPath(dir string) string { return filepath.Join(dir, "mailboxes") }

func makeMailboxes(dir string) ([]*os.File, error) {
	return nil, os.WriteFile(mailboxPath(dir), make([]byte, mailboxesSize), 0o600)
}

func openMailboxes(dir string, r role, _ []*os.File) (link, error) { return mapMailboxes(dir, r) }

func mapMailboxes(dir string, r role) (*mailboxes, error) {
	f, err := os.OpenFile(mailboxPath(dir), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	memory, err := unix.Mmap(int(f.Fd()), 0, mailboxesSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	toAnswer, toAsk := mailboxAt(memory), mailboxAt(memory[mailboxSize:])
	if r == asking {
		return &mailboxes{memory, toAsk, toAnswer}, nil
	}
	return &mailboxes{memory, toAnswer, toAsk}, nil
}

func (m *mailboxes) send(message []byte) error {
	m.out.put(message)
	return nil
}

func (m *mailboxes) receive(message []byte) error {
	m.in.take(message)
	return nil
}

func (m *mailboxes) close() error { return unix.Munmap(m.memory) }
