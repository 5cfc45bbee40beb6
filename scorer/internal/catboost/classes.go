package catboost

import (
	"encoding/json"
	"strconv"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// classInfo is the part of CatBoost's metadata about the classes of a classifier.
type classInfo struct {
	Names []json.RawMessage `json:"class_names"`   // labels of all classes, strings or numbers
	Count int               `json:"classes_count"` // of all classes; without names they are 0, 1, ...

	// Labels has an element for each class that training rows had, in the order of the outputs: its
	// number among all classes or, if the file has neither names nor a count of them, its label.
	Labels []json.RawMessage `json:"class_to_label"`
}

// all returns the number of classes that were declared for training; 0 if they were not.
func (c *classInfo) all() int { return max(c.Count, len(c.Names)) }

// labels returns the labels of all classes. check must have passed the count.
func (c *classInfo) labels() []string {
	var labels []string
	switch {
	case len(c.Names) > 0:
		for _, name := range c.Names {
			labels = append(labels, label(name))
		}
	case c.Count > 0:
		for i := range c.Count {
			labels = append(labels, strconv.Itoa(i))
		}
	default:
		for _, name := range c.Labels {
			labels = append(labels, label(name))
		}
	}
	return labels
}

// check bounds the number of classes.
func (c *classInfo) check(format string) error {
	switch n := c.all(); {
	case n > forest.MaxOutputs:
		return forest.Beyond(format, forest.MaxOutputs, "%d classes", n)
	case c.Count < 0:
		return forest.Damaged(format, "classes_count is %d", c.Count)
	}
	return nil
}

// outputClasses returns the class of each output, or nil if the outputs are all classes in order.
// Like the library, it refuses a file that does not say so.
func (c *classInfo) outputClasses(format string, outputs int) ([]int, error) {
	all := c.all()
	if all == 0 || all == outputs && len(c.Labels) == 0 {
		return nil, nil
	}
	places, taken, inOrder := make([]int, 0, outputs), make([]bool, all), all == outputs
	for _, raw := range c.Labels {
		var number float64 // older files have 0.0 for 0
		err := json.Unmarshal(raw, &number)
		class := int(number)
		if err != nil || !(number >= 0 && number < float64(all)) || float64(class) != number ||
			taken[class] {
			return nil, forest.Damaged(format,
				"class_to_label has %.32q, expected each of its numbers once and below "+
					"%d", raw, all)
		}
		taken[class] = true
		inOrder = inOrder && class == len(places)
		places = append(places, class)
	}
	if len(places) != outputs {
		return nil, forest.Damaged(format,
			"class_to_label has %d numbers of classes for %d outputs", len(places), outputs)
	}
	if inOrder {
		return nil, nil
	}
	return places, nil
}
