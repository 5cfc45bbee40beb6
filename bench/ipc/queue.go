package ipc

import (
	"errors"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queues are a link over two POSIX message queues, one for each direction.
type queues struct {
	in, out int
	names   [2]string
	role    role
}

// queueAttributes is the kernel's struct mq_attr.
type queueAttributes struct {
	flags, maxMessages, messageSize, current int
	_                                        [4]int
}

// queueNames are derived from the folder's name, which is unique.
func queueNames(dir string) [2]string {
	base := filepath.Base(dir)
	return [2]string{base + "-to-answer", base + "-to-ask"}
}

func makeQueues(dir string) ([]*os.File, error) {
	for _, name := range queueNames(dir) {
		fd, err := openQueue(name, unix.O_CREAT|unix.O_EXCL|unix.O_RDWR)
		if err != nil {
			return nil, err
		}
		unix.Close(fd)
	}
	return nil, nil
}

func openQueues(dir string, r role, _ []*os.File) (link, error) {
	q := &queues{names: queueNames(dir), role: r}
	toAnswer, err := openQueue(q.names[0], unix.O_RDWR)
	if err != nil {
		return nil, err
	}
	toAsk, err := openQueue(q.names[1], unix.O_RDWR)
	if err != nil {
		return nil, err
	}
	q.in, q.out = toAnswer, toAsk
	if r == asking {
		q.in, q.out = toAsk, toAnswer
	}
	return q, nil
}

func openQueue(name string, flags int) (int, error) {
	text, err := unix.BytePtrFromString(name)
	if err != nil {
		return 0, err
	}
	attributes := queueAttributes{maxMessages: 4, messageSize: messageSize}
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(text)), uintptr(flags|unix.O_CLOEXEC), 0o600,
		uintptr(unsafe.Pointer(&attributes)), 0, 0)
	if errno != 0 {
		return 0, os.NewSyscallError("mq_open", errno)
	}
	return int(fd), nil
}

func (q *queues) send(message []byte) error {
	_, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, uintptr(q.out), uintptr(unsafe.Pointer(&message[0])), uintptr(len(message)), 0, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("mq_send", errno)
	}
	return nil
}

func (q *queues) receive(message []byte) error {
	n, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDRECEIVE, uintptr(q.in), uintptr(unsafe.Pointer(&message[0])), uintptr(len(message)), 0, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("mq_receive", errno)
	}
	if int(n) != len(message) {
		return errors.New("mq_receive: a message of another size")
	}
	return nil
}

// close removes the queues, too, on the side that made them.
func (q *queues) close() error {
	errs := []error{unix.Close(q.in), unix.Close(q.out)}
	if q.role == asking {
		for _, name := range q.names {
			if text, err := unix.BytePtrFromString(name); err == nil {
				unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(text)), 0, 0)
			}
		}
	}
	return errors.Join(errs...)
}
