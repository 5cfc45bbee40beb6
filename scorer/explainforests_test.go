package scorer_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/scorer"
)

// contributionsStep: every so many of a fixture's rows are explained; see
// testdata/make/explain_forests.py.
const contributionsStep = 17

// withContributions are the fixtures that their library explains.
func withContributions(t testing.TB, library string, least int) (explained []forestFixture) {
	t.Helper()
	for _, f := range forestFixtures(t, library, 90) {
		if f.contributions != nil {
			explained = append(explained, f)
		}
	}
	if len(explained) < least {
		t.Fatalf("%d models of %s are explained, expected at least %d: run "+
			"testdata/make/train_forests.sh explain", len(explained), library, least)
	}
	return explained
}

// readContributions reads what the libraries say of their models, by library, version and name.
func readContributions(t testing.TB, library, version string) map[string][]float64 {
	t.Helper()
	all := map[string][]float64{}
	for file, data := range unpack(t, filepath.Join("testdata", "contributions",
		library+"-"+version+".zip")) {
		name, double := strings.CutSuffix(file, ".f64")
		if double {
			all[name] = floats(data, 8)
		} else {
			all[strings.TrimSuffix(file, ".f32")] = floats(data, 4)
		}
	}
	return all
}

// explainable is the file of a fixture that has the weights of leaves: XGBoost's JSON fixtures have
// zeros instead.
func (f *forestFixture) explainable() []byte {
	if f.library == "xgboost" {
		return f.files["ubj"]
	}
	return f.files["txt"]
}

// explain returns the values for the rows that the library explained, beside what it says, and the
// raw output.
func (f *forestFixture) explain(t *testing.T, m *scorer.Model,
	each func(got, want []float64, raw float64)) {
	t.Helper()
	want := f.contributions
	scratch := m.NewScratch()
	for i := 0; i < forestRows && want != nil; i += contributionsStep {
		raw := must(m.AppendRaw(nil, scratch, f.rows[i]))
		for k := range m.Outputs() {
			each(contributions(t, m, scratch, f.rows[i], k), want[:forestWidth+1], raw[k])
			want = want[forestWidth+1:]
		}
	}
	if len(want) > 0 {
		t.Fatalf("%s: %d values are left", f.name, len(want))
	}
}

// LightGBM computes in float64 too.
func TestExplainIsLightGBMs(t *testing.T) {
	for _, f := range withContributions(t, "lightgbm", 100) {
		var e explanation
		f.explain(t, load(t, f.explainable()), e.add)
		if !(e.value <= 1e-14 && e.sum <= 1e-14) {
			t.Errorf("%s/%s: values are off by %.2g, sums by %.2g", f.version, f.name, e.value,
				e.sum)
		}
	}
}

// XGBoost rounds to float32, by up to 2^-24, every part of training rows, every weight of a subset
// and every sum over trees. These models have up to 12 trees for an output; what was measured is 5
// roundings for values, and 3 for sums: raw outputs are sums in float32.
func TestExplainIsXGBoosts(t *testing.T) {
	const rounding = 1.0 / (1 << 24)
	for _, f := range withContributions(t, "xgboost", 158) {
		var e explanation
		f.explain(t, load(t, f.explainable()), e.add)
		if !(e.value <= 8*rounding && e.sum <= 4*rounding) {
			t.Errorf("%s/%s: values are off by %.2g, sums by %.2g", f.version, f.name, e.value,
				e.sum)
		}
	}
}

