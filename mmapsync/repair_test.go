//go:build linux

package mmapsync_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/base/mmap"
	"github.com/headgate/headgate/mmapsync"
)

// These tests damage files that a writer finds when it starts, and those that it has in use.

// odd are damages that put something else in a file's place.
func odd(suffix string) map[string]func(*testing.T, string) {
	replace := func(with func(path string) error) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			must(t, os.Remove(path+suffix))
			must(t, with(path+suffix))
		}
	}
	return map[string]func(*testing.T, string){
		"FIFO":   replace(func(path string) error { return syscall.Mkfifo(path, 0o600) }),
		"folder": replace(func(path string) error { return os.Mkdir(path, 0o700) }),
		"full folder": replace(func(path string) error {
			return os.MkdirAll(path+"/sub/sub", 0o700)
		}),
		"dangling link": replace(func(path string) error { return os.Symlink("nowhere", path) }),
		"link to self":  replace(func(path string) error { return os.Symlink(path, path) }),
		"empty":         replace(func(path string) error { return os.WriteFile(path, nil, 0o600) }),
		"text": replace(func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("no file of ours\n", 1000)), 0o600)
		}),
		"missing": replace(func(string) error { return nil }),
	}
}

var suffixes = []string{"_state", "_readers", "_data_0", "_data_1"}

func TestDamageIsRepairedAtTheStart(t *testing.T) {
	for _, c := range damages {
		t.Run(c.name, func(t *testing.T) { expectRepaired(t, c.damage) })
	}
	for _, suffix := range suffixes {
		for name, damage := range odd(suffix) {
			t.Run(suffix+" "+name, func(t *testing.T) { expectRepaired(t, damage) })
		}
		for name, damage := range odd(suffix + ".tmp") {
			t.Run(suffix+".tmp "+name, func(t *testing.T) {
				expectRepaired(t, func(t *testing.T, path string) {
					must(t, os.WriteFile(path+suffix+".tmp", nil, 0o600))
					damage(t, path)
					truncate("_readers", 0)(t, path)
				})
			})
		}
	}
	for offset := range 128 { // each byte of the registry's header, and the whole state file
		t.Run("registry", func(t *testing.T) { expectRepaired(t, flip("_readers", offset)) })
		if offset < 16 {
			t.Run("state", func(t *testing.T) { expectRepaired(t, flip("_state", offset)) })
		}
		if offset < 64 {
			t.Run("footer", func(t *testing.T) { expectRepaired(t, flip("_data_1", offset-64)) })
		}
	}
	t.Run("zeroed state", func(t *testing.T) { expectRepaired(t, word("_state", 0, 0)) })
	t.Run("everything", func(t *testing.T) {
		expectRepaired(t, func(t *testing.T, path string) {
			for _, suffix := range suffixes {
				odd(suffix)["full folder"](t, path)
			}
		})
	})
}

// expectRepaired wants a path to be published at again, twice damaged, beside a reader from before.
func expectRepaired(t *testing.T, damage func(*testing.T, string)) {
	path := published(t)
	old := openReader(t, path)
	held, err := old.Acquire()
	must(t, err)
	defer survive(func() error { held.Release(); return nil }) // the damage may have cut the file
	look := func() (content string) {
		survive(func() error { content = string(held.Bytes()); return nil })
		return content
	}
	for round := range 3 {
		damage(t, path)
		before := look()
		w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Repair: true, Grace: -1,
			Slots: 64})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		r := openReader(t, path)
		s, err := r.Acquire()
		if err == nil {
			if err := s.Verify(); err != nil && !errors.Is(err, mmapsync.ErrNotHashed) {
				t.Error(err)
			}
			s.Release()
		} else if !errors.Is(err, mmapsync.ErrNotPublished) {
			t.Fatal(err)
		}
		for _, content := range []string{"third", strings.Repeat("fourth", 3000), "fifth",
			strings.Repeat("second", 2000)} {
			publish(t, w, content)
			expect(t, r, content)
			if look() != before {
				t.Fatal("a snapshot from before has changed")
			}
		}
		if s := w.Stats(); (s.Rebuilds == 0) != (s.Damage == nil) {
			t.Errorf("round %d: %d rebuilds, %v", round, s.Rebuilds, s.Damage)
		}
		must(t, w.Close())
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	must(t, err)
	if len(names) > 4+4+2 { // some damages leave files of their own
		t.Errorf("left behind: %v", names)
	}
}

