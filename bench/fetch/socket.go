package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a blocking Unix stream socket with a buffer: no poller, no goroutine switch between a request and its answer.
type socket struct {
	fd       int
	buffer   []byte
	from, to int // what is read and not yet taken
}

// patience is how long a server may take until it listens: the Go map's fills ten million rows before that.
const patience = 2 * time.Minute

// dial connects to a server that is just being started.
func dial(path string) (*socket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		if err == nil {
			return &socket{fd: fd, buffer: make([]byte, 1<<16)}, nil
		}
		if time.Now().After(end) {
			unix.Close(fd)
			return nil, fmt.Errorf("connect to %s: %w", path, err)
		}
	}
}

func (s *socket) write(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(s.fd, b)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		b = b[max(n, 0):]
	}
	return nil
}

// fill reads once more.
func (s *socket) fill() error {
	if s.from > 0 {
		s.to = copy(s.buffer, s.buffer[s.from:s.to])
		s.from = 0
	}
	if s.to == len(s.buffer) {
		return errors.New("an answer longer than the buffer")
	}
	n, err := unix.Read(s.fd, s.buffer[s.to:])
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	s.to += max(n, 0)
	return err
}

// line takes one line, without its CR LF; it is valid until the next call.
func (s *socket) line() ([]byte, error) {
	for {
		if end := bytes.Index(s.buffer[s.from:s.to], []byte("\r\n")); end >= 0 {
			line := s.buffer[s.from : s.from+end]
			s.from += end + 2
			return line, nil
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// block takes n bytes and the CR LF after them; they are valid until the next call.
func (s *socket) block(n int) ([]byte, error) {
	for s.to-s.from < n+2 {
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
	block := s.buffer[s.from : s.from+n]
	s.from += n + 2
	return block, nil
}

func (s *socket) close() { unix.Close(s.fd) }
