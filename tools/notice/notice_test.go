package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// NOTICE is what the tool prints, so that no module gets into a binary without its licence.
func TestNotice(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	if err := writeNotice(&want, root); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "NOTICE"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Error("NOTICE is not current: go run ./tools/notice >NOTICE")
	}
	packages, err := contained(root)
	if err != nil || len(packages) < 10 {
		t.Fatalf("%d packages of other modules, %v: the test looks in the wrong place", len(packages), err)
	}
	for _, p := range packages {
		if !strings.Contains(string(got), "\n"+p.module+"\n\n") {
			t.Errorf("NOTICE lacks %s", p.module)
		}
	}
}

// A package that came from elsewhere has a licence of its own, besides its module's.
func TestLicencesOfInnerFolders(t *testing.T) {
	module := t.TempDir()
	inner := filepath.Join(module, "internal", "other", "code")
	if err := os.MkdirAll(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"LICENSE", "NOTICE.txt", "internal/other/COPYING", "internal/other/code/code.go", "internal/LICENSES.go"} {
		if err := os.WriteFile(filepath.Join(module, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := pkg{module: "m", moduleDir: module, dir: inner}.licenceFiles()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		name, _ := filepath.Rel(module, file)
		names = append(names, filepath.ToSlash(name))
	}
	if got := strings.Join(names, " "); got != "internal/other/COPYING LICENSE NOTICE.txt" {
		t.Errorf("licences: %s", got)
	}
}

func TestApacheIsRecognised(t *testing.T) {
	const apache = "Apache License\n  terms\nEND OF TERMS AND CONDITIONS\nCopyright [name]"
	for text, want := range map[string]bool{
		"Apache  License terms END OF TERMS AND CONDITIONS Copyright 2026 Somebody": true,
		"Apache License other terms END OF TERMS AND CONDITIONS":                    false,
		"Apache License terms": false,
		"":                     false,
	} {
		if got := isApache(text, apache); got != want {
			t.Errorf("%q is the licence: %v", text, got)
		}
	}
}