// Of what was published the last that is whole stays.
func TestARepairedPathKeepsItsLastPublication(t *testing.T) {
	second := strings.Repeat("second", 2000)
	for _, c := range []struct {
		name   string
		damage func(*testing.T, string)
		want   string
		blamed string
	}{
		{"registry", flip("_readers", 0), second, "_readers"},
		{"older registry", word("_readers", 8, 2048<<32|1), second, "_readers"},
		{"no registry", remove("_readers"), second, "_readers"},
		{"version word", flip("_state", 6), second, "_data_1"},
		{"other data file", flip("_state", 0), second, "_data_0"},
		{"zeroed version word", word("_state", 0, 0), second, "_state"},
		{"state cut", truncate("_state", 3), second, "_state"},
		{"no state", remove("_state"), second, "_state"},
		{"state is a folder", folder("_state"), second, "_state"},
		{"footer", flip("_data_1", -64), "first", "_data_1"},
		{"no active file", remove("_data_1"), "first", "_data_1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := published(t)
			c.damage(t, path)
			w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Repair: true})
			must(t, err)
			defer w.Close()
			expect(t, openReader(t, path), c.want)
			must(t, w.View(func(content []byte) error {
				if string(content) != c.want {
					t.Errorf("the writer sees %.20q", content)
				}
				return nil
			}))
			stats := w.Stats()
			var damaged *mmapsync.FormatError
			if stats.Rebuilds != 1 || !errors.As(stats.Damage, &damaged) ||
				damaged.Path != path+c.blamed {
				t.Errorf("%d rebuilds for %v, want one for %s", stats.Rebuilds, stats.Damage,
					c.blamed)
			}
		})
	}
}

func TestDamageHidesNoLivingWriter(t *testing.T) {
	for _, damage := range []func(*testing.T, string){truncate("_state", 0), word("_state", 0, 0),
		remove("_readers"), remove("_data_1")} {
		path := filepath.Join(t.TempDir(), "table")
		w := openWriter(t, path)
		publish(t, w, "x")
		publish(t, w, "y")
		damage(t, path)
		if _, err := mmapsync.OpenWriter(path,
			mmapsync.WriterOptions{Repair: true}); !errors.Is(err, mmapsync.ErrLocked) {
			t.Errorf("beside a living writer: %v, want ErrLocked", err)
		}
	}
}

// Everybody who may read the state file can lock it to read. That does not make it a writer.
func TestReadersThatLockTheStateFileKeepNoWriterOut(t *testing.T) {
	path := published(t)
	r := openReader(t, path)
	f, err := os.Open(path + "_state")
	must(t, err)
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_RDLCK, Len: 1}
	must(t, fcntlOFD(f, &lock))
	if !mmap.ReadLocked(openForWriting(t, path+"_state"), 0) {
		t.Fatal("the state file is not locked to read")
	}
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Repair: true})
	must(t, err)
	defer w.Close()
	expect(t, openReader(t, path), strings.Repeat("second", 2000))
	publish(t, w, "third")
	expect(t, openReader(t, path), "third")
	if replaced, err := r.Replaced(); !replaced || err != nil {
		t.Errorf("the reader from before is not told: %v, %v", replaced, err)
	}
	if _, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Repair: true}); !errors.Is(err,
		mmapsync.ErrLocked) {
		t.Errorf("a second writer: %v, want ErrLocked", err)
	}
}

