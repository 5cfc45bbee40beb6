package explain

import (
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
)

// Every unit of the catalogs has a format.
func TestEveryUnitIsWritten(t *testing.T) {
	check := func(feature, name string) {
		if lookUpUnit(name) == nil {
			t.Errorf("feature %s is in %q, which nobody knows how to write: add it to units or counted in unit.go", feature, name)
		}
	}
	for _, f := range traffic.Catalog() {
		check(f.FullName(), f.Unit)
	}
	for _, f := range traffic.RequestCatalog {
		check(f.FullName(), f.Unit)
	}
}
