package scorer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// ErrAbsentClass is wrapped by the error of Explain for the output of a class that CatBoost was told of by class_names
// or classes_count, and that no training row had. As in CatBoost, the raw output of such a class is -Inf for every row
// and its probability 0, or about 1e-308 where CatBoost's vectors round it up. There is nothing to explain: the
// library's ShapValues leave such classes out, so that their positions differ from those of the outputs.
// LightGBM and XGBoost train trees for all num_class classes.
var ErrAbsentClass = errors.New("the class was absent in training")

// What spread makes of the leaf values of a file: up to 16 times as many, and in any case up to 32 MiB. A small file
// can ask for many classes.
const (
	maxSpread      = 16
	spreadAnything = 4 << 20
)

// spread gives the ensemble an output for each of its classes. CatBoost trains none for a class that it was told of
// and that no training row has, and answers -Inf for it. Here it is an output whose leaves are 0 and whose
// bias is -Inf, so that nothing that evaluates an ensemble needs to know of such classes.
func (e *ensemble) spread() error {
	if e.places == nil {
		return nil
	}
	leaves := len(e.leaves) / e.outputs
	most := max(spreadAnything, maxSpread*len(e.leaves))
	if leaves > most/e.classes {
		return beyond(e.format, most, "%d leaf values for %d classes", leaves*e.classes, e.classes)
	}
	values := make([]float64, leaves*e.classes)
	for leaf := range leaves {
		e.place(values[leaf*e.classes:], e.leaves[leaf*e.outputs:])
	}
	bias := slices.Repeat([]float64{math.Inf(-1)}, e.classes)
	e.place(bias, e.bias)
	e.leaves, e.bias = values, bias
	for i := range e.roots {
		e.roots[i] = e.spreadLeaf(e.roots[i])
	}
	for i := range e.nodes {
		for j, next := range e.nodes[i].next {
			e.nodes[i].next[j] = e.spreadLeaf(next)
		}
	}
	e.outputs = e.classes
	return nil
}

// place copies a value for each output to its class.
func (e *ensemble) place(classes, outputs []float64) {
	for i, class := range e.places {
		classes[class] = outputs[i]
	}
}

// spreadLeaf returns where a step of a tree that is not symmetric leads to, in the terms of treeNode.
func (e *ensemble) spreadLeaf(next int32) int32 {
	if next >= 0 {
		return next
	}
	return ^(^next / int32(e.outputs) * int32(e.classes))
}

// absentWarnings names the classes that training did not have, once the ensemble is spread.
func (e *ensemble) absentWarnings() []string {
	const most = 5
	var absent []string
	for class, bias := range e.bias {
		if math.IsInf(bias, -1) && class < len(e.objective.classes) {
			absent = append(absent, fmt.Sprintf("%q", clipped(e.objective.classes[class])))
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

// absent reports whether no training row had the class of an output.
func (m *Model) absent(output int) bool {
	var bias []float64
	switch {
	case m.asymmetric != nil:
		bias = m.asymmetric.bias
	case m.oblivious != nil:
		bias = m.oblivious.bias
	}
	return output < len(bias) && math.IsInf(bias[output], -1)
}
