package harness

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// SetUp is the command that installs the peers.
const SetUp = "install it with bench/peers/setup"

// PeerDir is where the set-up script puts what it builds: $HEADGATE_BENCH_PEERS, or headgate-bench in the user's cache folder.
func PeerDir() string {
	if dir := os.Getenv("HEADGATE_BENCH_PEERS"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "headgate-bench")
}

// FindBuilt returns the path of a program that the set-up script has built.
func FindBuilt(name string) (string, error) {
	path := filepath.Join(PeerDir(), "bin", name)
	if _, err := os.Stat(path); err != nil {
		return "", MissingPeer{Name: name, Reason: "there is no " + path, Remedy: SetUp}
	}
	return path, nil
}

// FindInstalled returns the path of a program of the system.
func FindInstalled(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", MissingPeer{Name: name, Reason: "it is not on the PATH", Remedy: SetUp}
	}
	return path, nil
}

// Driver is a peer in a process of its own, in whatever language it is written, that measures itself on demand. Each line it gets on its
// standard input is a request; it answers each with one line, a JSON list of Measurements, or an object with an error.
type Driver struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *strings.Builder
}

// StartDriver starts a program that speaks the protocol of Driver.
func StartDriver(path string, args ...string) (*Driver, error) {
	d := &Driver{name: filepath.Base(path), cmd: exec.Command(path, args...), stderr: &strings.Builder{}}
	d.cmd.Stderr = d.stderr
	var err error
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	d.out = bufio.NewReader(out)
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	return d, nil
}

// Ask sends one request and waits for the answer.
func (d *Driver) Ask(request string) ([]Measurement, error) {
	if _, err := fmt.Fprintln(d.in, request); err != nil {
		return nil, d.failed(err)
	}
	line, err := d.out.ReadBytes('\n')
	if err != nil {
		return nil, d.failed(err)
	}
	var refusal struct{ Error string }
	if json.Unmarshal(line, &refusal) == nil && refusal.Error != "" {
		return nil, fmt.Errorf("%s: %s: %s", d.name, request, refusal.Error)
	}
	var measurements []Measurement
	if err := json.Unmarshal(line, &measurements); err != nil {
		return nil, fmt.Errorf("%s: %s: answered %.200q: %w", d.name, request, line, err)
	}
	if len(measurements) == 0 {
		return nil, fmt.Errorf("%s: %s: answered without a measurement", d.name, request)
	}
	return measurements, nil
}

// failed tells what the process said before it ended.
func (d *Driver) failed(err error) error {
	if errors.Is(err, io.EOF) {
		_ = d.cmd.Wait()
	}
	return fmt.Errorf("%s: %w: %s", d.name, err, strings.TrimSpace(d.stderr.String()))
}

// Close ends the process: kindly at first, by closing its input.
func (d *Driver) Close() {
	d.in.Close()
	ended := make(chan struct{})
	go func() {
		_ = d.cmd.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = d.cmd.Process.Kill()
		<-ended
	}
}
