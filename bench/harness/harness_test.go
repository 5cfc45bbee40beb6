package harness_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/bench/harness"
)

func TestMain(m *testing.M) {
	harness.RegisterChild("echo-driver", answerLines)
	harness.RunChild()
	os.Exit(m.Run())
}

// answerLines is a driver: it measures "N" as N nanoseconds, and refuses everything else.
func answerLines([]string) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if lines.Text() == "die" {
			return errors.New("told to")
		}
		var n int
		if _, err := fmt.Sscan(lines.Text(), &n); err != nil {
			fmt.Printf("{\"error\":\"unknown request\"}\n")
			continue
		}
		fmt.Printf("[{\"metric\":\"time\",\"unit\":\"ns/op\",\"value\":%d,\"n\":1}]\n", n)
	}
	return nil
}

// constant is an implementation that measures the values that it is given, one a round, and writes down its turns.
func constant(name string, turns *[]string, values ...float64) harness.Implementation {
	round := 0
	return harness.Implementation{Name: name, Measure: func() ([]harness.Measurement, error) {
		*turns = append(*turns, name)
		v := values[round%len(values)]
		round++
		return []harness.Measurement{{Metric: "time", Unit: "ns/op", Value: v, N: 10}}, nil
	}}
}

func TestCompareTakesTurnsAndGivesMedians(t *testing.T) {
	r := &harness.Run{Quick: true, Log: io.Discard}
	var turns []string
	suite := harness.Suite{Name: "s", Run: func(r *harness.Run) error {
		return r.Compare("c", []harness.Implementation{constant(harness.Headgate, &turns, 5, 1, 3), constant("peer", &turns, 6, 60, 600)})
	}}
	if err := r.Do(suite); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(turns, " "); got != "headgate peer peer headgate headgate peer" {
		t.Errorf("turns: %s; the order was to rotate", got)
	}
	if len(r.Results) != 2 {
		t.Fatalf("%d results", len(r.Results))
	}
	ours, theirs := r.Results[0], r.Results[1]
	if ours.Value != 3 || ours.Low != 1 || ours.High != 5 || ours.N != 30 || *ours.TimesFaster != 1 || ours.Suite != "s" || ours.Case != "c" {
		t.Errorf("headgate: %+v", ours)
	}
	if theirs.Value != 60 || *theirs.TimesFaster != 20 {
		t.Errorf("peer: %+v, ratio %v; 60 divided by 3 was expected", theirs, *theirs.TimesFaster)
	}
}

func TestWithoutHeadgateThereIsNoRatio(t *testing.T) {
	r := &harness.Run{Quick: true, Log: io.Discard}
	var turns []string
	if err := r.Compare("c", []harness.Implementation{constant("a", &turns, 1)}); err != nil {
		t.Fatal(err)
	}
	if r.Results[0].TimesFaster != nil {
		t.Errorf("ratio %v to nothing", *r.Results[0].TimesFaster)
	}
}

