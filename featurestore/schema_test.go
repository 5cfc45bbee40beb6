package featurestore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/featurestore"
)

func TestSchemaRefused(t *testing.T) {
	column := featurestore.Column{Name: "c"}
	one := func(d featurestore.Dimension) featurestore.Schema {
		return featurestore.Schema{Dimensions: []featurestore.Dimension{d}}
	}
	named := func(name string) featurestore.Schema {
		return one(featurestore.Dimension{Name: name, Columns: []featurestore.Column{column}})
	}
	manyColumns := make([]featurestore.Column, featurestore.MaxColumns+1)
	manyDecays := make([]featurestore.Column, 9)
	for i := range manyColumns {
		manyColumns[i].Name = fmt.Sprint("c", i)
	}
	for i := range manyDecays {
		manyDecays[i] = featurestore.Column{Name: fmt.Sprint("c", i), Decay: time.Duration(i+1) * time.Second}
	}
	many := named("d")
	for i := range featurestore.MaxDimensions {
		many.Dimensions = append(many.Dimensions, named(fmt.Sprint("d", i)).Dimensions...)
	}
	for name, schema := range map[string]featurestore.Schema{
		"no dimension":        {},
		"too many dimensions": many,
		"no column":           one(featurestore.Dimension{Name: "d"}),
		"too many columns":    one(featurestore.Dimension{Name: "d", Columns: manyColumns}),
		"too many decays":     one(featurestore.Dimension{Name: "d", Columns: manyDecays}),
		"a name twice":        {Dimensions: append(named("d").Dimensions, named("d").Dimensions...)},
		"a column twice":      one(featurestore.Dimension{Name: "d", Columns: []featurestore.Column{column, column}}),
		"a negative decay":    one(featurestore.Dimension{Name: "d", Columns: []featurestore.Column{{Name: "c", Decay: -1}}}),
		"an empty name":       named(""),
		"a slash":             named("a/b"),
		"a blank":             named("a b"),
		"a long name":         named(strings.Repeat("x", 65)),
		"no UTF-8":            named("a\xff"),
		"a large unit": one(featurestore.Dimension{Name: "d",
			Columns: []featurestore.Column{{Name: "c", Unit: strings.Repeat("x", 1<<20)}}}),
	} {
		if _, err := featurestore.NewBuilder(schema, 0); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
}

// For any name that a builder accepts, an image with it opens and has the same name.
func TestNamesRoundTrip(t *testing.T) {
	for _, name := range []string{"a", "<&>", `"\`, "\x00", "\u2028", "größe", strings.Repeat("&", 64), strings.Repeat("é", 32)} {
		b, err := featurestore.NewBuilder(featurestore.Schema{Dimensions: []featurestore.Dimension{
			{Name: name, Columns: []featurestore.Column{{Name: name, Unit: name}}}}}, 0)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if err := b.Begin(noon, []int{0}); err != nil {
			t.Fatal(err)
		}
		table, err := featurestore.OpenTable(b.Image())
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if d := table.Schema.Dimensions[0]; d.Name != name || d.Columns[0].Name != name || d.Columns[0].Unit != name {
			t.Errorf("%q became %+v", name, d)
		}
	}
}
