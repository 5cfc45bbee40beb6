package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// cell is where one run's programs are: they see their own /etc/hosts, resolver and certificates,
// and all end together.
type cell struct {
	Folder string            `json:"folder"` // working directory and home
	Mounts map[string]string `json:"mounts"` // what stands in the place of a file or folder
	Env    []string          `json:"env"`
	Steps  []command         `json:"steps"`
}

// command is one call of a program.
type command struct {
	Wait  float64  `json:"wait"` // seconds before
	Argv  []string `json:"argv"`
	Stdin string   `json:"stdin,omitempty"`
}

// run runs the cell in a process of its own and kills it with all that it has started when limit is
// over. Its output goes to output.log in its folder. late says that the limit was reached.
func (c *cell) run(limit time.Duration) (late bool, err error) {
	spec, err := json.Marshal(c)
	if err != nil {
		return false, err
	}
	name := filepath.Join(c.Folder, "cell.json")
	if err := os.WriteFile(name, spec, 0o600); err != nil {
		return false, err
	}
	out, err := os.Create(filepath.Join(c.Folder, "output.log"))
	if err != nil {
		return false, err
	}
	defer out.Close()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "cell", name)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	return ctx.Err() != nil, err
}

// runCell is the other side of run: the first process of the cell.
func runCell(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var c cell
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	if err := privateMounts(); err != nil {
		return err
	}
	for target, source := range c.Mounts {
		if err := syscall.Mount(source, target, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("zoo: mounting %s: %w", target, err)
		}
	}
	if err := os.Chdir(c.Folder); err != nil {
		return err
	}
	var failed error
	for _, step := range c.Steps {
		time.Sleep(time.Duration(step.Wait * float64(time.Second)))
		if err := c.call(step); err != nil && failed == nil {
			failed = fmt.Errorf("zoo: %s: %w", step.Argv[0], err)
		}
	}
	return failed
}

// call runs one program, looked for in the cell's own PATH.
func (c *cell) call(step command) error {
	cmd := exec.Command("/usr/bin/env", step.Argv...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = c.Env, c.Folder, os.Stdout, os.Stderr
	if step.Stdin != "" {
		in, err := os.Open(step.Stdin)
		if err != nil {
			return err
		}
		defer in.Close()
		cmd.Stdin = in
	}
	return cmd.Run()
}
