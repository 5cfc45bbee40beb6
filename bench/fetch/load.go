package fetch

import (
	"os/exec"

	"github.com/headgate/headgate/bench/harness"
)

// load are processes that keep the cores and their caches busy.
type load []*exec.Cmd

const loadRole = "features-load"

func init() { harness.RegisterChild(loadRole, walk) }

// walk changes words of 64 MiB at random, for ever: the parent ends it.
func walk([]string) error {
	memory := make([]uint64, 8<<20)
	for at := uint64(1); ; at = mix(at) {
		memory[at%uint64(len(memory))]++
	}
}

func startLoad(processes int) (l load, err error) {
	for range processes {
		cmd, err := harness.Child(loadRole)
		if err != nil {
			return l, err
		}
		if err := cmd.Start(); err != nil {
			l.stop()
			return nil, err
		}
		l = append(l, cmd)
	}
	return l, nil
}

func (l load) stop() {
	for _, cmd := range l {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
