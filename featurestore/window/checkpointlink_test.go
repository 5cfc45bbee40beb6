//go:build unix

package window_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/headgate/headgate/featurestore/window"
)

// A link under any of the checkpoint's names is replaced, and what it leads to stays as it was.
func TestCheckpointsFollowNoLinks(t *testing.T) {
	for _, suffix := range []string{"", ".new", ".old"} {
		dir := t.TempDir()
		path, target := filepath.Join(dir, "checkpoint"), filepath.Join(dir, "target")
		if err := os.WriteFile(target, []byte("precious"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, path+suffix); err != nil {
			t.Fatal(err)
		}
		a, err := window.New(window.Config{MaxKeys: 16})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Checkpoint(path, 1); err != nil {
			t.Errorf("%s: %v", suffix, err)
		}
		if text, err := os.ReadFile(target); err != nil || string(text) != "precious" {
			t.Errorf("%s: what the link led to is %.20q now, %v", suffix, text, err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v; want a file for its owner alone", suffix, info, err)
		}
	}
}