// Of writers that find a damaged path at the same time one repairs it, and the others are refused.
// Where the draft of the state file is what is damaged, they have nothing to lock: see decision
// 0025.
func TestWritersRaceToRepairAPath(t *testing.T) {
	for _, suffix := range []string{"_state", "_readers"} {
		for name, damage := range odd(suffix) {
			t.Run(suffix+" "+name, func(t *testing.T) {
				path := published(t)
				must(t, os.WriteFile(path+"_state.tmp", nil, 0o600))
				damage(t, path)
				writers, errs := make([]*mmapsync.Writer, 8), make([]error, 8)
				var wg sync.WaitGroup
				for i := range writers {
					wg.Go(func() {
						writers[i], errs[i] = mmapsync.OpenWriter(path,
							mmapsync.WriterOptions{Repair: true})
					})
				}
				wg.Wait()
				living := 0
				for i, w := range writers {
					if w == nil {
						if !errors.Is(errs[i], mmapsync.ErrLocked) {
							t.Errorf("refused: %v, want ErrLocked", errs[i])
						}
						continue
					}
					living++
					defer w.Close()
					publish(t, w, "by the living one")
					expect(t, openReader(t, path), "by the living one")
				}
				if living != 1 {
					t.Errorf("%d writers live, want one", living)
				}
			})
		}
	}
}

func openForWriting(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func fcntlOFD(f *os.File, lock *syscall.Flock_t) error {
	const setLock = 37 // F_OFD_SETLK
	return syscall.FcntlFlock(f.Fd(), setLock, lock)
}

// Whichever file is cut, by however much, under whatever the writer does: it goes on, and readers
// find what it publishes.
func TestFilesCutUnderTheWriter(t *testing.T) {
	if mmapsync.RaceEnabled {
		t.Skip("a fault inside of the race detector cannot be recovered from; run this without -race")
	}
	small, large := "small", strings.Repeat("large", 50_000)
	for name, work := range map[string]func(w *mmapsync.Writer, content string) error{
		"Publish": func(w *mmapsync.Writer, content string) error {
			_, err := w.Publish([]byte(content))
			return err
		},
		"Update": func(w *mmapsync.Writer, content string) error {
			_, err := w.Update(len(content), func(c *mmapsync.Copy) error {
				sum := 0
				for _, b := range c.Current {
					sum += int(b)
				}
				copy(c.Bytes, content)
				return nil
			})
			return err
		},
		"Check": func(w *mmapsync.Writer, content string) error {
			if err := w.Check(); err != nil {
				return err
			}
			_, err := w.Publish([]byte(content))
			return err
		},
	} {
		for _, suffix := range suffixes {
			for cut, damage := range map[string]func(*testing.T, string){
				"to nothing": truncate(suffix, 0),
				"to half": func(t *testing.T, path string) {
					must(t, os.Truncate(path+suffix, length(t, path+suffix)/2))
				},
				"and grown": func(t *testing.T, path string) {
					n := length(t, path+suffix)
					truncate(suffix, 0)(t, path)
					truncate(suffix, n)(t, path)
				},
			} {
				t.Run(strings.Join([]string{name, suffix, cut}, " "), func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "table")
					w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{Repair: true,
						Grace: -1})
					must(t, err)
					defer w.Close()
					for round := range 4 { // with either file active
						publish(t, w, large)
						publish(t, w, large+small)
						if round%2 == 1 {
							publish(t, w, large)
						}
						old := openReader(t, path)
						damage(t, path)
						for i := range 3 {
							content := large + strings.Repeat("x", i)
							must(t, work(w, content))
							if i == 0 && name != "Check" {
								must(t, w.Check())
							}
							expectUpdated(t, path, content)
						}
						if err := old.Close(); err != nil {
							t.Error(err)
						}
					}
					if s := w.Stats(); s.Rebuilds == 0 || s.Damage == nil ||
						!strings.Contains(s.Damage.Error(), suffix) {
						t.Errorf("%d rebuilds, %v", s.Rebuilds, s.Damage)
					}
				})
			}
		}
	}
}

func length(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Size()
}

