package scorer_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strings"
	"testing"
)

// Fixtures are archives, which testdata/make/archive.py writes.

// unpack reads an archive.
func unpack(t testing.TB, path string) map[string][]byte {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := map[string][]byte{}
	for _, entry := range archive.File {
		r, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[entry.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// unpackFolders reads an archive of folders: of each its files by name.
func unpackFolders(t testing.TB, path string) map[string]map[string][]byte {
	t.Helper()
	folders := map[string]map[string][]byte{}
	for file, data := range unpack(t, path) {
		folder, name, _ := strings.Cut(file, "/")
		if folders[folder] == nil {
			folders[folder] = map[string][]byte{}
		}
		folders[folder][name] = data
	}
	return folders
}

// decode reads little-endian numbers.
func decode(t testing.TB, data []byte, into any) {
	t.Helper()
	if err := binary.Read(bytes.NewReader(data), binary.LittleEndian, into); err != nil {
		t.Fatal(err)
	}
}

// floats decodes little-endian numbers of 4 or 8 bytes.
func floats(data []byte, size int) (values []float64) {
	for ; len(data) > 0; data = data[size:] {
		if size == 4 {
			values = append(values, float64(math.Float32frombits(binary.LittleEndian.Uint32(data))))
		} else {
			values = append(values, math.Float64frombits(binary.LittleEndian.Uint64(data)))
		}
	}
	return values
}
