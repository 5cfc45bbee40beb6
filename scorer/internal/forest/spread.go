package forest

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Limits of the leaf values that Spread makes: 16 times those of the file, and in any case 32 MiB,
// since a small file can declare many classes.
const (
	maxSpread      = 16
	spreadAnything = 4 << 20
)

// Spread makes an output for each class of the ensemble. CatBoost does not train an output for a
// declared class that no training row has, and returns -Inf for it. Here it becomes an output whose
// leaves are 0 and whose bias is -Inf, so that evaluators need no special case.
func (e *Ensemble) Spread() error {
	t := e.Conditions
	if e.Conditions == nil || t.OutputClasses == nil {
		return nil
	}
	leaves := len(e.Leaves) / e.Outputs
	most := max(spreadAnything, maxSpread*len(e.Leaves))
	if leaves > most/t.Classes {
		return Beyond(e.Format, most, "%d leaf values for %d classes", leaves*t.Classes, t.Classes)
	}
	values := make([]float64, leaves*t.Classes)
	for leaf := range leaves {
		e.assign(values[leaf*t.Classes:], e.Leaves[leaf*e.Outputs:])
	}
	bias := slices.Repeat([]float64{math.Inf(-1)}, t.Classes)
	e.assign(bias, e.Bias)
	e.Leaves, e.Bias = values, bias
	for i := range t.Roots {
		t.Roots[i] = e.spreadLeaf(t.Roots[i])
	}
	for i := range t.Nodes {
		for j, next := range t.Nodes[i].Next {
			t.Nodes[i].Next[j] = e.spreadLeaf(next)
		}
	}
	e.Outputs = t.Classes
	e.Warnings = append(e.Warnings, e.absentWarnings()...)
	return nil
}

// assign copies a value for each output to its class.
func (e *Ensemble) assign(classes, outputs []float64) {
	for i, class := range e.Conditions.OutputClasses {
		classes[class] = outputs[i]
	}
}

// spreadLeaf returns a child as in TreeNode.Next, after the spreading.
func (e *Ensemble) spreadLeaf(next int32) int32 {
	if next >= 0 {
		return next
	}
	return ^(^next / int32(e.Outputs) * int32(e.Conditions.Classes))
}

// absentWarnings names the classes that training did not have, after the spreading.
func (e *Ensemble) absentWarnings() []string {
	const most = 5
	var absent []string
	for class, bias := range e.Bias {
		if math.IsInf(bias, -1) && class < len(e.Objective.Classes) {
			absent = append(absent, fmt.Sprintf("%q", Clipped(e.Objective.Classes[class])))
		}
	}
	if len(absent) == 0 {
		return nil
	}
	which := strings.Join(absent[:min(most, len(absent))], ", ")
	if more := len(absent) - most; more > 0 {
		which += fmt.Sprintf(" and %d more", more)
	}
	return []string{"no training row had the class " + which +
		": its raw output is -Inf for every row"}
}
