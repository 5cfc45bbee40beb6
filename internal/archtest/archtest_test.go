// Package archtest is a test of the architecture: which package may import which, and where unsafe may be. It has no code of its own.
package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/headgate/headgate"

// rule says what a package may import besides the standard library: packages of ours, by their folder, and other modules.
type rule struct {
	ours    []string
	modules []string
}

const (
	metro      = "github.com/dgryski/go-metro"
	msgp       = "github.com/tinylib/msgp"
	prometheus = "github.com/prometheus/client_golang"
	kong       = "github.com/alecthomas/kong"
	unix       = "golang.org/x/sys"
	term       = "golang.org/x/term"
)

// all stands for every package of ours.
const all = "*"

// rules are the architecture: imports run downwards only. A package that is not listed fails the test, so that a new one is decided on; what
// is listed and not used is allowed.
var rules = map[string]rule{
	"internal/base/mmap":       {modules: []string{unix}},
	"internal/host/hostdir":    {ours: []string{"internal/base/mmap"}},
	"accesslog":                {},
	"internal/app/simulator":   {},
	"internal/host/ring":       {ours: []string{"internal/base/mmap"}},
	"internal/archtest":        {},
	"tools/notice":             {},
	"internal/base/lane":       {},
	"internal/base/prefetch":   {},
	"internal/base/siphash":    {},
	"internal/base/opfile":     {},
	"internal/base/socket":     {modules: []string{unix}},
	"internal/base/outfile":    {modules: []string{unix}},
	"internal/base/plaintext":  {},
	"internal/proxy/wire":      {ours: []string{"featurestore/traffic"}},
	"internal/base/wordmatch":  {},
	"internal/base/countmin":   {},
	"internal/base/keyhash":    {ours: []string{"internal/base/siphash"}},
	"internal/base/hostname":   {},
	"internal/host/hostlimits": {ours: []string{"internal/base/countmin", "internal/base/hostname", "internal/base/keyhash", "internal/base/mmap"}},
	"internal/app/explain":     {ours: []string{"featurestore/traffic", "heuristics", "scorer"}},

	"mmapsync":       {ours: []string{"internal/base/lane", "internal/base/mmap"}, modules: []string{metro}},
	"mmapsync/model": {},
	"scorer": {ours: []string{"scorer/internal/catboost", "scorer/internal/city", "scorer/internal/forest", "scorer/internal/lightgbm",
		"scorer/internal/xgboost"}, modules: []string{unix}},
	"scorer/internal/catboost": {ours: []string{"scorer/internal/forest"}},
	"scorer/internal/lightgbm": {ours: []string{"scorer/internal/forest"}},
	"scorer/internal/xgboost":  {ours: []string{"scorer/internal/forest"}},
	"scorer/internal/forest":   {ours: []string{"scorer/internal/city"}},
	"scorer/internal/city":     {},

	"models": {},
	"limits": {ours: []string{"internal/base/countmin", "internal/host/hostlimits", "internal/base/keyhash", "internal/base/lane"}, modules: []string{metro}},

	"heuristics": {ours: []string{"featurestore/traffic", "internal/base/wordmatch"}},

	"featurestore":         {ours: []string{"mmapsync", "internal/base/mmap", "internal/base/prefetch"}, modules: []string{metro, unix}},
	"featurestore/traffic": {ours: []string{"featurestore", "internal/base/siphash", "internal/base/wordmatch"}, modules: []string{metro, msgp}},
	"featurestore/window":  {ours: []string{"featurestore", "featurestore/traffic", "internal/base/prefetch"}, modules: []string{metro, msgp}},
	"featurestore/pipeline": {ours: []string{"accesslog", "heuristics", "featurestore/traffic", "featurestore/window", "scorer",
		"internal/base/plaintext"}},
	"internal/app/simulated": {ours: []string{"featurestore/pipeline", "featurestore/traffic", "internal/app/simulator", "proxyhook"}},

	"proxyhook": {ours: []string{"heuristics", "featurestore", "featurestore/traffic", "mmapsync", "limits", "scorer", "models", "internal/base/countmin", "internal/base/lane", "internal/host/ring",
		"internal/host/hostdir", "internal/host/hostlimits", "internal/base/socket", "internal/proxy/wire"}, modules: []string{metro}},

	"models/gate": {ours: []string{"featurestore/pipeline", "featurestore/traffic", "internal/proxy/wire", "proxyhook", "scorer"}},

	"models/corpus": {ours: []string{"featurestore/traffic", "featurestore/pipeline", "internal/proxy/wire", "proxyhook"}},

	"models/worlds": {ours: []string{"featurestore/pipeline", "featurestore/traffic", "internal/proxy/wire", "proxyhook"}},

	"proxyhook/metrics": {ours: []string{"proxyhook", "heuristics", "limits"}, modules: []string{prometheus}},

	"internal/app/daemon": {ours: []string{"featurestore", "featurestore/traffic", "featurestore/window", "mmapsync", "internal/base/mmap",
		"internal/base/opfile", "internal/host/ring", "internal/host/hostdir", "internal/host/hostlimits", "internal/base/hostname"}, modules: []string{prometheus}},
	"internal/app/demo": {ours: []string{"heuristics", "featurestore", "limits", "proxyhook", "accesslog", "internal/host/hostdir", "internal/app/simulator"}},

	"cmd/headgate": {ours: []string{all}, modules: []string{kong, term}},
}