// Cut in the middle of a call of fill: it ends there, and the next call begins from a copy that is
// whole.
func TestFilesCutWhileTheyAreUpdated(t *testing.T) {
	if mmapsync.RaceEnabled {
		t.Skip("a fault inside of the race detector cannot be recovered from; run this without -race")
	}
	path := filepath.Join(t.TempDir(), "table")
	w := openWriter(t, path)
	content := strings.Repeat("x", 100_000)
	publish(t, w, content)
	publish(t, w, content)
	calls := 0
	_, err := w.Update(len(content), func(c *mmapsync.Copy) error {
		if calls++; calls == 1 {
			truncate("_data_0", 0)(t, path)
		}
		clear(c.Bytes)
		copy(c.Bytes, content)
		return nil
	})
	if err != nil || calls != 2 {
		t.Fatalf("%d calls, %v", calls, err)
	}
	expectUpdated(t, path, content)
}

// expectUpdated wants the content that a new reader sees, with a hash or without.
func expectUpdated(t *testing.T, path, want string) {
	t.Helper()
	s, err := openReader(t, path).Acquire()
	must(t, err)
	defer s.Release()
	if got := string(s.Bytes()); got != want {
		t.Fatalf("snapshot of %d bytes, %.20q, want %d, %.20q", len(got), got, len(want), want)
	}
}

// Whatever readers write to the registry's header, and whatever happens to the names, is found by a
// Check.
func TestCheckMakesAnewWhatNobodyCouldOpen(t *testing.T) {
	for name, damage := range map[string]func(*testing.T, string){
		"registry header":  flip("_readers", 0),
		"registry format":  flip("_readers", 8),
		"registry slots":   flip("_readers", 12),
		"registry deleted": remove("_readers"),
		"state deleted":    remove("_state"),
		"state zeroed":     word("_state", 0, 0),
		"active deleted":   remove("_data_1"),
		"active is a link": link("_data_1"),
		"inactive deleted": remove("_data_0"),
		"all deleted": func(t *testing.T, path string) {
			for _, suffix := range suffixes {
				remove(suffix)(t, path)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "table")
			w := openWriter(t, path)
			publish(t, w, "first")
			publish(t, w, "second")
			must(t, w.Check())
			if s := w.Stats(); s.Rebuilds != 0 || s.Damage != nil {
				t.Fatalf("sound files: %d rebuilds, %v", s.Rebuilds, s.Damage)
			}
			old := openReader(t, path)
			expect(t, old, "second")
			damage(t, path)
			must(t, w.Check())
			if s := w.Stats(); s.Rebuilds != 1 || s.Damage == nil {
				t.Errorf("%d rebuilds, %v", s.Rebuilds, s.Damage)
			}
			r := openReader(t, path)
			expect(t, r, "second")
			publish(t, w, "third")
			publish(t, w, "fourth")
			expect(t, r, "fourth")
			must(t, w.Check())
			if s := w.Stats(); s.Rebuilds != 1 {
				t.Errorf("%d rebuilds of what was whole again", s.Rebuilds)
			}
		})
	}
}

// As many Readers as a host has proxies, each with an open file of its own, as processes have: all
// read, and the next writer starts beside them and counts their slots.
func TestAThousandReadersOnOneHost(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	path := sharedPath(t)
	w, err := mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	must(t, err)
	publish(t, w, "first")
	began := time.Now()
	var readers []*mmapsync.Reader
	for range 1100 { // some more than have a slot of their own
		readers = append(readers, openReader(t, path))
	}
	opened := time.Since(began)
	expectAll := func(content string) {
		t.Helper()
		for _, r := range readers {
			expect(t, r, content)
		}
	}
	expectAll("first")
	must(t, w.Close())
	w, err = mmapsync.OpenWriter(path, mmapsync.WriterOptions{})
	must(t, err)
	defer w.Close()
	for _, content := range []string{"second", "third", "fourth"} {
		publish(t, w, content)
		expectAll(content)
	}
	began = time.Now()
	stats := w.Stats()
	t.Logf("%d Readers opened in %v; counting their %d slots took %v", len(readers), opened,
		stats.SlotsTaken, time.Since(began))
	if stats.Slots != 2048 || stats.SlotsTaken < 1000 || stats.SlotsTaken > 2048 ||
		stats.Retirements != 0 {
		t.Errorf("%+v", stats)
	}
}
