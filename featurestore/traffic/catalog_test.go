package traffic_test

import (
	"regexp"
	"testing"

	"github.com/headgate/headgate/featurestore"
	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/featurestore/window"
)

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Every feature, of a request or between requests, has a name of its own, a unit and a reason.
func TestCatalogIsComplete(t *testing.T) {
	seen := make(map[string]bool)
	check := func(full, name, unit, why string) {
		t.Helper()
		if seen[full] || !validName.MatchString(name) || len(name) > 64 || unit == "" || why == "" {
			t.Errorf("%q (seen %v): unit %q, why %q", full, seen[full], unit, why)
		}
		seen[full] = true
	}
	for _, f := range traffic.Catalog() {
		check(f.FullName(), f.Name, f.Unit, f.Why)
		if f.Dimension >= traffic.NumDimensions || f.Fold.Measure >= traffic.NumMeasures || f.Fold.Per >= traffic.NumMeasures ||
			f.Fold.Object >= traffic.NumObjects || f.Fold.Fact >= traffic.NumAgentFacts {
			t.Errorf("%s: %+v is out of range", f.FullName(), f.Fold)
		}
	}
	for _, f := range traffic.RequestCatalog {
		check(f.FullName(), f.Name, f.Unit, f.Why)
	}
	if len(seen) < 60 {
		t.Errorf("only %d features", len(seen))
	}
}

// The catalog is what package window folds and package featurestore publishes: one column for each
// feature, in its order, which fades as Fade says.
func TestCatalogIsUsable(t *testing.T) {
	a, err := window.New(window.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := featurestore.NewBuilder(a.Schema(), 1); err != nil {
		t.Fatal(err)
	}
	columns := make(map[string]featurestore.Column)
	var order []string
	for _, d := range a.Schema().Dimensions {
		for _, c := range d.Columns {
			columns[d.Name+"/"+c.Name] = c
			order = append(order, d.Name+"/"+c.Name)
		}
	}
	catalog := traffic.Catalog()
	if len(order) != len(catalog) {
		t.Fatalf("%d columns for %d features", len(order), len(catalog))
	}
	for i, f := range catalog {
		c, ok := columns[f.FullName()]
		if !ok || order[i] != f.FullName() || c.Unit != f.Unit || c.Decay != f.Fade() {
			t.Errorf("%s is the column %+v, place %d is %s", f.FullName(), c, i, order[i])
		}
	}
}

// The slice is the caller's own.
func TestCatalogIsACopy(t *testing.T) {
	mine := traffic.Catalog()
	for i := range mine {
		mine[i] = traffic.Feature{}
	}
	if again := traffic.Catalog(); again[0].Name == "" || again[len(again)-1].Why == "" {
		t.Error("a caller changed the catalog")
	}
}
