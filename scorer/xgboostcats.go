package scorer

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

// Why an XGBoost file has no values for a category.
const (
	noCats   = "the file does not have the values of its categories, only codes (XGBoost writes them since 3.1, if it is trained on a data frame)"
	cutCats  = "the file has the texts of this feature's categories cut in wrong places, which XGBoost 3.1 and 3.2 do to pandas columns with other characters than ASCII (train it on an Arrow table)"
	twiceCat = "two of the file's categories of this feature are the same"
	manyCats = "the file has more than 1048576 categories"
)

// xgboostCats are the values of the categories of all features, which XGBoost writes since 3.1:
// "enc" has an element for each feature, or none at all.
type xgboostCats struct {
	of    [][]category
	count int
}

// categories reads "cats". The other keys help to look values up, which is done by hash here.
func (d *xgboost) categories() error {
	return d.members("cats.", map[string]func() error{"enc": func() error { return d.array(d.encoding) }})
}

// encoding reads the values of a feature: integers, or texts as bytes and the offsets of their
// ends. A numeric feature has none.
func (d *xgboost) encoding(i int) error {
	if i >= maxFeatures {
		return beyond(d.format(), maxFeatures, "too many features")
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
	if d.cats.count += len(list); d.cats.count > maxCategories {
		list = nil
	}
	d.cats.of = append(d.cats.of, list)
	return nil
}

func integerCategories(values []int64) (list []category) {
	for _, v := range values {
		list = append(list, category{text: strconv.FormatInt(v, 10), number: float64(v), kind: numericCategory})
	}
	return list
}

// textCategories cuts bytes into texts.
func (d *xgboost) textCategories(offsets []int32, values []int64) (list []category, err error) {
	text := make([]byte, len(values))
	for i, v := range values { // signed bytes
		text[i] = byte(v)
	}
	for i := 1; i < len(offsets); i++ {
		from, to := offsets[i-1], offsets[i]
		if from < 0 || to < from || int(to) > len(text) {
			return nil, damaged(d.format(), "category %d is from byte %d to %d of %d", i-1, from, to, len(text))
		}
		list = append(list, category{text: string(text[from:to])})
	}
	return list, nil
}

// setCategories gives the features the values of their categories.
func (d *xgboost) setCategories() error {
	d.b.values.why = noCats
	switch n := len(d.cats.of); {
	case n == 0:
		return nil
	case n != len(d.b.names):
		return damaged(d.format(), "categories of %d features, it has %d", n, len(d.b.names))
	case d.cats.count == 0:
		return nil
	case d.cats.count > maxCategories:
		d.b.values.why = manyCats
		return nil
	}
	d.b.values.of, d.b.values.strict = make([]*categories, len(d.b.names)), true
	for i, list := range d.cats.of {
		switch {
		case len(list) == 0:
		case slices.ContainsFunc(list, func(c category) bool { return !utf8.ValidString(c.text) }):
			d.b.values.refuse(i, cutCats)
		default:
			d.b.values.set(i, list, twiceCat)
		}
	}
	return nil
}
