package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/base/opfile"
	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/models/gate"
	"github.com/headgate/headgate/scorer"
)

// modelGateCommand is headgate model gate.
type modelGateCommand struct {
	File   string `arg:"" optional:"" help:"Model to judge. Default: the built-in one." type:"path"`
	Only   string `help:"Play only situations whose name contains this." placeholder:"TEXT"`
	Misses bool   `help:"Also print the requests and clients that were judged wrongly."`
	Strict bool   `help:"Exit with status 1 if a situation is not as wanted."`
	JSON   bool   `name:"json" help:"Print one JSON array."`
}

// Help is shown by headgate model gate --help.
func (modelGateCommand) Help() string {
	return `Plays scripted situations through features, heuristics and a model, as a proxy with an idle daemon would, and prints the result of
each: people's first requests, scanners in disguise, floods, swarms, automated browsers. It takes some seconds and always
prints the same for the same model.

Examples:
  headgate model gate
  headgate model gate mine.cbm --misses
  headgate model gate mine.cbm --only people
  headgate model gate mine.cbm --strict --json > gates.json`
}

// Run plays the situations and prints the results.
func (c *modelGateCommand) Run(_ context.Context, t *terminal) error {
	data, err := c.read()
	if err != nil {
		return err
	}
	m, err := scorer.Load(data)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	situations := slices.DeleteFunc(gate.Situations(), func(name string) bool { return !strings.Contains(name, c.Only) })
	if len(situations) == 0 {
		return usageError{fmt.Errorf("model gate: --only %q: no situation has that in its name; try one of: %s", c.Only, strings.Join(gate.Situations(), "; "))}
	}
	results, err := gate.Run(m, situations, func(name string) { fmt.Fprintf(t.err, "%s\n", name) })
	if err != nil {
		return err
	}
	if err := c.print(t, results, sha256.Sum256(data)); err != nil {
		return err
	}
	if met := gate.Met(results); c.Strict && met < len(results) {
		return fmt.Errorf("model gate: %d of %d situations are not as wanted", len(results)-met, len(results))
	}
	return nil
}

// read returns the bytes of the model.
func (c *modelGateCommand) read() ([]byte, error) {
	if c.File == "" {
		return models.Default(), nil
	}
	return opfile.Read(c.File, scorer.MaxFileSize)
}

func (c *modelGateCommand) print(t *terminal, results []gate.Result, hash [sha256.Size]byte) error {
	if c.JSON {
		return json.NewEncoder(t.out).Encode(results)
	}
	if err := gate.Write(t.out, results); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "\n%d of %d as wanted; model with SHA-256 %x\n", gate.Met(results), len(results), hash[:8])
	for _, r := range results {
		if !c.Misses || len(r.Misses) == 0 {
			continue
		}
		fmt.Fprintf(t.out, "\n%s:\n", r.Name)
		for _, miss := range r.Misses {
			fmt.Fprintf(t.out, "  %s\n", miss)
		}
	}
	return nil
}