// A file without the weights says so; so does one in which they were cleared, as in XGBoost's JSON
// fixtures. Nothing else depends on them.
func TestExplainNeedsSoundWeightsOfForests(t *testing.T) {
	refused := func(name string, data []byte, want error) {
		t.Helper()
		m := load(t, data)
		all, _, err := m.Explain(nil, nil, nil, 0)
		if !errors.Is(err, want) || len(all) > 0 {
			t.Errorf("%s: %v, error %v, expected %v", name, all, err, want)
		}
	}
	for _, f := range forestFixtures(t, "xgboost", 140) {
		refused(f.name, f.files["json"], scorer.ErrNoWeights)
		if strings.HasPrefix(f.name, "vector") && f.version < "3.2" {
			refused(f.name, f.files["ubj"], scorer.ErrNoWeights)
		}
	}
	refused("linear", []byte(linearText), scorer.ErrUnsupported)
	stump := []byte(strings.NewReplacer("is_linear=1", "leaf_count=3 5").Replace(linearText))
	contributions(t, load(t, stump), nil, []float32{0, 0}, 0)
	for _, counts := range []string{"leaf_count=3 -1", "leaf_count=0 0", "", "is_linear=0"} {
		refused(counts, replaced(t, stump, "leaf_count=3 5", counts), scorer.ErrNoWeights)
	}
	expectReason(t, replaced(t, stump, "leaf_count=3 5", "leaf_count=3"),
		"leaf_count of tree 0 has 1 numbers, expected 2")
	expectReason(t, replaced(t, stump, "leaf_count=3 5", "leaf_count=3 x"), `leaf_count of tree 0 has "x"`)
	for hessians, want := range map[string]error{
		"9,0,9,3,4": nil, "0,0,0,0,0": scorer.ErrNoWeights, "9,1,9,3,-4": scorer.ErrNoWeights, "9,1,9,NaN,4": scorer.ErrNoWeights,
		"9,1,9,3,Infinity": scorer.ErrNoWeights, "": scorer.ErrNoWeights,
	} {
		data := replaced(t, []byte(stumpJSON), `"categories":[2,5]`, `"categories":[2,5],"sum_hessian":[`+hessians+`]`)
		if want != nil {
			refused(hessians, data, want)
			continue
		}
		contributions(t, load(t, data), nil, []float32{0, 0}, 0)
	}
	expectReason(t, replaced(t, []byte(stumpJSON), `"categories":[2,5]`, `"categories":[2,5],"sum_hessian":[1]`), "do not have one length")
	// The second split, which no row reaches, has a child that does not exist.
	unreached := strings.NewReplacer("num_leaves=2", "num_leaves=3", "split_feature=0",
		"split_feature=0 0", "threshold=0.5", "threshold=0.5 0",
		"decision_type=10", "decision_type=10 10", "left_child=-1", "left_child=-1 -9", "right_child=-2", "right_child=-2 -3", "leaf_value=1 2",
		"leaf_value=1 2 3", "leaf_count=3 5", "leaf_count=3 5 1").Replace(string(stump))
	contributions(t, load(t, []byte(unreached)), nil, []float32{0, 0}, 0)
	huge := []byte(strings.NewReplacer("leaf_value=1 2", "leaf_value=-1.7e308 1.7e308",
		"leaf_count=3 5", "leaf_count=7 1").Replace(string(stump)))
	if all, _, err := load(t, huge).Explain(nil, nil, []float32{1, 0}, 0); err == nil ||
		!strings.Contains(err.Error(), "too large") {
		t.Errorf("%v, error %v", all, err)
	}
}

// Vector leaves have weights since XGBoost 3.2, which itself refuses to explain them: each output's
// values add up.
func TestExplainVectorLeaves(t *testing.T) {
	compared := 0
	for _, f := range forestFixtures(t, "xgboost", 140) {
		if !strings.HasPrefix(f.name, "vector") || f.version < "3.2" {
			continue
		}
		m := load(t, f.explainable())
		for _, x := range f.rows {
			for k, raw := range must(m.AppendRaw(nil, nil, x)) {
				compared++
				sum := 0.0
				for _, v := range contributions(t, m, nil, x, k) {
					sum += v
				}
				if math.Abs(sum-raw) > 1e-5 {
					t.Fatalf("%s, row %v: the values of output %d add up to %v, the raw "+
						"output is %v", f.name, x, k, sum, raw)
				}
			}
		}
	}
	if compared < 1000 {
		t.Errorf("%d outputs", compared)
	}
}

// expected is the average of a tree's leaves where only the features of a set are known.
func (n *naiveNode) expected(set uint, taken func(*naiveNode) *naiveNode) float64 {
	switch {
	case n.left == nil:
		return n.value
	case set>>n.feature&1 != 0:
		return taken(n).expected(set, taken)
	}
	part := 0.5
	if total := n.count(); total > 0 {
		part = n.left.count() / total
	}
	return part*n.left.expected(set, taken) + (1-part)*n.right.expected(set, taken)
}

