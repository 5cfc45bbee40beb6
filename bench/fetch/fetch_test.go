package fetch

import (
	"errors"
	"os"
	"testing"

	"github.com/headgate/headgate/bench/harness"
)

func TestMain(m *testing.M) {
	harness.RunChild()
	os.Exit(m.Run())
}

// Every store returns the values that were put in, for random keys: fetchAll compares them.
func TestStoresGiveWhatWasPut(t *testing.T) {
	for _, m := range makers {
		t.Run(m.name, func(t *testing.T) {
			const keys = 500
			s, err := m.make(t.TempDir(), keys)
			if missing := (harness.MissingPeer{}); errors.As(err, &missing) {
				t.Skipf("%s; or: apt-get install memcached redis-server", missing.Error())
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			got, err := fetchAll(s, keys, 300, backToBack, 1)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 3 || got[0].N != 300 {
				t.Errorf("measured %+v", got)
			}
			if err := s.fetch(&[dimensions]uint64{1, 1, 1, 1, 1}, make([]float32, dimensions*columns), 0); err == nil {
				t.Error("keys that nobody put were found")
			}
		})
	}
}
