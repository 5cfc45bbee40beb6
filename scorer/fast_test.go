package scorer_test

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// inChains adds in the order that the documentation of Fast promises.
func inChains(leaves []float64) float64 {
	var sums [8]float64
	for t, leaf := range leaves {
		sums[t%8] += leaf
	}
	for half := 4; half > 0; half /= 2 {
		for i := range half {
			sums[i] += sums[i+half]
		}
	}
	return sums[0]
}

// fastShapes are trees of every unrolled width and not, one tree to more than two calls of a kernel
// take, numbers of trees that are multiples of 8 and not, rows of one, two and more registers.
var fastShapes = []shape{
	{1, 0, 3, 0}, {2, 2, 4, 2}, {3, 5, 8, 6}, {5, 20, 21, 7}, {8, 40, 64, 8}, {255, 4, 63, 6}, {600,
		6, 100, 8}, {30, 30, 6, 13},
	{1500, 2, 1503, 4}, {2, 3, 2050, 3}, {5000, 1, 4000, 4},
}

// In every tier the sums of Fast are those of one order: trees to chains in turn, chains by halves.
func TestFastAddsInItsOrder(t *testing.T) {
	for i, s := range fastShapes {
		for seed := range seeds(3) {
			rng := rand.New(rand.NewPCG(uint64(i), seed))
			n := randomModel(rng, s)
			m := load(t, marshalled(t, n)).Fast()
			if m.Exact() {
				t.Fatalf("shape %v: the model is exact", s)
			}
			scratch, x := m.NewScratch(), make([]float32, s.features)
			for range 30 {
				for j := range x {
					x[j] = randomValue(rng)
				}
				if got, want := must(m.Raw(scratch,
					x)), n.rescaled(inChains(n.reached(x))); !sameBits(got, want) {
					t.Fatalf("shape %v, seed %d: %v, expected %v", s, seed, got, want)
				}
			}
		}
	}
}

