package model_test

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var large = flag.Bool("large", false, "also check the sizes that take minutes and gigabytes")

// What the assertions look like in Spin's report. The model names them.
const (
	crateWhole = "(left[path[(v&1)]]==v)"
	whole      = "(left[d]==v)"
	mapped     = "unmapped[d]"
	found      = "(word[s]&64)"
	counted    = "(((word[s]>>(3*i))&7)>0)"
	taken      = "(d!=0)"                              // mapped, when a snapshot is taken
	again      = "(((word[gs]>>(3*indexOf[gd]))&7)>0)" // counted, in a second Release
	held       = "(serial[((d*1)+(own[(r*1)]!=s))]==m)"
	owned      = "!(abandoned)"
	forgotten  = "(left[fd]==fv)" // whole, though it was forgotten
	lent       = "(left[data[x]]==(holds[x]-1))"
	alone      = "!(theirs)"
	copied     = "(l==v)"
	fresh      = "(order[v]>=floor)"
	damaged    = "assertion violated 0"
	oneSet     = "(k==s)"
	oneData    = "(d==s)"
)

// sizes is one set of -D settings of the model, which protocol.pml explains.
type sizes struct {
	name     string
	settings string
	bits     bool // supertrace: states are told apart by hash bits, so a few may be missed
	short    bool // the search is so short that compiling it well takes longer
}

func TestProtocolHolds(t *testing.T) {
	cases := []sizes{
		{name: "readers", settings: "READERS=2 PUBLICATIONS=3"},
		{name: "death", settings: "READERS=2 PUBLICATIONS=2 DEATHS=1"},
		{name: "crash", settings: "READERS=1 READS=2 PUBLICATIONS=3 DEATHS=1 CRASHES=1"},
		{name: "crash in adoption", settings: "READERS=1 PUBLICATIONS=2 CRASHES=2"},
		{name: "failed update", settings: "READERS=1 PUBLICATIONS=2 FAILS=1 DEATHS=1 CRASHES=1"},
		{name: "goroutines on one slot",
			settings: "READERS=1 GOROUTINES=2 PUBLICATIONS=2 GROWTHS=0"},
		{name: "goroutines on two own slots",
			settings: "READERS=1 GOROUTINES=2 OWNS=2 PUBLICATIONS=2 GROWTHS=0"},
		{name: "goroutines on two slots of each kind",
			settings: "READERS=1 GOROUTINES=2 LANES=2 OWNS=2 PUBLICATIONS=2 GROWTHS=0"},
		{name: "released again",
			settings: "READERS=1 GOROUTINES=2 AGAIN ANNOUNCED PUBLICATIONS=2 GROWTHS=0"},
		{name: "released again, two own slots",
			settings: "READERS=1 GOROUTINES=2 OWNS=2 AGAIN ANNOUNCED PUBLICATIONS=1 GROWTHS=0"},
		{name: "closed", settings: "READERS=1 CLOSES=1 READS=2 PUBLICATIONS=2"},
		{name: "closed, goroutines",
			settings: "READERS=1 GOROUTINES=2 CLOSES=1 PUBLICATIONS=1 GROWTHS=0"},
		{name: "closed, forgotten",
			settings: "READERS=1 CLOSES=1 FORGETS LANES=2 READS=2 PUBLICATIONS=2 GROWTHS=0"},
		{name: "slot of two readers", settings: "READERS=2 CROWD PUBLICATIONS=2"},
		{name: "slot of two readers and death",
			settings: "READERS=2 CROWD PUBLICATIONS=1 DEATHS=1"},
		{name: "two writers", settings: "FOREIGN READS=3 PUBLICATIONS=2"},
		{name: "our writer, copied", settings: "FOREIGN ALONE=1 READS=3"},
		{name: "the crate's writer, copied", settings: "FOREIGN ALONE=2 READS=3"},
		{name: "made anew", settings: "REBUILD"},
	}
	if testing.Short() {
		cases = []sizes{
			{name: "readers", settings: "READERS=2 PUBLICATIONS=2"},
			{name: "death and crash", settings: "READERS=1 PUBLICATIONS=2 DEATHS=1 CRASHES=1"},
			{name: "goroutines on two slots",
				settings: "READERS=1 GOROUTINES=2 LANES=2 PUBLICATIONS=2 GROWTHS=0"},
			{name: "released again, two own slots",
				settings: "READERS=1 GOROUTINES=2 OWNS=2 AGAIN ANNOUNCED PUBLICATIONS=1 GROWTHS=0"},
			{name: "closed", settings: "READERS=1 CLOSES=1 READS=2 PUBLICATIONS=1"},
			{name: "slot of two readers and death",
				settings: "READERS=2 CROWD PUBLICATIONS=1 DEATHS=1"},
			{name: "two writers", settings: "FOREIGN READS=2 PUBLICATIONS=2"},
			{name: "made anew", settings: "REBUILD"},
		}
	}
	if *large {
		cases = append(cases,
			sizes{name: "readers, large", settings: "READERS=2 READS=2 PUBLICATIONS=4", bits: true},
			sizes{name: "death and crash, large",
				settings: "READERS=2 PUBLICATIONS=3 DEATHS=1 CRASHES=1", bits: true},
			sizes{name: "goroutines and crash, large",
				settings: "READERS=1 GOROUTINES=2 PUBLICATIONS=2 CRASHES=1", bits: true},
			sizes{name: "goroutines on one slot, large",
				settings: "READERS=1 GOROUTINES=2 READS=2 PUBLICATIONS=4", bits: true},
			sizes{name: "released again, large",
				settings: "READERS=1 GOROUTINES=2 OWNS=2 AGAIN ANNOUNCED READS=2 PUBLICATIONS=2", bits: true},
			sizes{name: "closed, large",
				settings: "READERS=1 GOROUTINES=2 CLOSES=1 FORGETS READS=2 PUBLICATIONS=2 GROWTHS=0", bits: true},
			sizes{name: "failed update, large",
				settings: "READERS=1 PUBLICATIONS=3 FAILS=2 DEATHS=1 CRASHES=1", bits: true},
			sizes{name: "slot of two readers, large",
				settings: "READERS=2 CROWD PUBLICATIONS=3 DEATHS=1 CRASHES=1", bits: true},
			sizes{name: "two writers, large", settings: "FOREIGN READS=3 PUBLICATIONS=3 GROWTHS=2",
				bits: true})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			report := check(t, c)
			if report.violated != "" {
				t.Fatalf("%s: %s\n%s", c.settings, report.violated, report.text)
			}
			if !report.complete {
				t.Fatalf("%s: the search is not complete\n%s", c.settings, report.text)
			}
			t.Logf("%s: %s states", c.settings, report.states)
		})
	}
}

