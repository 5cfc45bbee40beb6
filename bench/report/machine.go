package report

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
)

// Machine is where and with what a run was made.
type Machine struct {
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	MemoryGB float64           `json:"memory_gb"`
	Kernel   string            `json:"kernel"`
	Go       string            `json:"go"`
	Commit   string            `json:"commit"`
	Peers    map[string]string `json:"peers"` // versions of the peers, as the set-up script wrote them down
}

func describeMachine(peerVersions []byte) Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH, Peers: map[string]string{}}
	m.CPU = field("/proc/cpuinfo", "model name")
	var kilobytes float64
	fmt.Sscan(field("/proc/meminfo", "MemTotal"), &kilobytes)
	m.MemoryGB = kilobytes / (1 << 20)
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(text))
	}
	m.Commit = commit()
	for line := range strings.Lines(string(peerVersions)) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			m.Peers[name] = version
		}
	}
	for _, module := range goPeers() {
		m.Peers[module.Path] = module.Version
	}
	return m
}

// field returns the first value of a key in a file of "key : value" lines.
func field(path, key string) string {
	text, _ := os.ReadFile(path)
	for line := range bytes.Lines(text) {
		if k, v, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

// commit asks git, since go run does not stamp what it builds.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// goPeers are the modules that this program was linked with.
func goPeers() (modules []*debug.Module) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, m := range info.Deps {
		if !strings.HasPrefix(m.Path, "github.com/headgate/") && !strings.HasPrefix(m.Path, "golang.org/x/sys") {
			modules = append(modules, m)
		}
	}
	return modules
}