func marshalled(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Binary trees are added in the same order; XGBoost's sum is rounded to float32 when it is
// complete.
func TestFastForestsAddInTheirOrder(t *testing.T) {
	shapes := []forestShape{{1, 1, 1, 0}, {2, 1, 7, 2}, {3, 1, 8, 3}, {6, 1, 17, 5}, {30, 1, 40, 8},
		{600, 1, 60, 10}, {2, 1, 1100, 3}}
	for i, s := range shapes {
		for seed := range seeds(3) {
			rng := rand.New(rand.NewPCG(uint64(i), seed))
			f := randomForest(rng, s)
			lightgbm, xgboost := load(t, f.text()).Fast(), load(t, f.ubj()).Fast()
			if lightgbm.Exact() || xgboost.Exact() {
				t.Fatalf("shape %v: a model is exact", s)
			}
			scratch, x := &scorer.Scratch{}, make([]float32, s.features)
			for range 30 {
				for j := range x {
					x[j] = randomForestValue(rng)
				}
				if got, want := must(lightgbm.Raw(scratch,
					x)), inChains(f.reachedLightGBM(x)); !sameBits(got, want) {
					t.Fatalf("shape %v, seed %d, LightGBM: %v, expected %v", s, seed, got, want)
				}
				want := float64(float32(naiveBase + inChains(f.reachedXGBoost(x))))
				if got := must(xgboost.Raw(scratch, x)); !sameBits(got, want) {
					t.Fatalf("shape %v, seed %d, XGBoost: %v, expected %v", s, seed, got, want)
				}
			}
		}
	}
}

// trueSum is the sum of floats, and that of their magnitudes, without any rounding: 2200 bits hold
// every float64 there is.
func trueSum(values []float64) (sum, magnitudes *big.Float) {
	sum, magnitudes = new(big.Float).SetPrec(2200), new(big.Float).SetPrec(2200)
	for _, v := range values {
		sum.Add(sum, big.NewFloat(v))
		magnitudes.Add(magnitudes, big.NewFloat(math.Abs(v)))
	}
	return sum, magnitudes
}

// withinBound says whether got is the sum of values up to roundings units of 2^-precision of the
// sum of their magnitudes, and how much of that it is off.
func withinBound(got float64, values []float64, roundings, precision int) (float64, bool) {
	sum, bound := trueSum(values)
	bound.Mul(bound, big.NewFloat(float64(roundings)))
	bound.SetMantExp(bound, -precision)
	off := new(big.Float).SetPrec(2200).Sub(big.NewFloat(got), sum)
	off.Abs(off)
	part := 0.0
	if bound.Sign() > 0 {
		part, _ = new(big.Float).Quo(off, bound).Float64()
	}
	return part, off.Cmp(bound) <= 0
}

// fastRoundings is how many additions a leaf of a model of so many trees takes part in: those of
// its chain, whose first is to 0, and three between chains.
func fastRoundings(trees int) int { return (trees+7)/8 + 2 }

// Exact sums and those of Fast are both as near to the true sum as the documentation of Fast says,
// also where leaves of all magnitudes nearly cancel each other. (The bound of Fast has a term of
// second order; that of so few trees is far below a unit of float64.)
func TestSumsAreWithinTheirBounds(t *testing.T) {
	worstExact, worstFast := 0.0, 0.0
	for i, trees := range []int{1, 2, 8, 9, 100, 1000, 3000} {
		rng := rand.New(rand.NewPCG(uint64(i), 8))
		n := randomModel(rng, shape{features: 40, borders: 9, trees: trees, depth: 6})
		n.ScaleAndBias = []any{1.0, []float64{0}}
		spread(rng, n)
		m := load(t, marshalled(t, n))
		fast := m.Fast()
		scratch, x := m.NewScratch(), make([]float32, 40)
		for range 60 {
			for j := range x {
				x[j] = randomValue(rng)
			}
			leaves := n.reached(x)
			exact, ok := withinBound(must(m.Raw(scratch, x)), leaves, trees-1, 53)
			if !ok {
				t.Fatalf("%d trees: the exact sum is %v of the bound off", trees, exact)
			}
			reordered, ok := withinBound(must(fast.Raw(scratch, x)), leaves, fastRoundings(trees),
				53)
			if !ok {
				t.Fatalf("%d trees: the sum of Fast is %v of the bound off", trees, reordered)
			}
			worstExact, worstFast = max(worstExact, exact), max(worstFast, reordered)
		}
	}
	t.Logf("at most %.2g of its bound for exact sums, %.2g for Fast", worstExact, worstFast)
	if worstFast == 0 || worstExact == 0 {
		t.Error("nothing was rounded")
	}
}

// spread scales the leaves to magnitudes from 1e-9 to 1e9; every second tree nearly takes back what
// the previous one added.
func spread(rng *rand.Rand, n *naive) {
	for i := range n.Trees {
		leaves := n.Trees[i].Leaves
		magnitude := math.Exp(rng.NormFloat64() * 6)
		if i%2 == 1 {
			magnitude = -n.Trees[i-1].Leaves[0] * (1 + rng.NormFloat64()/1e6)
		}
		for j := range leaves {
			leaves[j] = magnitude * (1 + rng.NormFloat64()/1e9)
		}
	}
}

// XGBoost rounds to float32 after every tree, Fast once.
func TestFastXGBoostRoundsOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	nearer := 0
	for _, trees := range []int{1, 10, 300} {
		f := randomForest(rng, forestShape{features: 9, outputs: 1, trees: trees, depth: 5})
		m := load(t, f.json())
		fast := m.Fast()
		scratch, x := m.NewScratch(), make([]float32, 9)
		for range 50 {
			for j := range x {
				x[j] = randomForestValue(rng)
			}
			terms := append(f.reachedXGBoost(x), naiveBase)
			a, b := must(m.Raw(scratch, x)), must(fast.Raw(scratch, x))
			if part, ok := withinBound(a, terms, trees, 24); !ok {
				t.Fatalf("%d trees: XGBoost's sum is %v of the bound off", trees, part)
			}
			want, _ := trueSum(terms)
			exact, _ := want.Float64()
			if half := math.Abs(exact) * 0x1p-24 * (1 + 1e-6); math.Abs(b-exact) > half {
				t.Fatalf("%d trees: %v, the true sum is %v", trees, b, exact)
			}
			if difference := math.Abs(a - b); difference > float64(trees+2)*0x1p-24*magnitude(terms) {
				t.Fatalf("%d trees: %v and %v", trees, a, b)
			}
			if math.Abs(b-exact) < math.Abs(a-exact) {
				nearer++
			}
		}
	}
	if nearer < 50 {
		t.Errorf("Fast is nearer to the true sum in %d rows", nearer)
	}
}

