package forest

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// What spread makes of the leaf values of a file: up to 16 times as many, and in any case up to 32 MiB. A small file
// can ask for many classes.
const (
	maxSpread      = 16
	spreadAnything = 4 << 20
)

// Spread gives the ensemble an output for each of its classes. CatBoost trains none for a class that it was told of
// and that no training row has, and answers -Inf for it. Here it is an output whose leaves are 0 and whose
// bias is -Inf, so that nothing that evaluates an ensemble needs to know of such classes.
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
		e.place(values[leaf*t.Classes:], e.Leaves[leaf*e.Outputs:])
	}
	bias := slices.Repeat([]float64{math.Inf(-1)}, t.Classes)
	e.place(bias, e.Bias)
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

// place copies a value for each output to its class.
func (e *Ensemble) place(classes, outputs []float64) {
	for i, class := range e.Conditions.OutputClasses {
		classes[class] = outputs[i]
	}
}

// spreadLeaf returns where a step of a tree that is not symmetric leads to, in the terms of TreeNode.
func (e *Ensemble) spreadLeaf(next int32) int32 {
	if next >= 0 {
		return next
	}
	return ^(^next / int32(e.Outputs) * int32(e.Conditions.Classes))
}

// absentWarnings names the classes that training did not have, once the ensemble is spread.
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
	return []string{"no training row had the class " + which + ": its raw output is -Inf for every row"}
}
