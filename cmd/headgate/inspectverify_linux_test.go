package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/internal/host/hostdir"
)

// A table as it was published is sound.
func TestInspectVerify(t *testing.T) {
	dir := publishTraffic(t, 30)
	status, text, errOut := run(t, "inspect", dir, "--verify")
	if status != exitOK || !strings.HasPrefix(text, "sound: 6") || strings.Count(text, "\n") != 1 {
		t.Errorf("exit status %d, %q, %q", status, text, errOut)
	}
	var v verified
	status, text, _ = run(t, "inspect", dir, "--verify", "--json")
	if err := json.Unmarshal([]byte(text), &v); err != nil || status != exitOK || !v.Sound || v.Keys != 61 || v.Bytes == 0 {
		t.Errorf("%v, %s", err, text) // 30 addresses, as many with their agent, one network
	}
}

// One changed bit of one row is detected.
func TestInspectVerifyOfADamagedTable(t *testing.T) {
	dir := publishTraffic(t, 30)
	damageRow(t, dir)
	status, out, errOut := run(t, "inspect", dir, "--verify")
	if status != exitFailure || out != "" {
		t.Errorf("exit status %d, printed %q", status, out)
	}
	checkOneLine(t, "--verify", errOut, dir, "dimension ip: 30 keys with the checksum", "restart the daemon")
}

// damageRow changes a value of the first row of dimension ip, which is found by its key, in all
// files there are.
func damageRow(t *testing.T, dir string) {
	t.Helper()
	var key [8]byte
	store, err := featurestore.Open(hostdir.Dir(dir).Features())
	if err != nil {
		t.Fatal(err)
	}
	err = store.View(func(table *featurestore.Table) error {
		table.Each(0, func(k uint64, _ int64, _ []float32) { binary.LittleEndian.PutUint64(key[:], k) })
		return nil
	})
	store.Close()
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(hostdir.Dir(dir).Features() + "*")
	damaged := 0
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(content, key[:]); at >= 0 {
			f, err := os.OpenFile(name, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.WriteAt([]byte{content[at+16] ^ 1}, int64(at+16)) // after the key, the stamp and some values
			f.Close()
			damaged++
		}
	}
	if damaged == 0 {
		t.Fatalf("no row in %q", files)
	}
}
