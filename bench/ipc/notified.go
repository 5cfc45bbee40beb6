package ipc

import (
	"encoding/binary"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// events are mailboxes whose reader sleeps on an eventfd.
type events struct {
	*mailboxes
	wake, wait int // the other's, our own
}

func makeEvents(dir string) ([]*os.File, error) {
	if _, err := makeMailboxes(dir); err != nil {
		return nil, err
	}
	var files []*os.File
	for range 2 {
		fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
		if err != nil {
			return files, err
		}
		files = append(files, os.NewFile(uintptr(fd), "eventfd"))
	}
	return files, nil
}

func openEvents(dir string, r role, shared []*os.File) (link, error) {
	m, err := mapMailboxes(dir, r)
	if err != nil {
		return nil, err
	}
	wait, err := duplicate(shared[r])
	if err != nil {
		return nil, err
	}
	wake, err := duplicate(shared[1-r])
	return &events{m, wake, wait}, err
}

func (e *events) send(message []byte) error {
	e.out.put(message)
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, err := unix.Write(e.wake, one[:])
	return err
}

func (e *events) receive(message []byte) error {
	var count [8]byte
	if _, err := unix.Read(e.wait, count[:]); err != nil {
		return err
	}
	e.in.take(message)
	return nil
}

func (e *events) close() error {
	return errors.Join(unix.Close(e.wake), unix.Close(e.wait), e.mailboxes.close())
}

// signals are mailboxes whose reader sleeps until its thread gets SIGUSR1, which it has blocked and takes from a signalfd: a
// handler in Go would measure the runtime.
type signals struct {
	*mailboxes
	fd int
}

func openSignals(dir string, r role, _ []*os.File) (link, error) {
	m, err := mapMailboxes(dir, r)
	if err != nil {
		return nil, err
	}
	var set unix.Sigset_t
	set.Val[0] = 1 << (unix.SIGUSR1 - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil); err != nil {
		return nil, err
	}
	fd, err := unix.Signalfd(-1, &set, unix.SFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	m.in.pid.Store(uint32(os.Getpid()))
	m.in.tid.Store(uint32(unix.Gettid()))
	return &signals{m, fd}, nil
}

func (s *signals) send(message []byte) error {
	for s.out.tid.Load() == 0 { // the other process is not up yet
		unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil)
	}
	s.out.put(message)
	return unix.Tgkill(int(s.out.pid.Load()), int(s.out.tid.Load()), unix.SIGUSR1)
}

func (s *signals) receive(message []byte) error {
	var info [128]byte // struct signalfd_siginfo
	if _, err := unix.Read(s.fd, info[:]); err != nil {
		return err
	}
	s.in.take(message)
	return nil
}

func (s *signals) close() error { return errors.Join(unix.Close(s.fd), s.mailboxes.close()) }
