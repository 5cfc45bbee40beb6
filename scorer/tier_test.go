package scorer_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

func TestTierNames(t *testing.T) {
	for _, tier := range []scorer.Tier{scorer.TierAuto, scorer.TierGo, scorer.TierAVX2,
		scorer.TierAVX512} {
		if got, err := scorer.ParseTier(tier.String()); err != nil || got != tier {
			t.Errorf("%s reads as %v (%v)", tier, got, err)
		}
	}
	if _, err := scorer.ParseTier("sse"); !errors.Is(err, scorer.ErrTier) ||
		!strings.Contains(err.Error(), "avx2") {
		t.Errorf("%v, expected ErrTier and the names there are", err)
	}
	if got := scorer.Tier(9).String(); got != "Tier(9)" {
		t.Errorf("%q", got)
	}
}

func TestTiersOfTheMachineBeginWithGo(t *testing.T) {
	if tiers := scorer.Tiers(); tiers[0] != scorer.TierGo {
		t.Errorf("%v", tiers)
	}
}

func TestEnvironmentChoosesTheTier(t *testing.T) {
	data := smallModel(t)
	for _, tier := range scorer.Tiers() {
		t.Setenv(scorer.TierVariable, tier.String())
		if got := load(t, data).Tier(); got != tier {
			t.Errorf("%s, expected %s", got, tier)
		}
	}
	for _, name := range []string{"", "auto"} {
		t.Setenv(scorer.TierVariable, name)
		tiers := scorer.Tiers()
		if got := load(t, data).Tier(); got != tiers[len(tiers)-1] {
			t.Errorf("%q gives %s, expected the fastest of %v", name, got, tiers)
		}
	}
}

func TestUnknownTierInTheEnvironmentIsAnError(t *testing.T) {
	data := smallModel(t)
	t.Setenv(scorer.TierVariable, "neon")
	_, err := scorer.Load(data)
	if !errors.Is(err, scorer.ErrTier) || !strings.Contains(err.Error(), scorer.TierVariable) {
		t.Errorf("%v, expected ErrTier and the name of the variable", err)
	}
}

func TestTierThatDoesNotExistIsAnError(t *testing.T) {
	if _, err := load(t, smallModel(t)).On(scorer.Tier(9)); !errors.Is(err, scorer.ErrTier) {
		t.Errorf("%v, expected ErrTier", err)
	}
}

// On does not change the model it is called on, and an explicit tier goes before the environment.
func TestOnGivesAnotherModel(t *testing.T) {
	m := load(t, smallModel(t))
	before := m.Tier()
	for _, tier := range scorer.Tiers() {
		on, err := m.On(tier)
		if err != nil || on.Tier() != tier || m.Tier() != before {
			t.Errorf("%s: the model is on %s, the one it came from on %s (%v)", tier, on.Tier(),
				m.Tier(), err)
		}
	}
}

// A row of more than 2048 buckets is not for vectors. The answers stay the same.
func TestWideModelRunsInGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	n := randomModel(rng, shape{features: 5000, borders: 1, trees: 4000, depth: 4})
	data, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	m := load(t, data)
	if got := m.Tier(); got != scorer.TierGo {
		t.Errorf("tier %s, expected go", got)
	}
	x := make([]float32, 5000)
	for j := range x {
		x[j] = randomValue(rng)
	}
	if got, want := must(m.Raw(nil, x)), n.raw(x); !sameBits(got, want) {
		t.Errorf("%v, expected %v", got, want)
	}
}
