package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// StartDaemon builds the headgate command into a folder and starts it on a directory, with further flags. The caller ends the process.
func StartDaemon(build, dir string, flags ...string) (*exec.Cmd, error) {
	program := filepath.Join(build, "headgate")
	if _, err := os.Stat(program); err != nil {
		out, err := exec.Command("go", "build", "-o", program, "github.com/headgate/headgate/cmd/headgate").CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("go build of the headgate command: %w: %s", err, out)
		}
	}
	cmd := exec.Command(program, append([]string{"run", "--dir", dir, "--listen", ""}, flags...)...)
	log, err := os.Create(filepath.Join(build, "daemon.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return cmd, waitPublished(dir, log.Name())
}

// waitPublished waits until the daemon has published, a second at most after its start.
func waitPublished(dir, log string) error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		found, err := filepath.Glob(filepath.Join(dir, "features_data_*"))
		if err == nil && len(found) > 0 {
			return nil
		}
	}
	text, _ := os.ReadFile(log)
	return fmt.Errorf("the daemon has published nothing in %s: %s", dir, text)
}
