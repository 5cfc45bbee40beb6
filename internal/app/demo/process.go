package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/internal/host/hostdir"
)

// daemonProcess is headgate run as a child process.
type daemonProcess struct {
	cmd    *exec.Cmd
	stderr tail
	exited chan error
}

// maxKeys exceeds the number of addresses in a quick start, and fits the /dev/shm of a container,
// often 64 MiB.
const maxKeys = "16384"

// startDaemon starts the daemon and waits until it has published.
func startDaemon(ctx context.Context, executable, dir string) (*daemonProcess, error) {
	p := &daemonProcess{exited: make(chan error, 1), stderr: tail{firstError: make(chan string, 1)}}
	p.cmd = exec.Command(executable, "run", "--dir", dir, "--listen", "127.0.0.1:0", "--max-keys", maxKeys)
	p.cmd.Stderr = &p.stderr
	p.cmd.SysProcAttr = childAttributes()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the daemon: %w", err)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	if err := p.waitUntilPublished(ctx, dir); err != nil {
		p.cmd.Process.Kill()
		return nil, err
	}
	return p, nil
}

func (p *daemonProcess) waitUntilPublished(ctx context.Context, dir string) error {
	deadline := time.After(20 * time.Second)
	for {
		if store, err := featurestore.Open(hostdir.Dir(dir).Features()); err == nil {
			err = store.View(func(*featurestore.Table) error { return nil })
			store.Close()
			if err == nil {
				return nil
			}
		}
		select {
		case err := <-p.exited:
			return fmt.Errorf("the daemon ended at once (%v): %s", err, p.stderr.String())
		case line := <-p.stderr.firstError:
			return fmt.Errorf("the daemon cannot publish: %s", line)
		case <-deadline:
			return fmt.Errorf("the daemon did not publish within 20 s: %s", p.stderr.String())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the daemon with SIGTERM, as an operator would, and kills it after five seconds.
func (p *daemonProcess) stop() error {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.exited:
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("the daemon ended with %v: %s", err, p.stderr.String())
		}
		return nil
	case <-time.After(5 * time.Second):
		p.cmd.Process.Kill()
		<-p.exited
		return errors.New("the daemon did not end within 5 s of SIGTERM")
	}
}

// tail keeps the end of a process's output for its error.
type tail struct {
	firstError chan string // the first line that reports an error
	mutex      sync.Mutex
	buf        []byte
}

func (w *tail) Write(b []byte) (int, error) {
	const most = 4 << 10
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if bytes.Contains(b, []byte(" level=ERROR ")) { // the daemon's log writes each line at once
		select {
		case w.firstError <- string(bytes.TrimSpace(b)):
		default:
		}
	}
	w.buf = append(w.buf, b...)
	if len(w.buf) > most {
		w.buf = append(w.buf[:0], w.buf[len(w.buf)-most:]...)
	}
	return len(b), nil
}

func (w *tail) String() string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return string(bytes.TrimSpace(w.buf))
}
