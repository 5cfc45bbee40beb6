package ipc

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// queues are a link over two POSIX message queues, one for each direction.
type queues struct {
	in, out int
	names   [2]string
	role    role
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

func (q *queues) send(message []byte) error { return sendToQueue(q.out, message) }

func (q *queues) receive(message []byte) error {
	n, err := receiveFromQueue(q.in, message)
	if err == nil && n != len(message) {
		err = errors.New("mq_receive: a message of another size")
	}
	return err
}

// close removes the queues, too, on the side that made them.
func (q *queues) close() error {
	errs := []error{unix.Close(q.in), unix.Close(q.out)}
	if q.role == asking {
		for _, name := range q.names {
			errs = append(errs, removeQueue(name))
		}
	}
	return errors.Join(errs...)
}
