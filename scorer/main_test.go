package scorer_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// must returns a result that there must be.
func must[T any](result T, err error) T {
	if err != nil {
		panic(err)
	}
	return result
}

// padded returns x with missing values for the features of a model that it is too short for.
func padded(m *scorer.Model, x ...float32) []float32 {
	for len(x) < len(m.Features()) {
		x = append(x, float32(math.NaN()))
	}
	return x
}

// Every test runs in every tier of the machine, one after the other, unless the environment asks
// for one: in the fastest as it was asked for, in the others as with -short, which leaves out most
// of the damaged files. Benchmarks name their tiers; fuzzing and the race detector run in the
// fastest.
func TestMain(m *testing.M) {
	flag.Parse()
	once := func(name string) bool { return flag.Lookup(name).Value.String() != "" }
	if raceEnabled || os.Getenv(scorer.TierVariable) != "" || once("test.bench") ||
		once("test.fuzz") || once("test.list") {
		os.Exit(m.Run())
	}
	for _, tier := range slices.Backward(scorer.Tiers()) {
		os.Setenv(scorer.TierVariable, tier.String())
		if code := m.Run(); code != 0 {
			fmt.Printf("FAIL in tier %s\n", tier)
			os.Exit(code)
		}
		flag.Set("test.short", "true")
	}
}