// count is the number of training rows at a node.
func (n *naiveNode) count() float64 {
	if n.left == nil {
		return n.rows
	}
	return n.left.count() + n.right.count()
}

// shapleyByDefinition returns the value of every player, and that of the empty set: the average
// over all orders of players of what a player adds to those before it.
func shapleyByDefinition(players int, game func(set uint) float64) []float64 {
	worth := make([]float64, 1<<players)
	for set := range worth {
		worth[set] = game(uint(set))
	}
	// part of the orders in which exactly a certain set of a size comes before a player
	orders := make([]float64, players)
	for size := range orders {
		orders[size] = 1 / float64(players) / float64(new(big.Int).Binomial(int64(players-1),
			int64(size)).Int64())
	}
	values := make([]float64, players+1)
	for i := range players {
		for set := range worth {
			if set>>i&1 == 0 {
				values[i] += orders[bits.OnesCount(uint(set))] * (worth[set|1<<i] - worth[set])
			}
		}
	}
	values[players] = worth[0]
	return values
}

// Random forests of all three formats, with categories, missing values and splits that no training
// row took, against the definition.
func TestExplainIsByDefinition(t *testing.T) {
	for i, s := range []forestShape{{1, 1, 1, 0}, {1, 1, 1, 1}, {2, 1, 7, 2}, {4, 2, 3, 4},
		{6, 1, 5, 7}, {9, 3, 2, 6}, {5, 1, 3, 12}} {
		for seed := range seeds(4) {
			rng := rand.New(rand.NewPCG(uint64(100+i), seed))
			f := randomForest(rng, s)
			for name, data := range map[string][]byte{"lightgbm": f.text(),
				"xgboost-json": f.json(), "xgboost-ubj": f.ubj()} {
				m, taken, base := load(t, data), (*naiveNode).lightgbm, 0.0
				if name != "lightgbm" {
					taken, base = (*naiveNode).xgboost, 0.25
				}
				x := make([]float32, s.features)
				for range 5 {
					for j := range x {
						x[j] = randomForestValue(rng)
					}
					f.compareWithDefinition(t, fmt.Sprintf("%s, shape %v, seed %d", name, s, seed),
						m, x, base, taken)
				}
			}
		}
	}
}

func (f *naiveForest) compareWithDefinition(t *testing.T, name string, m *scorer.Model, x []float32,
	base float64,
	taken func(*naiveNode, []float32) *naiveNode) {
	t.Helper()
	for _, root := range f.trees {
		if root.left != nil && root.count() == 0 {
			return // the file does not say how many training rows there were
		}
	}
	for k := range f.outputs {
		want := shapleyByDefinition(f.features, func(set uint) float64 {
			sum := base
			for i, root := range f.trees {
				if i%f.outputs == k {
					sum += root.expected(set, func(n *naiveNode) *naiveNode { return taken(n, x) })
				}
			}
			return sum
		})
		for j, got := range contributions(t, m, nil, x, k) {
			if math.Abs(got-want[j]) > 1e-13 {
				t.Fatalf("%s, output %d, feature %d: %v, expected %v for %v", name, k, j, got,
					want[j], x)
			}
		}
	}
}

// chain is a tree with a leaf at each level: split i asks feature i whether it is at most 0.
func chain(rng *rand.Rand, features int) *naiveForest {
	leaf := func() *naiveNode {
		return &naiveNode{value: rng.NormFloat64(),
			rows: float64(1 + rng.IntN(100))}
	}
	root := leaf()
	for i := range features {
		root = &naiveNode{feature: features - 1 - i, left: leaf(), right: root}
	}
	return &naiveForest{features: features, outputs: 1, trees: []*naiveNode{root}}
}

