package harness

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// childVariable names the role of a process that is this program, started by itself.
const childVariable = "HEADGATE_BENCH_CHILD"

var children = map[string]func(args []string) error{}

// RegisterChild names a role that Child can start. It is called from init functions.
func RegisterChild(role string, run func(args []string) error) { children[role] = run }

// RunChild plays the role in which the process was started, if it is a child, and then ends the process.
func RunChild() {
	role := os.Getenv(childVariable)
	if role == "" {
		return
	}
	run, ok := children[role]
	if !ok {
		fmt.Fprintf(os.Stderr, "bench: no child %q\n", role)
		os.Exit(2)
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "bench: child %s: %v\n", role, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Child is a command that runs this program in the given role, for comparisons between two processes.
func Child(role string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(withoutVariable(os.Environ()), childVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

func withoutVariable(env []string) (kept []string) {
	for _, e := range env {
		if !strings.HasPrefix(e, childVariable+"=") {
			kept = append(kept, e)
		}
	}
	return kept
}