// file is one Go source file that is no test.
type file struct {
	name      string // from the module's root
	pkg       string // folder, from the module's root
	imports   []string
	generated bool
	nested    bool // of a module of its own, as bench is
}

// sources gives every Go file below the root that is no test, for whatever system it is.
func sources(t *testing.T) (files []file) {
	t.Helper()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil || !strings.HasPrefix(string(text), "module "+module+"\n") {
		t.Fatalf("%s is not the root of %s: %v", root, module, err)
	}
	var nested []string
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")) {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && rel != "." {
				nested = append(nested, rel+"/")
			}
			return nil
		}
		if strings.HasSuffix(rel, ".go") && !strings.HasSuffix(rel, "_test.go") {
			f := parse(t, name, rel)
			f.nested = slices.ContainsFunc(nested, func(dir string) bool { return strings.HasPrefix(rel, dir) })
			files = append(files, f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func parse(t *testing.T, name, rel string) file {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	parsed := file{name: rel, pkg: path.Dir(rel), generated: ast.IsGenerated(f)}
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		parsed.imports = append(parsed.imports, imported)
	}
	return parsed
}

// allows tells whether a package may import what it imports.
func (r rule) allows(imported string) bool {
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		return slices.Contains(r.ours, ours) || slices.Contains(r.ours, all)
	}
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".") || slices.ContainsFunc(r.modules, func(m string) bool {
		return imported == m || strings.HasPrefix(imported, m+"/")
	})
}

func TestImports(t *testing.T) {
	seen := map[string]bool{"internal/archtest": true}
	for _, f := range sources(t) {
		if f.nested {
			continue
		}
		seen[f.pkg] = true
		r, ok := rules[f.pkg]
		if !ok {
			t.Errorf("package %s is not listed: decide what it may import, and write it into the table of this test", f.pkg)
			continue
		}
		for _, imported := range f.imports {
			if !r.allows(imported) {
				t.Errorf("%s imports %s, which the table of this test does not allow to package %s", f.name, imported, f.pkg)
			}
		}
	}
	for pkg := range rules {
		if !seen[pkg] {
			t.Errorf("package %s is listed and does not exist", pkg)
		}
	}
}

// The folders of internal are floors: base imports base, host imports base too, and what the command
// is made of is imported by nothing below it.
func TestFloorsOfInternal(t *testing.T) {
	floor := func(pkg string) string {
		parts := strings.Split(pkg, "/")
		if len(parts) < 3 || parts[0] != "internal" {
			return ""
		}
		return parts[1]
	}
	below := map[string][]string{"base": {"base"}, "host": {"base", "host"}}
	packages := make(map[string]int)
	for _, f := range sources(t) {
		for _, imported := range f.imports {
			pkg, ours := strings.CutPrefix(imported, module+"/")
			if !ours || f.nested {
				continue
			}
			of := floor(f.pkg)
			packages[of]++
			if allowed, bound := below[of]; bound && !slices.Contains(allowed, floor(pkg)) {
				t.Errorf("%s imports %s, which is on a higher floor", f.name, pkg)
			}
			if floor(pkg) == "app" && of != "app" && f.pkg != "cmd/headgate" {
				t.Errorf("%s imports %s, which only the command is made of", f.name, pkg)
			}
		}
	}
	if packages["host"] == 0 || packages["app"] == 0 {
		t.Errorf("imports seen by floor: %v", packages)
	}
}

// Modules of their own are users of the project: what is internal is not for them.
func TestModulesImportPublicPackages(t *testing.T) {
	for _, f := range sources(t) {
		for _, imported := range f.imports {
			if f.nested && strings.HasPrefix(imported, module+"/internal/") {
				t.Errorf("%s imports %s, which is internal", f.name, imported)
			}
		}
	}
}

// Whoever audits a package's use of unsafe reads one file.
func TestUnsafeInOneFile(t *testing.T) {
	first := make(map[string]string)
	for _, f := range sources(t) {
		if f.generated || !slices.Contains(f.imports, "unsafe") {
			continue
		}
		if other, ok := first[f.pkg]; ok {
			t.Errorf("%s and %s both import unsafe: one file of a package may", other, f.name)
		}
		first[f.pkg] = f.name
	}
	if len(first) == 0 {
		t.Error("no file imports unsafe: the test looks in the wrong place")
	}
}

// The rules are read as they are meant.
func TestRules(t *testing.T) {
	r := rule{ours: []string{"mmapsync"}, modules: []string{metro}}
	for imported, want := range map[string]bool{
		"fmt":                           true,
		"encoding/json":                 true,
		"unsafe":                        true,
		module + "/mmapsync":            true,
		module + "/limits":              false,
		module + "/mmapsync/x":          false,
		metro:                           true,
		metro + "/x":                    true,
		metro + "-other":                false,
		"github.com/tinylib/msgp/msgp":  false,
		"github.com/headgate/headgates": false,
	} {
		if got := r.allows(imported); got != want {
			t.Errorf("%s is allowed: %v", imported, got)
		}
	}
}
