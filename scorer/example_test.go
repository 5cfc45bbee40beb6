package scorer_test

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"math"
	"os"

	"github.com/headgate/headgate/scorer"
)

// loadExample loads a model of testdata/example: testdata/make/train_example.py trained it.
func loadExample(name string) *scorer.Model {
	m, err := scorer.LoadFile("testdata/example/" + name)
	if err != nil {
		log.Fatal(err)
	}
	return m
}

// From a model file to a score: load once, find the positions of the inputs once, then fill in and
// score one row after the other.
func Example() {
	model, err := scorer.LoadFile("testdata/example/bots.cbm")
	if err != nil {
		log.Fatal(err)
	}
	position := map[string]int{}
	for _, name := range []string{"requests_1m", "error_share", "country"} {
		i, ok := model.FeatureIndex(name)
		if !ok {
			log.Fatalf("the model has no feature %s", name)
		}
		position[name] = i
	}

	scratch := model.NewScratch() // one for each goroutine, as are the inputs
	inputs := make([]float32, len(model.Features()))
	for _, client := range []struct {
		requests, errors float32
		country          string
	}{{12, 0.01, "nl"}, {240, 0.45, "xx"}} {
		inputs[position["requests_1m"]] = client.requests
		inputs[position["error_share"]] = client.errors
		scratch.SetString(position["country"], client.country)
		raw, err := model.Raw(scratch, inputs)
		if err != nil {
			log.Fatal(err) // inputs has not one value for each feature
		}
		p := model.Probability(raw)
		fmt.Printf("%v requests from %s: %.3f a bot, score %d\n", client.requests, client.country,
			p, scorer.Score(p))
	}
	// Output:
	// 12 requests from nl: 0.010 a bot, score 99
	// 240 requests from xx: 0.991 a bot, score 1
}

// A model says what it takes, in the order of the inputs.
func ExampleLoadFile() {
	model, err := scorer.LoadFile("testdata/example/bots.cbm")
	if errors.Is(err, scorer.ErrUnsupported) {
		// a sound model that has something in it which this package does not evaluate
		log.Fatal(err)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Format(), model.Objective(), model.Trees(), "trees")
	for i, f := range model.Features() {
		fmt.Println(i, f.Name, f.Kind)
	}
	// Output:
	// catboost-cbm Logloss 12 trees
	// 0 requests_1m numeric
	// 1 error_share numeric
	// 2 country categorical
}

// A model need not be a file: it may be embedded, or come from an archive or a server. More than
// MaxFileSize is refused.
func ExampleLoadReader() {
	file, err := os.ReadFile("testdata/example/bots.cbm")
	if err != nil {
		log.Fatal(err)
	}
	model, err := scorer.LoadReader(bytes.NewReader(file))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Outputs(), "output")
	_, err = scorer.LoadReader(bytes.NewReader(file[:100]))
	fmt.Println(err)
	// Output:
	// 1 output
	// catboost-cbm model: the core has 92 bytes, the header announces 7120: the file is cut off
}

// A row has one value for each feature; what is not known is NaN. A row of another length is an
// error, not one with missing values.
func ExampleModel_Raw() {
	model := loadExample("shadow.cbm") // error_share, requests_1m
	scratch := model.NewScratch()
	unknown := float32(math.NaN())

	raw, err := model.Raw(scratch, []float32{0.45, unknown})
	fmt.Printf("%.4f %v\n", raw, err)
	_, err = model.Raw(scratch, []float32{0.45})
	fmt.Println(err)
	fmt.Println(errors.Is(err, scorer.ErrMismatch))
	// Output:
	// 1.8166 <nil>
	// scorer: score a row: it has 1 values, the model takes 2 (one for each of Features, NaN where it is missing): features do not fit
	// true
}

// Categories are texts, or integers, and are set in the row. They stay until they are set again or
// Reset.
func ExampleScratch_SetString() {
	model := loadExample("bots.cbm")
	country, _ := model.FeatureIndex("country")
	scratch := model.NewScratch()
	// what stands at the position of the country is not looked at while one is set
	inputs := []float32{30, 0.1, 0}

	for _, c := range []string{"nl", "xx", "unheard of"} {
		scratch.SetString(country, c)
		raw, err := model.Raw(scratch, inputs)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %.4f\n", c, raw)
	}
	// Output:
	// nl: -2.3681
	// xx: -0.5729
	// unheard of: -2.3681
}

// A classifier decides for one of its Classes.
func ExampleModel_Class() {
	model := loadExample("bots.cbm")
	scratch := model.NewScratch()
	scratch.SetString(2, "xx")
	class, err := model.Class(scratch, []float32{240, 0.45, 0})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Classes(), class, model.Classes()[class])

	positive, _ := model.PositiveClass()
	p, err := model.AppendPrediction(nil, scratch, []float32{240, 0.45, 0})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s with probability %.4f\n", positive, p[0])
	// Output:
	// [human bot] 1 bot
	// bot with probability 0.9910
}

// The average over the training rows and what each feature moved it by add up to the raw output.
func ExampleModel_Explain() {
	model := loadExample("bots.cbm")
	scratch := model.NewScratch()
	scratch.SetString(2, "xx")
	inputs := []float32{12, 0.01, 0}
	moved, average, err := model.Explain(nil, scratch, inputs, 0)
	if err != nil {
		log.Fatal(err)
	}
	features := model.Features()
	fmt.Printf("average %+.3f\n", average)
	for _, c := range moved {
		fmt.Printf("%s %+.3f\n", features[c.Feature].Name, c.Value)
	}
	// Output:
	// average -0.810
	// error_share -1.843
	// requests_1m -1.787
	// country +0.840
}

// A set looks at each input once for all of its models. It finds their features by name: the shadow
// has two of the three, in another order.
func ExampleSet() {
	set, err := scorer.NewSet(loadExample("bots.cbm"), loadExample("shadow.cbm"))
	if err != nil {
		log.Fatal(err)
	}
	scratch := set.NewScratch()
	country, _ := set.FeatureIndex("country")
	scratch.SetString(country, "xx")
	both, err := set.AppendRaw(nil, scratch, []float32{60, 0.2, 0})
	if err != nil {
		log.Fatal(err)
	}
	for i, model := range set.Models() {
		fmt.Printf("model %d: %.4f\n", i, model.Probability(both[i]))
	}
	// Output:
	// model 0: 0.9815
	// model 1: 0.9677
}

// Many rows in one call, on all processors, with the bits that each has alone.
func ExampleModel_AppendRawBatch() {
	model := loadExample("bots.cbm")
	country, _ := model.FeatureIndex("country")
	raw, err := model.AppendRawBatch(nil, scorer.Batch{
		Rows: 3,
		Values: []float32{ // row by row
			12, 0.01, 0,
			30, 0.1, 0,
			240, 0.45, 0,
		},
		Texts: map[int][]string{country: {"nl", "xx", "xx"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range raw {
		fmt.Println(scorer.Score(model.Probability(r)))
	}
	// Output:
	// 99
	// 64
	// 1
}

// The leaf of each tree, for a linear model on top, or to find rows that are alike.
func ExampleModel_AppendLeaves() {
	model := loadExample("bots.cbm")
	scratch := model.NewScratch()
	scratch.SetString(2, "xx")
	leaves, err := model.AppendLeaves(nil, scratch, []float32{30, 0.1, 0})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(leaves)
	// Output:
	// [0 4 6 0 3 3 4 3 3 0 1 5]
}
