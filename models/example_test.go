package models_test

import (
	"fmt"
	"log"

	"github.com/headgate/headgate/models"
	"github.com/headgate/headgate/scorer"
)

// The built-in model is one of CatBoost: the probability of its class 1 is that of a bot.
func ExampleDefault() {
	model, err := scorer.Load(models.Default())
	if err != nil {
		log.Fatal(err)
	}
	class, ok := model.PositiveClass()
	fmt.Println(class, ok)
	// Output: 1 true
}
