package ipc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// stream is a link over descriptors that carry bytes.
type stream struct{ in, out int }

func (s stream) send(message []byte) error {
	for len(message) > 0 {
		n, err := unix.Write(s.out, message)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		message = message[max(n, 0):]
	}
	return nil
}

func (s stream) receive(message []byte) error {
	for len(message) > 0 {
		n, err := unix.Read(s.in, message)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n == 0 && err == nil {
			return io.ErrUnexpectedEOF
		}
		message = message[max(n, 0):]
	}
	return nil
}

func (s stream) close() error {
	if s.in == s.out {
		return unix.Close(s.in)
	}
	return errors.Join(unix.Close(s.in), unix.Close(s.out))
}

// duplicate returns a blocking descriptor of the link's own, so that closing the shared file does not matter.
func duplicate(f *os.File) (int, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return 0, err
	}
	return fd, unix.SetNonblock(fd, false)
}

func duplicates(in, out *os.File) (link, error) {
	i, err := duplicate(in)
	if err != nil {
		return nil, err
	}
	o, err := duplicate(out)
	return stream{i, o}, err
}

func makePipes(string) ([]*os.File, error) {
	toAnswer, fromAsk, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	toAsk, fromAnswer, err := os.Pipe()
	return []*os.File{toAnswer, fromAsk, toAsk, fromAnswer}, err
}

func openPipes(_ string, r role, shared []*os.File) (link, error) {
	if r == asking {
		return duplicates(shared[2], shared[1])
	}
	return duplicates(shared[0], shared[3])
}

func fifoPaths(dir string) (toAnswer, toAsk string) {
	return filepath.Join(dir, "to-answer"), filepath.Join(dir, "to-ask")
}

func makeFIFOs(dir string) ([]*os.File, error) {
	toAnswer, toAsk := fifoPaths(dir)
	return nil, errors.Join(unix.Mkfifo(toAnswer, 0o600), unix.Mkfifo(toAsk, 0o600))
}

// openFIFOs opens for reading and writing, which does not wait for the other end.
func openFIFOs(dir string, r role, _ []*os.File) (link, error) {
	in, out := fifoPaths(dir)
	if r == asking {
		in, out = out, in
	}
	i, err := unix.Open(in, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	o, err := unix.Open(out, unix.O_RDWR|unix.O_CLOEXEC, 0)
	return stream{i, o}, err
}

func makeSockets(string) ([]*os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return []*os.File{os.NewFile(uintptr(pair[0]), "asking"), os.NewFile(uintptr(pair[1]), "answering")}, nil
}

func openSockets(_ string, r role, shared []*os.File) (link, error) {
	fd, err := duplicate(shared[r])
	return stream{fd, fd}, err
}

// makeListener listens on a free loopback port. The answering process inherits the listener and accepts.
func makeListener(dir string) ([]*os.File, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	if err := unix.Listen(fd, 1); err != nil {
		return nil, err
	}
	return []*os.File{os.NewFile(uintptr(fd), "listener")}, nil
}

func openTCP(_ string, r role, shared []*os.File) (link, error) {
	listener := int(shared[0].Fd())
	if r == answering {
		fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		if err != nil {
			return nil, err
		}
		return stream{fd, fd}, withoutDelay(fd)
	}
	address, err := unix.Getsockname(listener)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Connect(fd, address); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return stream{fd, fd}, withoutDelay(fd)
}

func withoutDelay(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) }