func magnitude(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Abs(v)
	}
	return sum
}

// Models that CatBoost trained, numeric ones: their leaves are known, so that the difference can be
// held against the sum of their magnitudes.
func TestFastOfTrainedModelsIsWithinTheBound(t *testing.T) {
	reordered := 0
	for _, f := range fixtures(t) {
		n := &naive{}
		if err := json.Unmarshal(f.json, n); err != nil {
			t.Fatal(err)
		}
		m := load(t, f.cbm).Fast()
		if m.Exact() {
			t.Errorf("%s is exact", f.name)
		}
		scale, bias := math.Abs(n.ScaleAndBias[0].(float64)), math.Abs(n.ScaleAndBias[1].([]any)[0].(float64))
		scratch := m.NewScratch()
		for i, x := range f.rows {
			leaves := n.reached(x)
			trees := len(leaves)
			bound := float64(trees-1+fastRoundings(trees))*0x1p-53*magnitude(leaves)*scale +
				0x1p-51*(math.Abs(f.raw[i])+bias)
			got := must(m.Raw(scratch, x))
			if math.Abs(got-f.raw[i]) > bound {
				t.Fatalf("%s, row %d: %v, CatBoost says %v, at most %v is allowed", f.name, i, got,
					f.raw[i], bound)
			}
			if got != f.raw[i] {
				reordered++
			}
		}
	}
	if reordered < 1000 {
		t.Errorf("%d rows differ at all", reordered)
	}
}

// Trained models of all libraries and families: in each tier the same bits; near what the library
// said; and where Fast has nothing to gain, the same model.
func TestFastOfEveryFamily(t *testing.T) {
	families := map[string]int{}
	for name, c := range trainedModels(t) {
		m := load(t, c.data)
		fast := m.Fast()
		if exact := m == fast; exact != c.exact || fast.Exact() != c.exact || !m.Exact() {
			t.Errorf("%s: exact after Fast: %v, expected %v", name, exact, c.exact)
		}
		family := strings.Split(name, "/")[0]
		if !c.exact {
			family += " fast"
		}
		families[family]++
		tolerance := 1e-12
		if strings.HasPrefix(m.Format(), "xgboost") {
			tolerance = 1e-5
		}
		pure, err := fast.On(scorer.TierGo)
		if err != nil || pure.Exact() != c.exact {
			t.Fatalf("%s: exact on another tier: %v (%v)", name, pure.Exact(), err)
		}
		scratch := &scorer.Scratch{}
		for i, in := range c.rows {
			in.set(scratch)
			a, b, want := must(fast.Raw(scratch, in.x)), must(pure.Raw(scratch,
				in.x)), must(m.Raw(scratch, in.x))
			if !same(a, b) || c.exact && !same(a, want) {
				t.Fatalf("%s, row %d: %v, in pure Go %v, the library %v", name, i, a, b, want)
			}
			if math.Abs(a-want) > tolerance*(1+math.Abs(want)) {
				t.Fatalf("%s, row %d: %v, the library %v", name, i, a, want)
			}
		}
	}
	for _, family := range []string{"catboost", "catboost fast", "lightgbm", "lightgbm fast",
		"xgboost", "xgboost fast"} {
		if families[family] < 3 {
			t.Errorf("%d models of %s", families[family], family)
		}
	}
}

