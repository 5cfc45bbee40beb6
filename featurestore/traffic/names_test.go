package traffic_test

import (
	"fmt"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Every measure, object and fact has a name of its own.
func TestNamesAreUnique(t *testing.T) {
	check := func(kind string, n int, name func(int) fmt.Stringer) {
		seen := make(map[string]int)
		for i := range n {
			text := name(i).String()
			if other, ok := seen[text]; text == "" || ok {
				t.Errorf("%s %d is named %q, as is %d", kind, i, text, other)
			}
			seen[text] = i
		}
		if text := name(n).String(); text != "unknown" {
			t.Errorf("%s %d is named %q", kind, n, text)
		}
	}
	check("measure", int(traffic.NumMeasures), func(i int) fmt.Stringer { return traffic.Measure(i) })
	check("object", int(traffic.NumObjects), func(i int) fmt.Stringer { return traffic.Object(i) })
	check("fact", int(traffic.NumAgentFacts), func(i int) fmt.Stringer { return traffic.AgentFact(i) })
}
