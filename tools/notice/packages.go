package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	binary = "./cmd/headgate"
	own    = "github.com/headgate/headgate"
)

// targets are the systems that the project builds for. What a binary contains differs by system.
var targets = []string{"linux/amd64", "linux/arm64", "linux/386", "darwin/arm64", "windows/amd64"}

// pkg is a package of another module that some binary contains.
type pkg struct {
	module, moduleDir string
	dir               string
}

// moduleRoot returns the folder of the project.
func moduleRoot() (string, error) {
	out, err := goCommand(nil, "list", "-m", "-f", "{{.Dir}}", own)
	return strings.TrimSpace(out), err
}

// contained returns the packages of other modules that binaries of any target contain, in the order of their modules.
func contained(root string) (all []pkg, err error) {
	for _, target := range targets {
		system, processor, _ := strings.Cut(target, "/")
		env := []string{"GOOS=" + system, "GOARCH=" + processor, "CGO_ENABLED=0"}
		out, err := goCommand(env, "-C", root, "list", "-deps", "-f", "{{with .Module}}{{.Path}}\t{{.Dir}}\t{{$.Dir}}{{end}}", binary)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			fields := strings.Split(strings.TrimSpace(line), "\t")
			if len(fields) == 3 && fields[0] != own {
				all = append(all, pkg{module: fields[0], moduleDir: fields[1], dir: fields[2]})
			}
		}
	}
	slices.SortFunc(all, func(a, b pkg) int {
		return strings.Compare(a.module+"\t"+a.dir, b.module+"\t"+b.dir)
	})
	return slices.Compact(all), nil
}

func goCommand(env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out), err
}

// licenceFiles returns the licences and notices that hold for a package: those of its folder and of all above it, up to
// its module's.
func (p pkg) licenceFiles() (files []string, err error) {
	for dir := p.dir; ; dir = filepath.Dir(dir) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if isLicence(e.Name()) && !e.IsDir() {
				files = append(files, filepath.Join(dir, e.Name()))
			}
		}
		if dir == p.moduleDir || len(dir) <= len(p.moduleDir) {
			return files, nil
		}
	}
}

func isLicence(name string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(name), ".")
	return slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, base)
}
