package hostdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Numbers of a user and a group that are nobody's here.
const (
	foreigner    = 61234
	foreignGroup = 61235
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// place is a directory that every user may enter, with a headgate directory below it.
func place(t *testing.T) (above string, d Dir) {
	t.Helper()
	above, err := os.MkdirTemp("", "hostdir-test-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(above) })
	must(t, os.Chmod(above, 0o755))
	d = Dir(filepath.Join(above, "headgate"))
	makeDir(t, d)
	return above, d
}

func makeDir(t *testing.T, d Dir) {
	t.Helper()
	must(t, os.Mkdir(string(d), 0o750))
	must(t, os.Mkdir(d.Events(), 0o770))
	for _, path := range []string{d.Lock(), d.Features() + "_state", d.Policy() + "_state",
		d.Limits()} {
		must(t, os.WriteFile(path, nil, 0o640))
	}
}

// A directory in the hands of somebody else, or one that he could exchange, is refused by the name
// of what is his.
func TestDirectoriesInOtherHandsAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("gives files to other users: run it as root, in a container for example")
	}
	give := func(t *testing.T, path string) { t.Helper(); must(t, os.Lchown(path, foreigner, -1)) }
	for name, c := range map[string]struct {
		change func(t *testing.T, above string, d Dir)
		want   string // empty: it is accepted
	}{
		"ours": {func(*testing.T, string, Dir) {}, ""},
		"directory": {func(t *testing.T, _ string, d Dir) { give(t, string(d)) },
			"headgate belongs to user 61234"},
		"directory above": {func(t *testing.T, above string, _ Dir) { give(t, above) },
			" belongs to user 61234"}, "state of the policy": {func(t *testing.T, _ string, d Dir) {
			give(t, d.Policy()+"_state")
		}, "policy_state belongs to user 61234"},
		"state of the features": {func(t *testing.T, _ string, d Dir) {
			give(t, d.Features()+"_state")
		}, "features_state belongs to user 61234"},
		"limits": {func(t *testing.T, _ string, d Dir) { give(t, d.Limits()) },
			"limits belongs to user 61234"},
		"events": {func(t *testing.T, _ string, d Dir) { give(t, d.Events()) },
			"events belongs to user 61234"},
		"lock": {func(t *testing.T, _ string, d Dir) { give(t, d.Lock()) },
			"headgate.lock belongs to user 61234"}, "writable by all": {func(t *testing.T, _ string,
			d Dir) {
			must(t, os.Chmod(string(d), 0o777))
		},
			"headgate can be written to by every user"},
		"writable by all, sticky": {func(t *testing.T, _ string, d Dir) {
			must(t, os.Chmod(string(d), 0o777|fs.ModeSticky))
		}, ""},
		"writable by its group": {func(t *testing.T, _ string, d Dir) {
			shareWith(t, string(d), 0o770)
		}, ""},
		"above writable by all": {func(t *testing.T, above string, _ Dir) {
			must(t, os.Chmod(above, 0o777))
		}, "can be written to by every user"},
		"above writable by a group": {func(t *testing.T, above string, _ Dir) {
			shareWith(t, above, 0o775)
		},
			"can be written to by the members of group 61235"},
		"above writable by our group": {func(t *testing.T, above string, _ Dir) {
			must(t, os.Chmod(above, 0o775))
		}, ""},
		"above writable, sticky": {func(t *testing.T, above string, _ Dir) {
			must(t, os.Chmod(above, 0o777|fs.ModeSticky))
		}, ""},
		"writable where nobody gets": {func(t *testing.T, above string, d Dir) {
			must(t, os.Chmod(above, 0o700))
			must(t, os.Chmod(string(d), 0o777))
		}, ""},
		"writable where a group gets": {func(t *testing.T, above string, d Dir) {
			shareWith(t, above, 0o750)
			must(t, os.Chmod(string(d), 0o777))
		}, "headgate can be written to by every user"},
		"our link": {func(t *testing.T, above string, d Dir) {
			link(t, d, filepath.Join(above, "real"))
		}, ""},
		"foreign link to ours": {func(t *testing.T, above string, d Dir) {
			link(t, d, filepath.Join(above, "real"))
			give(t, string(d))
		}, "headgate belongs to user 61234"},
		"our link to a foreign place": {func(t *testing.T, above string, d Dir) {
			must(t, os.Mkdir(filepath.Join(above, "his"), 0o755))
			give(t, filepath.Join(above, "his"))
			link(t, d, filepath.Join(above, "his", "real"))
		}, "his belongs to user 61234"},
	} {
		t.Run(name, func(t *testing.T) {
			above, d := place(t)
			owners, err := NewOwners("")
			must(t, err)
			c.change(t, above, d)
			err = d.Check(owners)
			var untrusted *UntrustedError
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (!errors.As(err, &untrusted) ||
				!strings.Contains(err.Error(), c.want) || !strings.HasPrefix(untrusted.Path,
				above)):
				t.Errorf("%v, want %q", err, c.want)
			}
			if owners, err = NewOwners("61234"); err != nil {
				t.Fatal(err)
			}
			if err := d.Check(owners); strings.Contains(c.want, "belongs to") && err != nil {
				t.Errorf("with its owner named: %v", err)
			}
		})
	}
}

