package worlds_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore/pipeline"
	"github.com/headgate/headgate/heuristics"
	"github.com/headgate/headgate/models/worlds"
)

// No request of simulated people is another program's under their browser's name, whether a proxy sees the wire or JA4 alone. Bots who copy
// their browsers are found.
func TestPeopleOfWorldsForgeNothing(t *testing.T) {
	for _, view := range []worlds.View{worlds.JA4, worlds.Wire} {
		people, bots, found := 0, 0, 0
		for seed := uint64(1); seed <= 15; seed++ {
			source, err := worlds.NewSource(worlds.Config{Seed: seed, Duration: 10 * time.Minute, View: view})
			if err != nil {
				t.Fatal(err)
			}
			for {
				var r pipeline.Record
				if err := source.Next(&r); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				forged := heuristics.Rules{}.Request(&r.Event) == heuristics.FindingForgedAgent
				switch truth := strings.Split(r.Truth, ":"); {
				case truth[0] == "person":
					if people++; forged {
						t.Fatalf("seed %d: %s: %015b of %s %s with %q and %s", seed, r.Truth, heuristics.FindContradictions(&r.Event), r.Event.Method, r.Event.Path,
							r.Event.UserAgent, r.Event.JA4)
					}
				case strings.HasPrefix(truth[3], "copied"):
					if bots++; forged {
						found++
					}
				}
			}
		}
		if people < 10_000 || bots < 1_000 || 2*found < bots {
			t.Errorf("%s: %d requests of people; %d of bots with copied fields, %d of them found", view, people, bots, found)
		}
		t.Logf("%s: none of %d requests of people; %d of %d requests of bots with copied fields", view, people, found, bots)
	}
}
