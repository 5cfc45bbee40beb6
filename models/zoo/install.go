package main

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed clients
var scripts embed.FS

// installTimeout bounds what is installed for a family. On a busy machine the environments of
// Python take a quarter of an hour.
const installTimeout = 40 * time.Minute

// setUp installs programs of a family into its folder of work and returns what could not be had.
func (f *family) setUp(ctx context.Context, work string, programs []string) (missing []string, err error) {
	missing = installPackages(ctx, f.apt)
	folder := f.folder(work)
	if err := os.MkdirAll(folder, 0o755); err != nil || f.install == "" {
		return missing, err
	}
	certificate, err := os.ReadFile(filepath.Join(work, "certs", "ca-certificates.crt"))
	if err != nil {
		return missing, err
	}
	if err := os.WriteFile(filepath.Join(folder, "authority.crt"), certificate, 0o644); err != nil {
		return missing, err
	}
	if err := unpack(filepath.Dir(f.install), folder); err != nil {
		return missing, err
	}
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", append([]string{filepath.Join(folder, filepath.Base(f.install)), folder}, programs...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that what the script runs ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if what, ok := strings.CutPrefix(strings.TrimSpace(line), "missing: "); ok {
			missing = append(missing, what)
		}
	}
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return missing, fmt.Errorf("zoo: installing %s: not done after %v (collect again: what is installed is kept)", f.name, installTimeout)
	case err != nil:
		return missing, fmt.Errorf("zoo: installing %s: %w: %s", f.name, err, lastLine(out))
	}
	return missing, nil
}

func (f *family) folder(work string) string { return filepath.Join(work, f.name) }

// unpack puts a folder of scripts into another.
func unpack(from, to string) error {
	from = "clients/" + from
	return fs.WalkDir(scripts, from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(name, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		text, err := scripts.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}

// installPackages installs packages of Debian that are not there, and returns those that cannot be
// had.
func installPackages(ctx context.Context, names []string) (missing []string) {
	var wanted []string
	for _, name := range names {
		// A program may also be there from elsewhere, as Node's often is.
		if _, err := exec.LookPath(name); err != nil && packageVersion(name) == "" {
			wanted = append(wanted, name)
		}
	}
	if len(wanted) == 0 || aptGet(ctx, wanted...) == nil {
		return nil
	}
	aptUpdate(ctx)
	for _, name := range wanted {
		if err := aptGet(ctx, name); err != nil {
			missing = append(missing, fmt.Sprintf("package %s: %v", name, err))
		}
	}
	return missing
}

func aptUpdate(ctx context.Context) { exec.CommandContext(ctx, "apt-get", "update", "-qq").Run() }

func aptGet(ctx context.Context, names ...string) error {
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"}, names...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.New(lastLine(out))
	}
	return nil
}

// packageVersion returns the version of a package of Debian; empty: it is not installed.
func packageVersion(name string) string {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", name).Output()
	version, ok := strings.CutPrefix(string(out), "installed ")
	if err != nil || !ok {
		return ""
	}
	return version
}

// programVersion returns what a program's version is: what the family's script has written down,
// else its package's.
func (f *family) programVersion(work string, c *client) string {
	for _, name := range []string{filepath.Join(f.folder(work), c.program, "version"), filepath.Join(f.folder(work), "versions")} {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			if program, version, ok := strings.Cut(lines.Text(), " "); ok && program == c.program {
				return version
			}
		}
	}
	if c.version != "" {
		return packageVersion(c.version)
	}
	return ""
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