// TestMutationsFail shows that the model can see what it is to exclude: each step that is left out
// or moved ends in the failure of one assertion.
func TestMutationsFail(t *testing.T) {
	cases := []struct{ settings, violated string }{
		{"CRATE", crateWhole},
		{"CRATE PATIENT", crateWhole},
		{"RETIRED_FIRST READERS=1", whole},
		{"MAPPING_LATE READERS=1 GOROUTINES=2 PUBLICATIONS=2 GROWTHS=0", whole},
		{"MARK_ONLY_X READERS=1 READS=2", whole},
		{"NO_SECOND_LOOK READERS=1", whole},
		{"LATE_RAISE READERS=1", whole},
		{"FORGET_GENERATION READERS=1", found},
		{"REUSE_ON_ADOPTION READERS=1 CRASHES=1", whole},
		{"ADOPT_NO_GENERATION READERS=1 CRASHES=1", found},
		{"OWN_ADDED READERS=1 GOROUTINES=2", counted},
		{"OWN_ANY_GENERATION READERS=1", whole},
		{"DROP_ON_RECLAIM READERS=1 GOROUTINES=2", mapped},
		{"SWEEP_WITHOUT_HOLDS READERS=1 GOROUTINES=2", mapped},
		{"HOLD_STORED READERS=1 CLOSES=1 PUBLICATIONS=2", mapped},
		{"NO_SERIAL READERS=1 GOROUTINES=2 AGAIN PUBLICATIONS=1 GROWTHS=0", again},
		{"SERIAL_LATE READERS=1 GOROUTINES=2 AGAIN PUBLICATIONS=1 GROWTHS=0", held},
		{"NOT_ENDED READERS=1 CLOSES=1 READS=2 PUBLICATIONS=1", mapped},
		{"COLLECT_EARLY READERS=1 CLOSES=1 PUBLICATIONS=1", owned},
		{"SWEEP_WITHOUT_HOLDS READERS=1 CLOSES=1 READS=2 PUBLICATIONS=1", mapped},
		{"LEAVE_FORGOTTEN READERS=1 CLOSES=1 FORGETS PUBLICATIONS=2", forgotten},
		{"KEEP_HOLDS READERS=1 FAILS=1", lent},
		{"DROP_ON_RECLAIM READERS=2 CROWD PUBLICATIONS=2", taken},
		{"JOIN_CLEARS READERS=2 CROWD PUBLICATIONS=2", counted},
		{"FOREIGN PLAIN_STORE", alone},
		{"FOREIGN NO_PROOF", copied},
		{"FOREIGN BLIND READS=2", fresh},
		{"FOREIGN ALONE=1 NO_REMAP READS=2", damaged},
		{"REBUILD STATE_STAYS", oneSet},
		{"REBUILD NO_THIRD_LOOK", oneSet},
		{"REBUILD SAME_GENERATIONS", oneData},
	}
	for _, c := range cases {
		t.Run(c.settings, func(t *testing.T) {
			report := check(t, sizes{settings: c.settings, short: true})
			if !strings.Contains(report.violated, c.violated) {
				t.Fatalf("assertion violated: %q, want one with %q\n%s", report.violated,
					c.violated, report.text)
			}
			t.Logf("found within %s states", report.states)
		})
	}
}

