package proxy

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/bench/harness"
)

// house is everything that runs: an origin, a daemon, and a proxy for each middleware.
type house struct {
	shared    string // the daemon's directory
	processes []*exec.Cmd
	fronts    map[string]*front
}

// front is one proxy process.
type front struct {
	url string
	pid int
}

func startHouse(dir string) (_ *house, err error) {
	h := &house{fronts: map[string]*front{}}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if h.shared, err = os.MkdirTemp(harness.MemoryDir(), "headgate-bench-"); err != nil {
		return nil, err
	}
	daemon, err := harness.StartDaemon(dir, h.shared)
	if err != nil {
		return nil, err
	}
	h.processes = append(h.processes, daemon)
	origin, _, err := h.start(originRole)
	if err != nil {
		return nil, err
	}
	for _, name := range middlewares {
		url, pid, err := h.start(frontRole, name, origin, h.shared)
		if err != nil {
			return nil, err
		}
		h.fronts[name] = &front{url: url, pid: pid}
	}
	return h, nil
}

// start starts a server of ours, which prints its address.
func (h *house) start(role string, args ...string) (url string, pid int, err error) {
	cmd, err := harness.Child(role, args...)
	if err != nil {
		return "", 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", 0, err
	}
	if err := cmd.Start(); err != nil {
		return "", 0, err
	}
	h.processes = append(h.processes, cmd)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return "", 0, fmt.Errorf("%s did not come up: %w", role, err)
	}
	return "http://" + strings.TrimSpace(line), cmd.Process.Pid, nil
}

func (h *house) close() {
	for i := len(h.processes) - 1; i >= 0; i-- {
		_ = h.processes[i].Process.Kill()
		_ = h.processes[i].Wait()
	}
	_ = os.RemoveAll(h.shared)
}

// processorTime is what the process has used so far, in user and kernel mode: fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms.
func (f *front) processorTime() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", f.pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the program's name may hold spaces
	fields := strings.Fields(rest)
	const user, system = 14 - 3, 15 - 3
	if len(fields) <= system {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", f.pid, len(fields))
	}
	var ticks int64
	for _, at := range []int{user, system} {
		n, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
