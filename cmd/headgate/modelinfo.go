package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// modelInfoCommand is headgate model info.
type modelInfoCommand struct {
	modelFlags
	Top  int  `help:"Number of features to show, the most used first; 0 shows all." default:"0" placeholder:"N"`
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Help is shown by headgate model info --help.
func (modelInfoCommand) Help() string {
	return `Loads a model as a proxy does: if this command accepts a model, a proxy does too. Splits are the nodes of trees that test a feature.

Examples:
  headgate model info bots.cbm
  headgate model info bots.txt --top 10
  headgate model info bots.json --iterations best
  headgate model info bots.json --json`
}

// modelInfo is the output of info.
type modelInfo struct {
	File       string         `json:"file"`
	Bytes      int64          `json:"bytes"`
	Format     string         `json:"format"`
	Objective  string         `json:"objective,omitempty"`
	Outputs    int            `json:"outputs"`
	Classes    []string       `json:"classes,omitempty"`
	Iterations int            `json:"iterations"` // of the training; the ones used
	InFile     int            `json:"iterations_in_file"`
	Best       int            `json:"best_iterations,omitempty"` // by early stopping, if known
	Warnings   []string       `json:"warnings,omitempty"`
	Trees      int            `json:"trees"`
	Depth      int            `json:"depth"`
	Tier       string         `json:"tier"`
	Features   []modelFeature `json:"features"`
	Categories []modelValues  `json:"categories,omitempty"` // of features whose values are known
}

// modelValues are the values of a categorical feature in the order of their codes.
type modelValues struct {
	Position int      `json:"position"`
	Name     string   `json:"name"`
	Values   []string `json:"values"`
}

type modelFeature struct {
	Position int    `json:"position"`
	Name     string `json:"name"`
	Kind     string `json:"kind"`
	Borders  int    `json:"borders"`
	Splits   int    `json:"splits"`
	Missing  string `json:"missing"` // the side of missing values
}

// Run prints the model's properties.
func (c *modelInfoCommand) Run(_ context.Context, t *terminal) error {
	if c.Top < 0 {
		return usageError{fmt.Errorf("model info: --top %d must not be below 0", c.Top)}
	}
	m, err := c.load()
	if err != nil {
		return err
	}
	file, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	info := modelInfo{File: c.File, Bytes: file.Size(), Format: m.Format(), Objective: m.Objective(), Outputs: m.Outputs(),
		Classes: m.Classes(), Trees: m.Trees(), Depth: m.Depth(), Tier: m.Tier().String(), Features: []modelFeature{}}
	info.Iterations, info.InFile = m.Iterations()
	info.Best, info.Warnings = m.BestIterations(), m.Warnings()
	for i, f := range m.Features() {
		info.Features = append(info.Features, modelFeature{i, f.Name, f.Kind.String(), f.Borders, f.Splits, f.NaN.String()})
		if values := m.Categories(i); values != nil {
			info.Categories = append(info.Categories, modelValues{i, f.Name, values})
		}
	}
	if c.JSON {
		return json.NewEncoder(t.out).Encode(info)
	}
	info.print(t.out, c.Top)
	return nil
}

// print lists the features in use, the most used first.
func (m *modelInfo) print(w io.Writer, top int) {
	fmt.Fprintf(w, "format      %s, %d bytes\n", m.Format, m.Bytes)
	if m.Objective != "" {
		fmt.Fprintf(w, "objective   %s\n", m.Objective)
	}
	fmt.Fprintf(w, "outputs     %d\n", m.Outputs)
	if len(m.Classes) > 0 {
		fmt.Fprintf(w, "classes     %s\n", strings.Join(m.Classes, ", "))
	}
	fmt.Fprintf(w, "iterations  %d of %d\n", m.Iterations, m.InFile)
	for _, warning := range m.Warnings {
		fmt.Fprintf(w, "warning     %s\n", warning)
	}
	fmt.Fprintf(w, "trees       %d, depth up to %d\n", m.Trees, m.Depth)
	fmt.Fprintf(w, "tier        %s\n", m.Tier)
	all := 0
	var used []modelFeature
	for _, f := range m.Features {
		all += f.Splits
		if f.Borders > 0 {
			used = append(used, f)
		}
	}
	fmt.Fprintf(w, "features    %d, of them %d used\n", len(m.Features), len(used))
	slices.SortStableFunc(used, func(a, b modelFeature) int { return cmp.Compare(b.Splits, a.Splits) })
	if top > 0 {
		used = used[:min(top, len(used))]
	}
	if len(used) == 0 {
		return
	}
	fmt.Fprintf(w, "\n  %5s %-36s %-12s %8s %8s %7s  %s\n", "", "feature", "kind", "borders", "splits", "", "missing")
	for _, f := range used {
		fmt.Fprintf(w, "  %5d %-36s %-12s %8d %8d %6.1f%%  %s\n", f.Position, f.Name, f.Kind, f.Borders, f.Splits,
			100*float64(f.Splits)/float64(max(all, 1)), f.Missing)
	}
	m.printCategories(w)
}

// printCategories lists the values of categories, as many as fit a line.
func (m *modelInfo) printCategories(w io.Writer) {
	const line = 80
	for i, c := range m.Categories {
		if i == 0 {
			fmt.Fprintf(w, "\n  %5s %-36s %8s  %s\n", "", "categories of", "values", "in the order of their codes")
		}
		shown := ""
		for j, v := range c.Values {
			text := strconv.Quote(v)
			if len(shown)+len(text) > line {
				shown += fmt.Sprintf("... and %d more (--json lists all)", len(c.Values)-j)
				break
			}
			shown += text + " "
		}
		fmt.Fprintf(w, "  %5d %-36s %8d  %s\n", c.Position, c.Name, len(c.Values), strings.TrimRight(shown, " "))
	}
}
