package hostlimits_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/headgate/headgate/internal/host/hostlimits"
)

// A Keeper starts whatever is at the path of the limits file, and keeps what was there under
// another name, the last of several. Processes that count in the file from before find the new one.
func TestKeeperStartsWhateverIsInTheFilesPlace(t *testing.T) {
	flip := func(offset int64) func(path string) error {
		return func(path string) error {
			b, err := os.ReadFile(path)
			if err == nil {
				b[offset] ^= 1
				err = os.WriteFile(path, b, 0)
			}
			return err
		}
	}
	replace := func(with func(path string) error) func(path string) error {
		return func(path string) error { return errors.Join(os.Remove(path), with(path)) }
	}
	damages := map[string]func(path string) error{
		"nothing": func(path string) error { return os.Truncate(path, 0) },
		"half":    func(path string) error { return os.Truncate(path, 2<<20) },
		"FIFO": replace(func(path string) error {
			return syscall.Mkfifo(path, 0o600)
		}),
		"directory": replace(func(path string) error {
			return os.MkdirAll(path+"/sub", 0o700)
		}),
		"link": replace(func(path string) error {
			return os.Symlink("/dev/zero", path)
		}),
		"draft is a directory": func(path string) error { return errors.Join(os.MkdirAll(path+".tmp/sub", 0o700), os.Truncate(path, 0)) },
	}
	for offset := range int64(28) {
		damages[strings.Repeat("i", int(offset))+" byte of the header"] = flip(offset)
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "limits")
			for round := range 3 {
				k, err := hostlimits.OpenKeeper(path, hostlimits.KeeperConfig{})
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				if wrong := round > 0; (k.Damage() != nil) != wrong {
					t.Errorf("round %d: damage %v", round, k.Damage())
				}
				if _, err := k.Reap(); err != nil || !k.Intact() {
					t.Errorf("the new file is of no use: %v", err)
				}
				l, err := hostlimits.Join(path, hostlimits.Config{Threshold: 1})
				if err != nil {
					t.Fatal(err)
				}
				if err := damage(path); err != nil {
					t.Fatal(err)
				}
				if k.Intact() {
					t.Error("a damaged file is taken for whole")
				}
				if current := l.Current(path); current && !strings.Contains(name, "header") {
					t.Error("a process does not notice")
				}
				k.Close()
			}
			if _, err := os.Lstat(path + ".damaged"); err != nil {
				t.Errorf("what was there is not kept: %v", err)
			}
			names, err := os.ReadDir(filepath.Dir(path))
			if err != nil || len(names) > 3 {
				t.Errorf("%v, %v", names, err)
			}
		})
	}
}

// What the system refuses is still an error: nothing is replaced unseen.
func TestKeeperWithoutADirectory(t *testing.T) {
	if _, err := hostlimits.OpenKeeper(filepath.Join(t.TempDir(), "missing", "limits"),
		hostlimits.KeeperConfig{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want fs.ErrNotExist", err)
	}
}
