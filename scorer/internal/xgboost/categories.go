package xgboost

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/headgate/headgate/scorer/internal/forest"
)

// Why an XGBoost file has no values for a category.
const (
	noCats = "the file does not have the values of its categories, only codes (XGBoost writes " +
		"them since 3.1, if it is trained on a data frame)"
	cutCats = "the file has the texts of this feature's categories cut in wrong places, which " +
		"XGBoost 3.1 and 3.2 do to pandas columns with other characters than ASCII (train it on " +
		"an Arrow table)"
	twiceCat = "two of the file's categories of this feature are the same"
	manyCats = "the file has more than 1048576 categories"
)

// categoryLists are the values of the categories of all features, which XGBoost writes since 3.1:
// "enc" has an element for each feature, or none at all.
type categoryLists struct {
	of    [][]forest.Category
	count int
}

// categories reads "cats". The other keys help to look values up, which is done by hash here.
func (d *decoder) categories() error {
	return d.members("cats.", map[string]func() error{
		"enc": func() error { return d.array(d.encoding) },
	})
}

// encoding reads the values of a feature: integers, or texts as bytes and the offsets of their
// ends. A numeric feature has no values.
func (d *decoder) encoding(i int) error {
	if i >= forest.MaxFeatures {
		return forest.Beyond(d.format(), forest.MaxFeatures, "too many features")
	}
	var offsets []int32
	var values []int64
	texts := false
	err := d.object(func(key string) (err error) {
		switch key {
		case "offsets":
			texts = true
			offsets, err = d.integers()
		case "values":
			values, err = d.longs()
		default:
			err = d.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	list := integerCategories(values)
	if texts {
		if list, err = d.textCategories(offsets, values); err != nil {
			return err
		}
	}
	if d.cats.count += len(list); d.cats.count > forest.MaxCategories {
		list = nil
	}
	d.cats.of = append(d.cats.of, list)
	return nil
}

func integerCategories(values []int64) (list []forest.Category) {
	for _, v := range values {
		list = append(list, forest.Category{Text: strconv.FormatInt(v, 10), Number: float64(v),
			Kind: forest.NumericCategory})
	}
	return list
}

// textCategories cuts bytes into texts.
func (d *decoder) textCategories(offsets []int32, values []int64) (list []forest.Category,
	err error) {
	text := make([]byte, len(values))
	for i, v := range values { // signed bytes
		text[i] = byte(v)
	}
	for i := 1; i < len(offsets); i++ {
		from, to := offsets[i-1], offsets[i]
		if from < 0 || to < from || int(to) > len(text) {
			return nil, forest.Damaged(d.format(), "category %d is from byte %d to %d of %d", i-1,
				from, to, len(text))
		}
		list = append(list, forest.Category{Text: string(text[from:to])})
	}
	return list, nil
}

// setCategories assigns the values of the categories to the features.
func (d *decoder) setCategories() error {
	d.b.Values.Why = noCats
	switch n := len(d.cats.of); {
	case n == 0:
		return nil
	case n != len(d.b.Names):
		return forest.Damaged(d.format(), "categories of %d features, it has %d", n, len(d.b.Names))
	case d.cats.count == 0:
		return nil
	case d.cats.count > forest.MaxCategories:
		d.b.Values.Why = manyCats
		return nil
	}
	d.b.Values.ByFeature, d.b.Values.Strict = make([]*forest.Categories, len(d.b.Names)), true
	for i, list := range d.cats.of {
		switch {
		case len(list) == 0:
		case slices.ContainsFunc(list,
			func(c forest.Category) bool { return !utf8.ValidString(c.Text) }):
			d.b.Values.Refuse(i, cutCats)
		default:
			d.b.Values.Set(i, list, twiceCat)
		}
	}
	return nil
}
