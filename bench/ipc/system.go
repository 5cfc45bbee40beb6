package ipc

import (
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wordAt is a word of mapped memory. The offset is a multiple of four.
func wordAt(memory []byte, offset int) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&memory[offset : offset+4][0]))
}

// queueAttributes is the kernel's struct mq_attr.
type queueAttributes struct {
	flags, maxMessages, messageSize, current int
	_                                        [4]int
}

// openQueue and those below are the system calls of POSIX message queues, which golang.org/x/sys does not have.
func openQueue(name string, flags int) (int, error) {
	text, err := unix.BytePtrFromString(name)
	if err != nil {
		return 0, err
	}
	attributes := queueAttributes{maxMessages: 4, messageSize: messageSize}
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(text)), uintptr(flags|unix.O_CLOEXEC), 0o600,
		uintptr(unsafe.Pointer(&attributes)), 0, 0)
	return int(fd), failure("mq_open", errno)
}

func sendToQueue(fd int, message []byte) error {
	_, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, uintptr(fd), uintptr(unsafe.Pointer(&message[0])), uintptr(len(message)), 0, 0, 0)
	return failure("mq_send", errno)
}

func receiveFromQueue(fd int, message []byte) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDRECEIVE, uintptr(fd), uintptr(unsafe.Pointer(&message[0])), uintptr(len(message)), 0, 0, 0)
	return int(n), failure("mq_receive", errno)
}

func removeQueue(name string) error {
	text, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(text)), 0, 0)
	return failure("mq_unlink", errno)
}

func failure(call string, errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return os.NewSyscallError(call, errno)
}
