package scorer

import (
	"archive/zip"
	"io/fs"
	"testing"
)

// A model together with itself needs no column, hash or probe more than alone.
func TestSetSharesColumnsAndProbes(t *testing.T) {
	archive, err := zip.OpenReader("testdata/libraries/catboost-1.2.10.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	data, err := fs.ReadFile(archive, "combinations/model.cbm")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Load(data)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSet(m, m)
	if err != nil {
		t.Fatal(err)
	}
	probes := func(c *columns) (n int) {
		for i := range c.combinations {
			n += len(c.combinations[i].probes)
		}
		return n
	}
	alone, both := &m.columns, &s.columns
	if alone.count != both.count || len(alone.cats) != len(both.cats) ||
		probes(alone) != probes(both) || probes(alone) < 3 {
		t.Errorf("%d columns, %d hashes, %d probes, alone %d, %d, %d", both.count, len(both.cats),
			probes(both),
			alone.count, len(alone.cats), probes(alone))
	}
}
