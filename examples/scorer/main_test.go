package main

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/scorer"
)

// Rows for the model that is built in: one with two of its features and a column that it has no
// feature for, one with missing values only, and one that has a text for a number.
func Example_score() {
	model, err := scorer.Load(models.Default())
	if err != nil {
		log.Fatal(err)
	}
	first, second := model.Features()[0].Name, model.Features()[1].Name
	var out strings.Builder
	if err := score(model, strings.NewReader(first+",color,"+second+"\n4,red,0\n,blue,\n"), &out); err != nil {
		log.Fatal(err)
	}
	for _, line := range strings.Fields(out.String()) {
		fmt.Println(len(line), line >= "0" && line <= "1")
	}
	err = score(model, strings.NewReader(first+"\nmany\n"), os.Stdout)
	fmt.Println(strings.ReplaceAll(err.Error(), first, "FIRST"))
	// Output:
	// 6 true
	// 6 true
	// column FIRST: "many" is not a number
}
