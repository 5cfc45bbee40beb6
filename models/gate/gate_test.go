package gate_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/models/gate"
	"github.com/headgate/headgate/scorer"
)

// constant returns a model that predicts the same probability of a bot for every request.
func constant(t *testing.T, raw float64) *scorer.Model {
	t.Helper()
	m, err := scorer.Load([]byte(fmt.Sprintf(`tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=0
objective=binary sigmoid:1
feature_names=ip/requests_1m
feature_infos=[0:1]
tree_sizes=1

Tree=0
num_leaves=1
num_cat=0
split_feature=
threshold=
decision_type=
left_child=
right_child=
leaf_value=%v
leaf_weight=
leaf_count=
shrinkage=1

end of trees
`, raw)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func run(t *testing.T, m *scorer.Model) map[string]gate.Result {
	t.Helper()
	results, err := gate.Run(m, gate.Situations(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(gate.Situations()) {
		t.Fatalf("%d results of %d situations", len(results), len(gate.Situations()))
	}
	byName := make(map[string]gate.Result)
	for _, r := range results {
		byName[r.Name] = r
	}
	return byName
}

// A model that takes every client for a person fails where the model must find an attack; one that
// takes every client for a bot fails where people are served.
func TestEverySituationCanFail(t *testing.T) {
	people, bots := run(t, constant(t, -6)), run(t, constant(t, 6))
	for _, name := range gate.Situations() {
		if people[name].Met && bots[name].Met && !strings.Contains(name, "first") {
			t.Errorf("%s: met by a model that knows nothing, either way: %q and %q", name, people[name].Value, bots[name].Value)
		}
	}
	for _, name := range []string{"people by visit: PHP, assets elsewhere, no referer", "people by visit: shop, forum, webmail, app"} {
		if r := people[name]; !r.Met {
			t.Errorf("%s: %s, though the model flags nobody: %q", name, r.Value, r.Misses)
		}
		if bots[name].Met || len(bots[name].Misses) == 0 {
			t.Errorf("%s: %s, though the model flags everybody", name, bots[name].Value)
		}
	}
	for _, name := range []string{"scanners with browser user agents, after 20 requests", "a new user agent with each request, after 20"} {
		if people[name].Met || !bots[name].Met {
			t.Errorf("%s: %s by a model that flags nobody, %s by one that flags everybody", name, people[name].Value, bots[name].Value)
		}
	}
}

// The same model has the same results, so that its card can be checked.
func TestResultsAreTheSameEachTime(t *testing.T) {
	m, err := scorer.Load(models.Default())
	if err != nil {
		t.Fatal(err)
	}
	if first, second := run(t, m), run(t, m); !reflect.DeepEqual(first, second) {
		t.Errorf("first %v\nthen %v", first, second)
	}
}

func TestWrite(t *testing.T) {
	var out bytes.Buffer
	results := []gate.Result{{Name: "people", Wanted: "<= 1 %", Value: "0.0 %", Met: true}, {Name: "scanners", Wanted: ">= 95 %", Value: "40.1 %"}}
	if err := gate.Write(&out, results); err != nil {
		t.Fatal(err)
	}
	const want = `| situation | wanted  | value  | met |
|---        |---      |---     |---  |
| people    | <= 1 %  | 0.0 %  | yes |
| scanners  | >= 95 % | 40.1 % | no  |
`
	if out.String() != want || gate.Met(results) != 1 {
		t.Errorf("%d met\n%s", gate.Met(results), out.String())
	}
}