// trainedModel is a model with rows, and whether Fast leaves it as it is.
type trainedModel struct {
	data  []byte
	rows  []libraryRow
	exact bool
}

// trainedModels are those of the newest version of each library.
func trainedModels(t *testing.T) map[string]trainedModel {
	all := map[string]trainedModel{}
	for _, f := range libraryFixtures(t) {
		if f.version == "1.2.10" && f.Refused == "" {
			asymmetric := slices.ContainsFunc([]string{"depthwise", "lossguide"},
				func(s string) bool { return strings.Contains(f.name, s) })
			all["catboost/"+f.name] = trainedModel{f.models["model.cbm"], f.rows(t), asymmetric ||
				f.Outputs > 1}
		}
	}
	for _, library := range []string{"lightgbm", "xgboost"} {
		for _, f := range forestFixtures(t, library, 90) {
			if f.version != "4.6.0" && f.version != "3.2.0" {
				continue
			}
			c := trainedModel{data: f.files["txt"], exact: len(f.raw) > forestRows ||
				strings.HasPrefix(f.name, "linear")}
			if library == "xgboost" {
				c.data = f.files["ubj"]
			}
			for _, x := range f.rows {
				c.rows = append(c.rows, libraryRow{x: x})
			}
			all[library+"/"+f.name] = c
		}
	}
	return all
}

// Fast is a view: the model that it is called on stays exact, and the tier and the order are chosen
// independently of each other.
func TestFastAndOnGoTogether(t *testing.T) {
	f := fixtureNamed(t, "classification")
	m := load(t, f.cbm)
	fast := m.Fast()
	if fast.Fast() != fast || fast.Tier() != m.Tier() {
		t.Error("Fast of a fast model is another, or on another tier")
	}
	for _, tier := range scorer.Tiers() {
		a, err := fast.On(tier)
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.On(tier)
		if err != nil {
			t.Fatal(err)
		}
		b = b.Fast()
		scratch := &scorer.Scratch{}
		for i, x := range f.rows {
			want := must(fast.Raw(scratch, x))
			if !sameBits(must(a.Raw(scratch, x)), want) || !sameBits(must(b.Raw(scratch, x)),
				want) || a.Tier() != tier || b.Tier() != tier {
				t.Fatalf("row %d: %v on %v, %v on %v, expected %v on %v", i,
					must(a.Raw(scratch, x)), a.Tier(), must(b.Raw(scratch,
						x)), b.Tier(), want, tier)
			}
			if got := must(m.Raw(scratch, x)); !sameBits(got, f.raw[i]) {
				t.Fatalf("row %d: the exact model gives %v, expected %v", i, got, f.raw[i])
			}
		}
	}
}

// What else a model answers follows from the sum, or does not depend on it.
func TestFastModelPredictsAndExplains(t *testing.T) {
	f := fixtureNamed(t, "classification")
	m := load(t, f.cbm)
	fast := m.Fast()
	scratch := fast.NewScratch()
	for i, x := range f.rows[:50] {
		raw := must(fast.Raw(scratch, x))
		if got := must(fast.AppendPrediction(nil, scratch, x))[0]; !sameBits(got,
			scorer.Probability(raw)) {
			t.Fatalf("row %d: prediction %v of %v", i, got, raw)
		}
		if must(fast.Class(scratch, x)) != must(m.Class(scratch, x)) {
			t.Fatalf("row %d: another class", i)
		}
		got, mean, err := fast.Explain(nil, scratch, x, 0)
		want, wantMean, wantErr := m.Explain(nil, scratch, x, 0)
		if err != nil || wantErr != nil || mean != wantMean || !slices.Equal(got, want) {
			t.Fatalf("row %d: explained as %v and %v (%v), expected %v and %v (%v)", i, got, mean,
				err, want, wantMean, wantErr)
		}
	}
	var h scorer.Holder
	if h.Replace(m) != nil || h.Replace(fast) != nil || h.Model() != fast {
		t.Error("a fast model does not take the place of an exact one")
	}
}

