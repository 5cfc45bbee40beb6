package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/headgate/headgate/internal/host/hostdir"
	"github.com/headgate/headgate/internal/host/hostlimits"
	"github.com/headgate/headgate/mmapsync"
)

// publishedThreshold is the threshold of the policy that proxies of a directory read; 0 if none is
// published.
func publishedThreshold(dir string) uint32 {
	reader, err := mmapsync.OpenReader(hostdir.Dir(dir).Policy(), mmapsync.ReaderOptions{Slots: 1})
	if err != nil {
		return 0
	}
	defer reader.Close()
	snapshot, err := reader.Acquire()
	if err != nil {
		return 0
	}
	defer snapshot.Release()
	p, err := hostlimits.ParsePolicy(snapshot.Bytes())
	if err != nil {
		return 0
	}
	return p.Threshold
}

// On SIGHUP the daemon reads its file of limits again, also where the file looks as before, and
// lives on, whatever the file holds and with none at all.
func TestHangupReadsTheLimitsAgain(t *testing.T) {
	scratch := t.TempDir()
	file := write(t, filepath.Join(scratch, "limits.json"), []byte(`{"threshold": 3}`))
	dir := filepath.Join(scratch, "hg")
	d := startProcess(t, dir, "--limits", file)
	until(t, "the policy", func() bool { return publishedThreshold(dir) == 3 })
	hangup := func(want string, times int) {
		t.Helper()
		if err := d.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		until(t, want+" in the log", func() bool { return strings.Count(d.said.String(), want) == times })
	}
	until(t, "the start", func() bool { return strings.Contains(d.said.String(), "daemon started") })
	hangup("limits read again\"", 1)

	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	// As many bytes, in place, under the same time: only SIGHUP can show that.
	write(t, file, []byte(`{"threshold": 4}`))
	if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	hangup("limits read again\"", 2)
	until(t, "the changed policy", func() bool { return publishedThreshold(dir) == 4 })

	write(t, file, []byte(`{"thresholds": 5}`))
	hangup("limits read again, the previous policy", 1)
	os.Remove(file)
	hangup("limits read again, the previous policy", 2)
	if n := publishedThreshold(dir); n != 4 {
		t.Errorf("threshold %d, want that of the policy before", n)
	}
	write(t, file, []byte(`{"threshold": 6}`))
	until(t, "a policy after all that", func() bool { return publishedThreshold(dir) == 6 })
	d.ends(t)

	bare := startProcess(t, filepath.Join(scratch, "bare"))
	until(t, "the start", func() bool { return strings.Contains(bare.said.String(), "daemon started") })
	if err := bare.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "the answer", func() bool { return strings.Contains(bare.said.String(), "limits not read again") })
	bare.ends(t)
}
