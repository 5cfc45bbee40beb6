package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/models/corpus"
)

// The recorded corpus has every family, most of its programs, people and bots, and enough kinds of
// sites.
func TestRecordedFamilies(t *testing.T) {
	programs, kinds, truths := make(map[string]bool), make(map[string]bool), make(map[string]int)
	for _, family := range families() {
		files, err := corpus.ReadAll(filepath.Join("corpus", family.name+corpus.Extension))
		if err != nil {
			t.Error(err)
			continue
		}
		recorded := make(map[string]bool)
		for _, r := range files[0].Runs {
			recorded[r.Program] = true
			programs[family.name+"/"+r.Program] = true
			kinds[r.Site] = true
			truths[r.Truth]++
		}
		var missing []string
		for _, c := range family.clients {
			if !recorded[c.program] {
				missing = append(missing, c.program)
			}
		}
		if 5*len(missing) > len(family.clients) {
			t.Errorf("%s: of %d programs there is no request of %s", family.name, len(family.clients), strings.Join(missing, ", "))
		}
	}
	if len(programs) < 60 || len(kinds) < 8 || truths[corpus.Person] < 20 || truths[corpus.Bot] < 300 {
		t.Errorf("%d programs, %d kinds of sites, runs by truth %v: want at least 60, 8, 20 people and 300 bots", len(programs), len(kinds), truths)
	}
}
