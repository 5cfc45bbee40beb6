package ipc

import (
	"os"
	"testing"

	"github.com/headgate/headgate/bench/harness"
)

func TestMain(m *testing.M) {
	harness.RunChild()
	os.Exit(m.Run())
}

// Every medium carries every message to another process and its answer back: ask checks each.
func TestEveryMediumCarriesMessages(t *testing.T) {
	for _, m := range media {
		t.Run(m.name, func(t *testing.T) {
			got, err := pingPong(m, 50)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 1 || got[0].N != 50 || got[0].Value <= 0 {
				t.Errorf("measured %+v", got)
			}
		})
	}
}