// Leaves of which no order but that of the trees is known not to overflow are added in that order.
// Here the largest of all floats takes in the many small ones one by one, but not their sum.
func TestFastDoesNotOverflow(t *testing.T) {
	leaves := "1.7976931348623157e308" + strings.Repeat(" 9e290", 999)
	var document, text strings.Builder
	document.WriteString(`{"features_info":{"float_features":[{"borders":[0.5],"flat_feature_index":0}]},"oblivious_trees":[`)
	text.WriteString("tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\n" +
		"max_feature_idx=0\nfeature_names=a\nfeature_infos=none\n\n")
	for i, leaf := range strings.Fields(leaves) {
		if i > 0 {
			document.WriteString(",")
		}
		document.WriteString(`{"splits":[],"leaf_values":[` + leaf + `]}`)
		text.WriteString("Tree=" + itoa(i) + "\nnum_leaves=1\nnum_cat=0\nleaf_value=" + leaf +
			"\nshrinkage=1\n\n")
	}
	document.WriteString("]}")
	text.WriteString("end of trees\n")
	for _, data := range []string{document.String(), text.String()} {
		m := load(t, []byte(data))
		if got := must(m.Fast().Raw(nil, padded(m))); got != math.MaxFloat64 || !m.Fast().Exact() {
			t.Errorf("%s: %v, expected %v", m.Format(), got, math.MaxFloat64)
		}
	}
}

func TestFastAllocatesNothing(t *testing.T) {
	models := []*scorer.Model{load(t, fixtureNamed(t, "classification").cbm),
		load(t, fixtureNamed(t, "mixed-depths").cbm)}
	f := randomForest(rand.New(rand.NewPCG(8, 9)), forestShape{features: 8, outputs: 1, trees: 30,
		depth: 6})
	models = append(models, load(t, f.text()), load(t, f.ubj()))
	for _, m := range models {
		m = m.Fast()
		scratch, x := m.NewScratch(), make([]float32, len(m.Features()))
		dst := make([]float64, 0, 1)
		if n := testing.AllocsPerRun(100, func() {
			x[0]++
			must(m.Raw(scratch, x))
			dst = must(m.AppendPrediction(dst[:0], scratch, x))
		}); n != 0 || m.Exact() {
			t.Errorf("%s: %v allocations for each row", m.Format(), n)
		}
	}
}

// A set adds up each of its models as that model does alone: fast ones, exact ones, and both views
// of one model beside each other.
func TestSetOfFastModels(t *testing.T) {
	models, rows := categoricalModels(t)
	for i, m := range slices.Clone(models) {
		if i%2 == 0 {
			models[i] = m.Fast()
		} else {
			models = append(models, m.Fast())
		}
	}
	if !slices.ContainsFunc(models, func(m *scorer.Model) bool { return !m.Exact() }) {
		t.Fatal("no model is fast")
	}
	s := newSet(t, models...)
	scratch, dst := s.NewScratch(), make([]float64, 0, s.Outputs())
	var want []float64
	for i, in := range rows {
		in.set(scratch)
		dst = must(s.AppendRaw(dst[:0], scratch, in.x))
		want = want[:0]
		for _, m := range models {
			want = must(m.AppendRaw(want, scratch, in.x))
		}
		if !slices.EqualFunc(dst, want, sameBits) {
			t.Fatalf("row %d: %v, alone %v", i, dst, want)
		}
	}
	scratch = s.NewScratch()
	if n := testing.AllocsPerRun(50, func() {
		dst = must(s.AppendRaw(dst[:0], scratch,
			rows[0].x))
	}); n != 0 {
		t.Errorf("%v allocations for each row", n)
	}
}