// report is what the checker that Spin makes has printed.
type report struct {
	text     string
	states   string
	violated string // the assertion, or what else was found; empty if nothing was
	complete bool   // every state was visited
}

var (
	foundError  = regexp.MustCompile(`pan:\d+: (.*) \(at depth`)
	storedCount = regexp.MustCompile(`(\S+) states, stored`)
	errorCount  = regexp.MustCompile(`errors: (\d+)`)
	incomplete  = regexp.MustCompile(`Search not completed|out of memory|max search depth too small`)
)

// check has Spin translate the model, the C compiler make a checker of it, and the checker search
// all states.
func check(t *testing.T, c sizes) report {
	t.Helper()
	compiler := tools(t)
	model, err := filepath.Abs("protocol.pml")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	spin := []string{"-a"}
	for _, setting := range strings.Fields(c.settings) {
		spin = append(spin, "-D"+setting)
	}
	run(t, folder, "spin", append(spin, model)...)

	store, bounds := []string{"-DCOLLAPSE"}, []string{"-m200000"}
	if c.bits {
		store, bounds = []string{"-DBITSTATE"}, []string{"-m200000", "-w34", "-k3"} // 2 GB of bits
	}
	optimise := "-O1"
	if c.short {
		optimise = "-O0"
	}
	run(t, folder, compiler, append(store, optimise, "-w", "-DSAFETY", "-DMEMLIM=4000", "-o", "pan",
		"pan.c")...)

	r := report{text: run(t, folder, "./pan", bounds...)}
	stored, count := storedCount.FindStringSubmatch(r.text), errorCount.FindStringSubmatch(r.text)
	if stored == nil || count == nil {
		t.Fatalf("not a report of a Spin checker:\n%s", r.text)
	}
	r.states = stored[1]
	if match := foundError.FindStringSubmatch(r.text); match != nil {
		r.violated = match[1]
	} else if count[1] != "0" {
		r.violated = "errors: " + count[1]
	}
	r.complete = !incomplete.MatchString(r.text)
	return r
}

// tools returns the name of the C compiler.
func tools(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("spin"); err != nil {
		t.Skip("Spin is not installed: apt-get install spin, or see https://spinroot.com")
	}
	for _, compiler := range []string{"cc", "gcc"} {
		if _, err := exec.LookPath(compiler); err == nil {
			return compiler
		}
	}
	t.Skip("Spin needs a C compiler: apt-get install gcc")
	return ""
}

// run returns what a command prints, its end by failure included only where it is the checker's,
// whose report says more.
func run(t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "LC_ALL=C")
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !(name == "./pan" && errors.As(err, &exit) && exit.Exited()) {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