// More of what is counted per second is better, less of everything else: above 1 headgate is ahead, always.
func TestTimesFaster(t *testing.T) {
	for unit, want := range map[string]float64{"ns/op": 4, "ns": 4, "B": 4, "%": 4, "ns/request": 4, "requests/s": 0.25, "events/s": 0.25} {
		measure := func(value float64) func() ([]harness.Measurement, error) {
			return func() ([]harness.Measurement, error) {
				return []harness.Measurement{{Metric: "m", Unit: unit, Value: value}}, nil
			}
		}
		r := &harness.Run{Quick: true, Log: io.Discard}
		err := r.Compare("c", []harness.Implementation{{Name: "peer", Measure: measure(20)}, {Name: harness.Headgate, Measure: measure(5)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Results[0].TimesFaster; got == nil || *got != want {
			t.Errorf("20 %s beside headgate's 5: %v times faster, want %v", unit, got, want)
		}
	}
}

func TestOurs(t *testing.T) {
	for name, want := range map[string]bool{"headgate": true, "headgate, avx2": true, "headgates": false, "no headgate, really": false, "LMDB": false} {
		if got := (harness.Result{Impl: name}).Ours(); got != want {
			t.Errorf("%q is ours: %v", name, got)
		}
	}
}

func TestFailingRoundNamesCaseAndImplementation(t *testing.T) {
	r := &harness.Run{Quick: true, Log: io.Discard}
	err := r.Compare("reads", []harness.Implementation{{Name: "peer", Measure: func() ([]harness.Measurement, error) { return nil, io.ErrClosedPipe }}})
	if !errors.Is(err, io.ErrClosedPipe) || !strings.Contains(err.Error(), "reads: peer") {
		t.Errorf("error %v", err)
	}
}

// A peer that is missing is listed once with its remedy; where peers are required it ends the run.
func TestMissingPeers(t *testing.T) {
	t.Setenv("HEADGATE_BENCH_PEERS", t.TempDir())
	_, err := harness.FindBuilt("lmdb_peer")
	if err == nil || !strings.Contains(err.Error(), "bench/peers/setup") {
		t.Fatalf("error %v: it is to name the command that installs the peer", err)
	}
	r := &harness.Run{Log: io.Discard}
	for range 2 {
		if err := r.Miss(err); err != nil {
			t.Errorf("missing peer: %v", err)
		}
	}
	if len(r.Missing) != 1 || r.Missing[0].Name != "lmdb_peer" {
		t.Errorf("missing: %+v", r.Missing)
	}
	strict := &harness.Run{RequirePeers: true, Log: io.Discard}
	if err := strict.Miss(err); err == nil {
		t.Error("a missing peer is no error where peers are required")
	}
	if err := r.Miss(io.ErrClosedPipe); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("another error came back as %v", err)
	}
}

func TestLatencies(t *testing.T) {
	l := harness.NewLatency()
	for i := range 1000 {
		l.Record(time.Duration(i+1) * time.Microsecond)
	}
	l.Record(time.Hour) // beyond the histogram: counts as its greatest
	for i, want := range []float64{501e3, 991e3, 1000e3} {
		m := l.Measurements()[i]
		if m.Value < want*0.998 || m.Value > want*1.002 || m.N != 1001 {
			t.Errorf("%s is %v of %d, not about %v", m.Metric, m.Value, m.N, want)
		}
	}
}

// One stall of 100 ms among operations that are due every millisecond has delayed a hundred of them, and shows in the 99th percentile of a thousand.
func TestPacedCountsWhatAStallDelayed(t *testing.T) {
	const interval = time.Millisecond
	l, err := harness.Paced(300, interval, func(i int, _ int64) error {
		if i == 150 {
			time.Sleep(100 * interval)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if p99 := l.Measurements()[1].Value; p99 < float64(80*interval) {
		t.Errorf("p99 %v: the stall counts once only", time.Duration(p99))
	}
}

func TestParallelRunsEveryOperation(t *testing.T) {
	var counts [4]int
	m := harness.Parallel(len(counts), 1000, func(g int) func(int) {
		return func(n int) { counts[g] += n }
	})
	if counts != [4]int{1000, 1000, 1000, 1000} || m[0].N != 4000 {
		t.Errorf("operations %v, measured %+v", counts, m)
	}
}

// A driver answers, refuses in words, and when it dies the error tells what it said last.
func TestDriver(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HEADGATE_BENCH_CHILD", "echo-driver")
	d, err := harness.StartDriver(self)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	m, err := d.Ask("42")
	if err != nil || len(m) != 1 || m[0].Value != 42 {
		t.Fatalf("answer %+v, %v", m, err)
	}
	if _, err := d.Ask("nonsense"); err == nil || !strings.Contains(err.Error(), "unknown request") {
		t.Errorf("a refusal came back as %v", err)
	}
	if _, err := d.Ask("die"); err == nil || !strings.Contains(err.Error(), "told to") {
		t.Errorf("the death came back as %v", err)
	}
}