func shareWith(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	must(t, os.Chown(path, -1, foreignGroup))
	must(t, os.Chmod(path, mode))
}

// link moves d and leaves a link to it.
func link(t *testing.T, d Dir, to string) {
	t.Helper()
	must(t, os.Rename(string(d), to))
	must(t, os.Symlink(to, string(d)))
}

func TestDirectoriesThatAreMissingDoNotExist(t *testing.T) {
	owners, err := NewOwners("")
	must(t, err)
	for _, path := range []string{"headgate", "deeper/headgate"} {
		if err := Dir(filepath.Join(t.TempDir(), path)).Check(owners); !errors.Is(err,
			fs.ErrNotExist) {
			t.Errorf("%s: %v, want fs.ErrNotExist", path, err)
		}
	}
}

func TestOwnersAreUsersOfThisSystem(t *testing.T) {
	for named, want := range map[string]int{"root": 0, "0": 0, "4711": 4711} {
		if owners, err := NewOwners(named); err != nil || owners[len(owners)-1] != want {
			t.Errorf("%s: %v, %v; want %d", named, owners, err, want)
		}
	}
	for _, named := range []string{"-1", "no such user", "99999999999"} {
		if _, err := NewOwners(named); err == nil || !strings.Contains(err.Error(), named) {
			t.Errorf("%s: %v, want an error that names it", named, err)
		}
	}
}

// The first directory that a daemon has marked is used, then the first that is there and trusted.
func TestPlaceOfTheDirectory(t *testing.T) {
	_, first := place(t)
	_, second := place(t)
	owners, err := NewOwners("")
	must(t, err)
	p := Place{Owners: owners}
	expect := func(what string, want Dir, wantErr error) {
		t.Helper()
		if d, err := p.find(first, second); d != want || !errors.Is(err, wantErr) {
			t.Errorf("%s: %v, %v; want %v, %v", what, d, err, want, wantErr)
		}
	}
	expect("both marked", first, nil)
	must(t, os.Remove(first.Lock()))
	expect("the second marked", second, nil)
	must(t, os.Remove(second.Lock()))
	expect("none marked", first, nil)
	must(t, os.RemoveAll(string(first)))
	expect("the second only", second, nil)
	if os.Geteuid() == 0 {
		makeDir(t, first)
		must(t, os.Chown(string(first), foreigner, -1))
		expect("the first is foreign", second, nil)
		must(t, os.RemoveAll(string(second)))
		if d, err := p.find(first, second); d != second || !errors.As(err, new(*UntrustedError)) {
			t.Errorf("only a foreign one: %v, %v", d, err)
		}
	}
	must(t, os.RemoveAll(string(first)))
	must(t, os.RemoveAll(string(second)))
	expect("none", second, fs.ErrNotExist)
}