// The values of deep trees lose nothing: numbers of 400 bits and polynomials in place of sums over
// sets, which would be too many.
func TestExplainDeepTrees(t *testing.T) {
	for _, features := range []int{1, 2, 15, 31, 32, 33, 50} {
		rng := rand.New(rand.NewPCG(9, uint64(features)))
		f := chain(rng, features)
		x := make([]float32, features)
		for i := range x {
			x[i] = float32(rng.IntN(8)) // one in eight leaves the chain
		}
		got := contributions(t, load(t, f.text()), nil, x, 0)
		for j, want := range chainShapley(f.trees[0], x) {
			if math.Abs(got[j]-want) > 1e-14 {
				t.Fatalf("%d features: feature %d: %v, expected %v", features, j, got[j], want)
			}
		}
	}
}

// chainShapley returns the Shapley values of a chain: for each leaf and player the integral of a
// product of linear functions.
func chainShapley(n *naiveNode, x []float32) []float64 {
	number := func(v float64) *big.Float { return new(big.Float).SetPrec(400).SetFloat64(v) }
	type factor struct{ zero, slope *big.Float } // zero + slope*t
	var way []factor
	values := make([]*big.Float, len(x))
	for i := range values {
		values[i] = number(0)
	}
	add := func(leaf *naiveNode) {
		for i := range way {
			product := []*big.Float{number(leaf.value)}
			for j, f := range way {
				if j == i {
					continue
				}
				next := make([]*big.Float, len(product)+1)
				for d := range next {
					next[d] = number(0)
					if d < len(product) {
						next[d].Add(next[d], number(0).Mul(product[d], f.zero))
					}
					if d > 0 {
						next[d].Add(next[d], number(0).Mul(product[d-1], f.slope))
					}
				}
				product = next
			}
			for d, c := range product { // the integral from 0 to 1
				c.Quo(c, number(float64(d+1)))
				values[i].Add(values[i], c.Mul(c, way[i].slope))
			}
		}
	}
	step := func(child, parent *naiveNode, taken bool) factor {
		one := number(0)
		if taken {
			one = number(1)
		}
		zero := number(0).Quo(number(child.count()), number(parent.count()))
		return factor{zero, one.Sub(one, zero)}
	}
	for ; n.left != nil; n = n.right {
		left := x[n.feature] <= 0
		way = append(way, step(n.left, n, left))
		add(n.left)
		way[len(way)-1] = step(n.right, n, !left)
	}
	add(n)
	all := make([]float64, len(values))
	for i, v := range values {
		all[i], _ = v.Float64()
	}
	return all
}

// The deepest trees that load are explained too, soon, and in little memory; the values add up to
// the raw output.
func TestExplainDeepestTrees(t *testing.T) {
	for _, features := range []int{255, 1000, 4096} {
		rng := rand.New(rand.NewPCG(10, uint64(features)))
		m := load(t, chain(rng, features).text())
		x := make([]float32, features)
		for i := range x {
			x[i] = float32(rng.IntN(features)) // mostly the whole way down
		}
		sum := 0.0
		for _, v := range contributions(t, m, nil, x, 0) {
			sum += v
		}
		if raw := must(m.Raw(nil, x)); math.Abs(sum-raw) > 1e-12 {
			t.Errorf("%d features: the values add up to %v, the raw output is %v", features, sum,
				raw)
		}
	}
}

// Parts of training rows too small for float64 make no NaN.
func TestExplainTinyParts(t *testing.T) {
	root := &naiveNode{value: 1, rows: 1}
	for range 600 { // one in 2^31 goes on, each time; all splits ask the same two features
		for feature := range 2 {
			root = &naiveNode{feature: feature, left: &naiveNode{value: -1, rows: math.MaxInt32},
				right: root}
		}
	}
	f := &naiveForest{features: 2, outputs: 1, trees: []*naiveNode{root}}
	m := load(t, f.text())
	for _, x := range [][]float32{{1, 1}, {0, 0}, {0, 1}, {1, 0}} {
		got := contributions(t, m, nil, x, 0)
		sum := got[0] + got[1] + got[2]
		if raw := must(m.Raw(nil, x)); !(math.Abs(sum-raw) < 1e-14) {
			t.Errorf("%v: %v add up to %v, the raw output is %v", x, got, sum, raw)
		}
	}
}
