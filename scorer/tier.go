package scorer

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// TierVariable is the environment variable that chooses the tier of models at load: "go", "avx2" or
// "avx512"; if it is empty or not set, the package chooses.
const TierVariable = "HEADGATE_SCORER_TIER"

// ErrTier is wrapped by the error of a tier that this machine does not have, or that does not
// exist.
var ErrTier = errors.New("tier not available")

// Tier is a set of machine instructions that a model is evaluated with. All tiers return the same
// bits.
type Tier uint8

const (
	// TierAuto is the fastest tier of the machine.
	TierAuto Tier = iota
	// TierGo is pure Go: every architecture has it, and it evaluates every model.
	TierGo
	// TierAVX2 needs AVX2 and POPCNT.
	TierAVX2
	// TierAVX512 needs AVX-512 F, BW, CD and VBMI: Ice Lake, Zen 4 and later.
	TierAVX512
)

var tierNames = [...]string{TierAuto: "auto", TierGo: "go", TierAVX2: "avx2", TierAVX512: "avx512"}

func (t Tier) String() string {
	if int(t) < len(tierNames) {
		return tierNames[t]
	}
	return "Tier(" + strconv.Itoa(int(t)) + ")"
}

// Tiers returns the tiers of this machine, from TierGo to the fastest.
func Tiers() []Tier { return machineTiers() }

// ParseTier is the inverse of Tier.String. Its error wraps ErrTier.
func ParseTier(name string) (Tier, error) {
	for tier, known := range tierNames {
		if name == known {
			return Tier(tier), nil
		}
	}
	return TierAuto, fmt.Errorf("%w: %q is not one of %s", ErrTier, name,
		strings.Join(tierNames[:], ", "))
}

// resolve replaces TierAuto by the tier of the environment variable, or else by the fastest, and
// returns an error for a tier that the machine lacks.
func (t Tier) resolve() (Tier, error) {
	source := ""
	if t == TierAuto {
		name := os.Getenv(TierVariable)
		if name == "" {
			name = TierAuto.String()
		}
		named, err := ParseTier(name)
		if err != nil {
			return TierAuto, fmt.Errorf("environment variable %s: %w", TierVariable, err)
		}
		t, source = named, "environment variable "+TierVariable+": "
	}
	tiers := machineTiers()
	if t == TierAuto {
		return tiers[len(tiers)-1], nil
	}
	for _, has := range tiers {
		if t == has {
			return t, nil
		}
	}
	return TierAuto, fmt.Errorf("%s%w: this machine has no %s, it has %v", source, ErrTier, t,
		tiers)
}

// On returns the same model evaluated with a tier. The results are the same, bit for bit; it is for
// tests, measurements and machines that are suspected of errors. A tier that this machine lacks is
// an error that wraps ErrTier; TierAuto chooses as Load does.
func (m *Model) On(tier Tier) (*Model, error) {
	tier, err := tier.resolve()
	if err != nil {
		return nil, err
	}
	on := *m
	if m.oblivious != nil {
		on.oblivious = m.oblivious.on(tier)
	}
	if m.binary != nil {
		on.binary = m.binary.on(tier)
	}
	return &on, nil
}

// Tier returns the tier that evaluates the model: the chosen one, or TierGo if that does not help
// the model: one with more than 2048 buckets of 254 borders, and binary trees, if they are large,
// have categorical splits or the tier is TierAVX2.
func (m *Model) Tier() Tier {
	if m.oblivious != nil && m.oblivious.blocks != nil {
		return m.oblivious.blocks.lookup.tier
	}
	if m.binary != nil && m.binary.exits != nil {
		return TierAVX512
	}
	return TierGo
}
