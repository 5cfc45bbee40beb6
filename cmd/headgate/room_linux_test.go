package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// More keys than a file system of 24 MiB can ever have room for are refused at once and in words;
// where it is only full now, the daemon says so and goes on, and publishes when there is room.
func TestMoreKeysThanThereIsRoomFor(t *testing.T) {
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("mounting a tmpfs of 24 MiB: %v: run as root (CAP_SYS_ADMIN)", err)
	}
	t.Cleanup(func() { unix.Unmount(mount, unix.MNT_DETACH) })
	dir := filepath.Join(mount, "hg")
	for _, keys := range []string{"100000000", "99999999999"} {
		status, _, errOut := run(t, "run", "--dir", dir, "--listen", "", "--max-keys", keys)
		if status != exitFailure {
			t.Errorf("%s keys: exit status %d", keys, status)
		}
		checkOneLine(t, keys, errOut, keys+" keys in each dimension take ", "24 MiB in all", "enough for ", "--max-keys")
	}

	filler := filepath.Join(mount, "filler")
	if err := os.WriteFile(filler, make([]byte, 18<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startProcess(t, dir, "--max-keys", "6000") // takes about 9 MiB
	until(t, "a word about the room", func() bool { return strings.Contains(d.said.String(), "not enough room for the table now") })
	until(t, "trouble", func() bool { return d.metric(t, `headgate_trouble{kind="publication"}`) == 1 })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	until(t, "a publication", func() bool { return !publishedAt(dir).IsZero() })
	d.ends(t)
}

// A user who may not enter the directory, or not read its files, gets an error that says so.
func TestInspectWithoutPermission(t *testing.T) {
	needsRoot(t)
	dir := makeDirectory(t, keeper)
	d := daemonAs(t, keeper, "022", "--dir", dir)
	if !d.running(t) {
		t.Fatal("the daemon does not start")
	}
	until(t, "publication", func() bool { return !publishedAt(dir).IsZero() })
	look := func(want string) {
		t.Helper()
		for _, args := range [][]string{{}, {"--limits"}, {"--verify"}, {"--key", "ip=203.0.113.7"}} {
			p := spawn(t, stranger, nil, append([]string{"inspect", dir, "--dir-owner", "61300"}, args...)...)
			if status := p.status(t); status != exitFailure {
				t.Errorf("inspect %v: exit status %d", args, status)
			}
			checkOneLine(t, strings.Join(args, " "), p.said.String(), dir, want, "permission denied", "as the daemon's user or in its group")
		}
	}
	look("may not be entered")
	if err := os.Chmod(filepath.Dir(dir), 0o700); err != nil { // and neither may what is above it
		t.Fatal(err)
	}
	look("may not be entered")
}
